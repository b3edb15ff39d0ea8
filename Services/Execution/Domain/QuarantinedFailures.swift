import Primitives

/// A test of a run that fails and is quarantined.
struct QuarantinedFailure: Equatable, Sendable {
    let test: ID<TestIdentity>
    let suiteName: String
    let className: String
    let name: String
    let outcome: Outcome
}

/// How a run's failures stand to what is quarantined at a moment.
struct QuarantinedFailures: Equatable, Sendable {
    /// Tests that are named where nobody says how many.
    static let usualPage = 100

    /// Tests that have passed in no later try, by identity: several results of one test count once.
    var failing = 0
    var quarantined = 0
    /// Tests that failed and passed when they were tried again.
    var passedAgain = 0

    /// Whether a build has no reason to stop for this run. A run that is not finished, was ended early, or of which something is missing has not
    /// shown that nothing else fails.
    func excuse(_ run: Run) -> Bool {
        (run.state == .failed || run.state == .error) && !run.incomplete && run.counts.pending == 0 && failing + passedAgain > 0
            && quarantined == failing
    }
}
