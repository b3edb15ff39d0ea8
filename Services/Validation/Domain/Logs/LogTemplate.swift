/// What the signatures of one pattern have in common.
enum LogTemplate {
    /// Words where all have the same, `<*>` where they differ. What has another number of words than the first is not looked at: the miner puts
    /// together only what is of one length.
    static func of(_ signatures: [String]) -> String {
        guard let first = signatures.first else { return "" }
        var words = Skeleton.tokens(of: first)
        for other in signatures.dropFirst() {
            let tokens = Skeleton.tokens(of: other)
            guard tokens.count == words.count else { continue }
            for place in words.indices where words[place] != tokens[place] { words[place] = Signature.mask }
        }
        return words.joined(separator: " ")
    }
}
