import Primitives

extension Fault {
    static func tooManyFailures() -> Fault {
        Fault(.invalid, "failures.too_many", "One delivery holds at most \(FailedResult.maxBatch) results.")
    }

    static func invalidCursor() -> Fault {
        Fault(.invalid, "page.invalid_cursor", "The cursor is not one of this list.", fields: [.init("cursor", "invalid", "Start without a cursor.")])
    }
}
