/// What the exit code of `assay` says. Stable API: CI steps branch on it.
enum ExitStatus: Int32, Sendable {
    /// All is well: passed, done, or nothing but quarantined tests failed.
    case passed = 0
    /// Tests failed, or what was checked is not in order.
    case failed = 1
    /// The command was used wrongly, or names what does not exist.
    case usage = 2
    /// No key, or one that may not do this.
    case authentication = 3
    /// The service is away, or too busy for longer than we were told to be patient.
    case unreachable = 4
    /// What was waited for took too long.
    case timedOut = 5

    /// Of a run that is finished.
    init(runState: String) {
        switch runState {
        case "PASSED": self = .passed
        case "TIMED_OUT": self = .timedOut
        default: self = .failed
        }
    }
}
