import Foundation

/// Why a test is judged as it is, with the numbers.
package enum StabilityReason: Sendable, Equatable {
    /// Commits on which it passed and failed.
    case bothOutcomesOnOneCommit(commits: Int)
    /// Further attempts within a run that passed after it had failed.
    case retryPassed(times: Int)
    /// Failed between passes, over all kinds of edges.
    case failedBetweenPasses(times: Int)
    /// 95 % of what the rate may be, given the results that count (Beta posterior, Jeffreys' prior).
    case failureRate(lower: Double, upper: Double)
    /// Neighbouring failures with the same message, of those whose messages are known.
    case alikeMessages(pairs: Int, of: Int)
    /// Fails since then without a pass; `first` is the first such result, in milliseconds, `commit` its commit's hash, 0 when unknown.
    case failsSince(first: Int64, commit: UInt64, results: Int, commits: Int)
    /// Passes since then without a failure, after failures.
    case passesSince(first: Int64, commit: UInt64, results: Int)
    case neverPassed(results: Int)
    case neverFailed(results: Int)
    /// Failures put down to a host, a zone or an hour; they count for nothing else.
    case environmentFailures(count: Int)
    case tooFewResults(results: Int)
    /// A failure that nothing has passed after may be a breakage as well as chance.
    case nothingPassedSince(results: Int)
    /// It was flaky before it turned.
    case flakyBefore
}
