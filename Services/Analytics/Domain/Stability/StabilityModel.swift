import Foundation

/// What is believed of tests before one is looked at, and how sure a verdict has to be: one value for each edition (`StabilityModel+Editions.swift`).
/// `StabilityVerdict` weighs the explanations of a history by it. Rates are probabilities, 0 to 1.
package struct StabilityModel: Sendable, Equatable {
    /// Part of every receipt, which is replayed by the model of this number.
    package var edition: Int32
    /// Tests that are flaky at all.
    package var flaky: Double
    /// A flaky test's failure rate is Beta(α, β).
    package var rateAlpha: Double
    package var rateBeta: Double
    /// A commit that breaks, or mends, a given test.
    package var breakage: Double
    /// A test that is broken when it is first seen.
    package var bornBroken: Double
    /// Something outside changes the outcome of this test alone from one result to the next, without a commit: a certificate, a calendar, a service.
    package var outage: Double
    package var bornInOutage: Double
    /// An outage of one result only: what comes and goes like that by itself is what people call flaky.
    package var outageEndsAtOnce: Double
    /// An outage that ends within the seconds between two attempts of one run.
    package var outageEndsBetweenAttempts: Double
    /// Results next to each other with another commit, where commits are not told.
    package var untoldCommit: Double
    /// A flaky test becomes reliable, or a reliable one flaky, at a given result.
    package var turn: Double
    /// Neighbouring failures with the same message: of one cause, of two causes, of a flaky test (which has few causes, but often more than one).
    package var alikeWithinCause: Double
    package var alikeAcrossCauses: Double
    package var alikeWhenFlaky: Double
    /// Messages weigh as that many pairs at most: they support what outcomes say and do not replace it. Fewer than `FailureMessages.limit`.
    package var messagePairs: Int
    /// Fewer results say nothing.
    package var fewestResults: Int
    /// Below that share of the explanations no kind is named.
    package var leastConfidence: Double
    /// Failures that another line ends with count when they have ended elsewhere (`StabilityState.endedElsewhere`); those that do not count are told.
    package var looksElsewhere: Bool

    /// log P(which of the results fail | a flaky test): Beta-binomial without the binomial coefficient, since the order is given.
    func logFlaky(failures: Double, passes: Double) -> Double {
        BetaDistribution.logFunction(failures + rateAlpha, passes + rateBeta) - BetaDistribution.logFunction(rateAlpha, rateBeta)
    }

    /// log P(the test fails for exactly this stretch | a reliable test): the code was broken, which begins and ends with a commit, or something outside
    /// was. How long either lasts is scale-free: P(at least n) = 1/n, so exactly n is 1/(n(n+1)); outages of one result apart.
    func logBreakage(_ episode: FailingEpisode) -> Double {
        let results = Double(max(1, episode.count))
        let commits = Double(max(1, episode.commits))
        let lastsResults = episode.end == .open ? 1 / results : 1 / (results * (results + 1))
        var code: Double
        switch episode.start {
        case .beginning: code = bornBroken
        case .betweenCommits: code = breakage
        case .withoutCommit: code = breakage * untoldCommit
        case .withinCommit, .open, .retried: code = 0
        }
        switch episode.end {
        case .open: code *= episode.commits == 0 ? lastsResults : 1 / commits
        case .betweenCommits: code *= 1 / (commits * (commits + 1))
        case .withoutCommit: code *= lastsResults
        case .withinCommit, .retried, .beginning: code = 0
        }
        let lastsOutside: Double =
            switch (episode.count, episode.end) {
            case (1, .open): 1
            case (1, _): outageEndsAtOnce
            default: (1 - outageEndsAtOnce) * 2 * lastsResults
            }
        let outside = (episode.start == .beginning ? bornInOutage : outage) * lastsOutside
        return log(code + outside * (episode.end == .retried ? outageEndsBetweenAttempts : 1))
    }

    /// The same for an episode of the past, of which only the setting is known.
    func logBreakage(_ setting: FailingEpisode.Setting) -> Double {
        let outside = outage * outageEndsAtOnce
        return switch setting {
        case .retried: log(outside * outageEndsBetweenAttempts)
        case .withinCommit: log(outside)
        case .betweenCommits: log(breakage / 2 + outside)
        case .withoutCommit: log(breakage * untoldCommit / 2 + outside)
        }
    }
}
