import Primitives

extension Fault {
    static func tooManyFacts() -> Fault {
        Fault(.invalid, "facts.too_many", "One delivery holds at most \(FactBatch.maxFacts) facts.")
    }
}
