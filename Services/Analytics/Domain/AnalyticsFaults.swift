import Primitives

extension Fault {
    static func tooManyFacts() -> Fault {
        Fault(.invalid, "facts.too_many", "One delivery holds at most \(FactBatch.maxFacts) facts.")
    }

    static func invalidCursor() -> Fault {
        Fault(.invalid, "page.invalid_cursor", "The cursor is not one of this list.", fields: [.init("cursor", "invalid", "Start without a cursor.")])
    }
}
