import Primitives

extension Fault {
    static func tooManyFailures() -> Fault {
        Fault(.invalid, "failures.too_many", "One delivery holds at most \(FailedResult.maxBatch) results.")
    }
}
