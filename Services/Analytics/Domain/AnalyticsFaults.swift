import Primitives

extension Fault {
    /// A newer release wrote the row.
    static let unknownState = Fault(.internal, "stability.unknown_state", "What is remembered of a test cannot be read.")

    static func tooManyFacts() -> Fault {
        Fault(.invalid, "facts.too_many", "One delivery holds at most \(FactBatch.maxFacts) facts.")
    }
}
