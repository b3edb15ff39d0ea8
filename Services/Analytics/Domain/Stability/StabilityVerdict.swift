import Foundation

/// Whether a test can be relied on, told by the likeliest explanation of its history.
///
/// Three explanations are weighed by Bayes' rule, each in closed form over at most some dozens of failing episodes:
/// - *reliable*: each episode is a breakage of the code, which begins and ends with a commit, or of something outside, which is rare;
/// - *flaky*: failures fall by chance at a rate of their own, the long episodes that chance cannot explain being breakages still;
/// - *turned*: flaky before, and since then broken or reliable.
/// The same states and model always give the same verdict: a receipt is `basis`.
package struct StabilityVerdict: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case stable, flaky, broken, regressed, environment, unknown
    }

    /// Lines that are looked at, the one asked about and the newest others.
    package static let lineLimit = 16

    package let kind: Kind
    /// 0…1: the share of the explanations that say so. Of `unknown`: that of the likeliest kind, which was too little or lacks proof.
    package let confidence: Double
    /// Share of the explanations by which it is flaky now, whatever the kind: what a list is ordered by.
    package let flakyChance: Double
    package let reasons: [StabilityReason]
    package let basis: [StabilityState]

    /// - Parameter lines: the state of the line that is asked about first; others of the same test may follow and only support or weaken "flaky".
    package init(_ lines: [StabilityState], model: StabilityModel = .current) {
        let lines = Array(lines.prefix(Self.lineLimit))
        let history = StabilityHistory(lines, model)
        let weights = Explanations(history, model)
        basis = lines
        flakyChance = weights.flaky
        (kind, confidence) = Self.decide(history, weights, line: lines.first, model)
        reasons = Self.reasons(history, weights, kind: kind, line: lines.first, model)
    }

    private static func decide(
        _ history: StabilityHistory, _ weights: Explanations, line: StabilityState?, _ model: StabilityModel
    ) -> (Kind, Double) {
        let isEnvironment = line.map(showsEnvironment) ?? false
        guard history.results >= model.fewestResults else { return isEnvironment && history.failures == 0 ? (.environment, 0.5) : (.unknown, 0) }
        // An outcome that never changed is no flake, however the weights fall.
        if history.passes == 0 { return (.broken, weights.unturned) }
        if history.failures == 0 { return isEnvironment ? (.environment, weights.unturned) : (.stable, weights.unturned) }
        // One failure between two commits may be a breakage that the next commit mended.
        let isProven = history.chances > 0 || history.returns > 1
        if weights.flaky >= model.leastConfidence { return (isProven ? .flaky : .unknown, weights.flaky) }
        let other = 1 - weights.flaky
        guard other >= model.leastConfidence else { return (.unknown, max(weights.flaky, other)) }
        if history.open != nil { return (.regressed, other) }
        return (isEnvironment ? .environment : .stable, other)
    }

    /// Until as many newer results are known as are kept one by one.
    private static func showsEnvironment(_ line: StabilityState) -> Bool {
        line.environmentFailures > 0 && line.loose.count(where: { $0.at > line.lastEnvironmentAt }) < StabilityState.looseLimit
    }

    private static func reasons(
        _ history: StabilityHistory, _ weights: Explanations, kind: Kind, line: StabilityState?, _ model: StabilityModel
    ) -> [StabilityReason] {
        var reasons: [StabilityReason] = []
        if history.mixedCommits > 0 { reasons.append(.bothOutcomesOnOneCommit(commits: history.mixedCommits)) }
        if history.retries > 0 { reasons.append(.retryPassed(times: history.retries)) }
        if history.returns > 0 { reasons.append(.failedBetweenPasses(times: history.returns)) }
        if let newest = history.newest {
            let (count, commits) = (Int(newest.count), Int(newest.commits))
            if history.passes == 0 {
                reasons.append(.neverPassed(results: count))
            } else if !newest.passed {
                reasons.append(.failsSince(first: newest.first, commit: newest.firstCommit, results: count, commits: commits))
                if kind == .unknown { reasons.append(.nothingPassedSince(results: count)) }
            } else if history.failures > 0 {
                if let passing = history.passing {
                    reasons.append(.passesSince(first: passing.first, commit: passing.firstCommit, results: Int(passing.count)))
                }
            } else if model.looksElsewhere, history.failuresElsewhere > 0 {
                reasons.append(.failedElsewhere(failures: history.failuresElsewhere, of: history.passes + history.failuresElsewhere))
            } else {
                reasons.append(.neverFailed(results: history.passes))
            }
        }
        if kind != .flaky, weights.turned > 0.5 { reasons.append(.flakyBefore) }
        if kind == .flaky || kind == .unknown, history.failures > 0 {
            let rate = BetaDistribution.failureRate(failures: history.failures, passes: history.passes)
            reasons.append(.failureRate(lower: rate.quantile(0.025), upper: rate.quantile(0.975)))
        }
        let pairs = history.within.all + history.across.all
        if pairs > 0 { reasons.append(.alikeMessages(pairs: history.within.alike + history.across.alike, of: pairs)) }
        if let line, line.environmentFailures > 0 { reasons.append(.environmentFailures(count: Int(line.environmentFailures))) }
        if history.results < model.fewestResults { reasons.append(.tooFewResults(results: history.results)) }
        return reasons
    }
}
