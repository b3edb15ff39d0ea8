import ExecutionAPI

/// What of a run's failures need not stop a build: tests that passed when they were tried again, and tests in quarantine. The run stays failed.
struct RunExcuse: Sendable {
    /// Nothing else failed.
    let isExcused: Bool
    let words: String

    /// `nil` when there is nothing of either.
    init?(_ found: PBQuarantinedFailures) {
        guard found.passedAgainTests + found.quarantinedTests > 0 else { return nil }
        isExcused = found.excused
        let again = found.passedAgainTests > 0 ? "\(NumberText.counted(found.passedAgainTests, "test")) failed and passed when tried again" : nil
        let held =
            found.quarantinedTests > 0
            ? "\(NumberText.grouped(found.quarantinedTests)) of \(NumberText.counted(found.failingTests, "failing test")) in quarantine" : nil
        words = [again, held].compactMap(\.self).joined(separator: "; ") + "."
    }
}
