import Foundation
import Primitives

/// An address that a person signs in with: in lower case, since no provider of note tells `Ann@` from `ann@`, and people type it either way.
struct EmailAddress: Hashable, Sendable, CustomStringConvertible {
    static let maxLength = 254

    let text: String

    /// The form that can be delivered, not all of RFC 5322: no quotes, comments or literals, and ASCII only, so that two addresses that look alike are
    /// one (T94: nothing that could end a header line gets through).
    /// - Throws: `request.invalid` at `pointer`.
    init(_ text: String, pointer: String = "/email") throws(Fault) {
        let address = text.trimmingCharacters(in: .whitespaces).lowercased()
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        guard
            address.utf8.count <= Self.maxLength, parts.count == 2, Self.isLocal(parts[0]), Self.isDomain(parts[1])
        else { throw .invalidField(pointer, "invalid", "This is not an e-mail address.") }
        self.text = address
    }

    /// What was stored was checked before.
    init(stored text: String) { self.text = text }

    var description: String { text }

    private static let localMarks = Set("!#$%&'*+-/=?^_`{|}~.".utf8)

    private static func isLocal(_ part: Substring) -> Bool {
        (1...64).contains(part.utf8.count) && part.utf8.allSatisfy { isLetterOrDigit($0) || localMarks.contains($0) }
            && !part.hasPrefix(".") && !part.hasSuffix(".") && !part.contains("..")
    }

    private static func isDomain(_ part: Substring) -> Bool {
        let labels = part.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count >= 2
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
                    && !label.hasPrefix("-") && !label.hasSuffix("-")
            }
            && !(labels.last?.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? true)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
