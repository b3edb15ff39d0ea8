/// One header field. Lists of them keep order and repetition, which both mean something.
package struct HTTPHeader: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension [HTTPHeader] {
    /// The first value under a name, whatever its case.
    package func first(_ name: String) -> String? {
        first { $0.name.caseInsensitivelyEquals(name) }?.value
    }

    package func without(_ names: Set<String>) -> [HTTPHeader] {
        filter { !names.contains($0.name.lowercased()) }
    }
}

extension String {
    /// ASCII only, which is what header names are made of; does not allocate.
    func caseInsensitivelyEquals(_ other: String) -> Bool {
        utf8.count == other.utf8.count
            && zip(utf8, other.utf8).allSatisfy { $0 == $1 || $0 ^ $1 == 0x20 && $0.isLetter }
    }
}
