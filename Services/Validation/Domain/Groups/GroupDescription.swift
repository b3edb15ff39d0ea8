/// How a group is told to people: from the origin and the texts of its signatures.
struct GroupDescription: Sendable, Equatable {
    let errorType: String
    /// The innermost call of the application, or class and test; empty when neither tells the failures apart.
    let location: String
    let template: String

    /// - Parameter members: origin and text of each, the group's first signature first.
    init(_ members: [(origin: String, text: String)]) {
        let parts = (members.first?.origin ?? "").split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        errorType = parts.first.map(String.init) ?? ""
        location = parts.count > 1 ? parts[1].split(separator: "\n").joined(separator: " › ") : ""
        template = Self.template(of: members.map(\.text))
    }

    /// The words of the first, `<*>` where any of the others differs. Those that persons added from elsewhere, with another number of words, have nothing
    /// in common that could be shown at a place.
    private static func template(of texts: [String]) -> String {
        guard let first = texts.first else { return "" }
        guard texts.count > 1 else { return first }
        var words = Skeleton.tokens(of: first)
        for text in texts.dropFirst() {
            let others = Skeleton.tokens(of: text)
            guard others.count == words.count else { continue }
            for place in words.indices where words[place] != others[place] { words[place] = Signature.mask }
        }
        return words.joined(separator: " ")
    }
}
