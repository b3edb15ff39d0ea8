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
    /// All failures are on other lines, which have not passed since, and count for nothing: the code there may well be broken.
    case failedElsewhere(failures: Int, of: Int)
    /// Failures put down to a host, a zone or an hour; they count for nothing else.
    case environmentFailures(count: Int)
    case tooFewResults(results: Int)
    /// A failure that nothing has passed after may be a breakage as well as chance.
    case nothingPassedSince(results: Int)
    /// It was flaky before it turned.
    case flakyBefore
}

extension StabilityReason: CustomStringConvertible {
    /// For people.
    package var description: String {
        switch self {
        case .bothOutcomesOnOneCommit(let commits): "It passed and failed on \(Self.counted(commits, "commit"))."
        case .retryPassed(let times): "A further try in the same run passed \(Self.counted(times, "time"))."
        case .failedBetweenPasses(let times): "It failed between passes \(Self.counted(times, "time"))."
        case .failureRate(let lower, let upper): "It fails in \(Self.percent(lower)) to \(Self.percent(upper)) of its results."
        case .alikeMessages(let pairs, let all): "\(pairs) of \(all) neighbouring failures have the same message."
        case .failsSince(_, _, let results, let commits):
            "It has failed \(Self.counted(results, "time")) without a pass" + (commits > 0 ? ", on \(Self.counted(commits, "commit"))." : ".")
        case .passesSince(_, _, let results): "It has passed \(Self.counted(results, "time")) without a failure since."
        case .neverPassed(let results): "It has never passed in \(Self.counted(results, "result"))."
        case .neverFailed(let results): "It has never failed in \(Self.counted(results, "result"))."
        case .failedElsewhere(let failures, let all):
            "\(failures) of \(Self.counted(all, "result")) failed, only on other branches or in other environments, where it has not passed since."
        case .environmentFailures(let count): "\(Self.counted(count, "failure")) \(count == 1 ? "was" : "were") put down to the environment."
        case .tooFewResults(let results): "Only \(Self.counted(results, "result")) \(results == 1 ? "is" : "are") known."
        case .nothingPassedSince(let results): "Nothing has passed after \(Self.counted(results, "failure")): it may be broken as well."
        case .flakyBefore: "It was flaky before."
        }
    }

    private static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    private static func percent(_ share: Double) -> String {
        let tenths = Int((share * 1000).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
    }
}
