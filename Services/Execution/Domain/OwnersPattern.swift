import Foundation

/// The pattern of a CODEOWNERS line: that of .gitignore, without `!` and without ranges in brackets.
struct OwnersPattern: Sendable {
    struct Refusal: Error, Equatable { let detail: String }

    /// Each `**` may be tried at every depth of a path.
    static let mostDeepWildcards = 4

    private let segments: [ArraySlice<UInt8>]
    /// Holds from the root on; else at any depth.
    private let isAnchored: Bool
    /// A folder, and all that is in it.
    private let isFolder: Bool

    init(_ text: String) throws(Refusal) {
        guard !text.hasPrefix("!") else { throw Refusal(detail: "a pattern cannot begin with !") }
        guard !text.contains("[") else { throw Refusal(detail: "a pattern cannot have ranges in brackets") }
        isFolder = text.hasSuffix("/")
        let parts = text.split(separator: "/")
        guard !parts.isEmpty || text == "/" else { throw Refusal(detail: "the pattern is empty") }
        guard parts.count(where: { $0 == "**" }) <= Self.mostDeepWildcards else {
            throw Refusal(detail: "a pattern has at most \(Self.mostDeepWildcards) **")
        }
        isAnchored = text.dropLast(isFolder ? 1 : 0).contains("/")
        segments = parts.map { Array($0.utf8)[...] }
    }

    func matches(_ path: [ArraySlice<UInt8>]) -> Bool {
        if isAnchored || segments.isEmpty { return matches(segments[...], path[...]) }
        return path.indices.contains { matches(segments[...], path[$0...]) }
    }

    private func matches(_ pattern: ArraySlice<ArraySlice<UInt8>>, _ path: ArraySlice<ArraySlice<UInt8>>) -> Bool {
        guard let first = pattern.first else {
            // A folder was named, or what may be one, and this is in it; `docs/*` means the files of the folder itself.
            return path.isEmpty ? !isFolder : isFolder || segments.last?.elementsEqual("*".utf8) != true || segments.count == 1
        }
        if first.elementsEqual("**".utf8) {
            let rest = pattern.dropFirst()
            if rest.isEmpty { return !path.isEmpty }
            return (path.startIndex...path.endIndex).contains { matches(rest, path[$0...]) }
        }
        guard let name = path.first, Wildcard.matches(first, name, single: UInt8(ascii: "?")) else { return false }
        return matches(pattern.dropFirst(), path.dropFirst())
    }
}
