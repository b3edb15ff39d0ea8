import Primitives

/// What a list of tests is narrowed to: those of which the suite, the class or the name holds a text, in any case.
struct TestSearch: Sendable {
    /// Characters, as of a search among failure groups.
    static let longest = 200
    static let all = TestSearch()

    /// Empty for all.
    let text: String

    private init() { text = "" }

    /// - Throws: `request.invalid` at `q`.
    init(_ text: String) throws(Fault) {
        guard text.unicodeScalars.count <= Self.longest, !text.utf8.contains(0) else {
            throw .invalidField("q", "invalid_text", "At most \(Self.longest) characters, none of them NUL.")
        }
        self.text = text
    }
}
