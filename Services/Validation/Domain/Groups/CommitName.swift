/// How two texts name commits. People copy the beginning of a hash, and some CIs report no more of it.
enum CommitName {
    /// Hexadecimal digits from which on the beginning of a hash stands for the commit: as many as Git shortens to.
    static let fewestDigits = 7
    /// Of SHA-256, the longest hash that a commit has.
    static let mostDigits = 64

    /// Whether they name one commit: by the same text, or one of them by the beginning of the other's hash. An empty one names none. Two texts of
    /// decimal digits alone are numbers, of a revision or a build, which are not the same because one begins with the other.
    static func areSame(_ one: String, _ other: String) -> Bool {
        guard !one.isEmpty, !other.isEmpty else { return false }
        guard one != other else { return true }
        guard isHash(one), isHash(other), !isNumber(one) || !isNumber(other) else { return false }
        let (first, second) = (one.lowercased(), other.lowercased())
        return first.hasPrefix(second) || second.hasPrefix(first)
    }

    private static func isHash(_ text: String) -> Bool {
        (fewestDigits...mostDigits).contains(text.utf8.count) && text.utf8.allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
    }

    private static func isNumber(_ text: String) -> Bool { text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }
}
