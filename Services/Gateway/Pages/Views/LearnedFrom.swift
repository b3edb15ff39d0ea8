import ValidationAPI

/// What a failure was judged after where no rule knew it: failures that people had filed, each a click away.
struct LearnedFrom: Sendable {
    /// The rule of what was learned.
    static let rule = "learned"

    let words: String
    let neighbours: [Neighbour]

    struct Neighbour: Sendable {
        let path: String
        let alike: String
        let category: String

        init(_ neighbour: PBNeighbour) {
            path = PageAddress.result(neighbour.result)
            alike = neighbour.similarity >= 1 ? "the same" : "\(Int(neighbour.similarity * 100)) % alike"
            category = JudgementText.category(neighbour.category)
        }
    }

    /// - Returns: `nil` where a rule decided, or nothing is known of why.
    init?(_ receipt: PBReceipt?) {
        guard let receipt, receipt.rule == Self.rule else { return nil }
        words = receipt.evidence
        neighbours = receipt.neighbours.map(Neighbour.init)
    }
}
