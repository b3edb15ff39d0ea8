import Foundation

/// How the explanations of a history share out. The three sum to 1.
struct Explanations: Sendable {
    /// Flaky now.
    let flaky: Double
    /// Flaky before; now broken for good or reliable.
    let turned: Double
    /// Never flaky.
    let reliable: Double

    /// Of a test whose outcome never changed, where no explanation can have turned.
    var unturned: Double { reliable + turned }

    init(_ history: StabilityHistory, _ model: StabilityModel) {
        let messages = Self.messages(history, model)
        // Longest first: those are the ones that chance explains least.
        let episodes = history.closed.sorted { ($0.count, $0.commits) > ($1.count, $1.commits) }
        let breakages = episodes.map(model.logBreakage)
        let open = history.open.map(model.logBreakage) ?? 0
        let pastBreakages = history.past.reduce(0) { sum, past in
            sum + Double(past.retried) * model.logBreakage(.retried) + Double(past.withinCommit) * model.logBreakage(.withinCommit)
                + Double(past.betweenCommits) * model.logBreakage(.betweenCommits) + Double(past.withoutCommit) * model.logBreakage(.withoutCommit)
        }
        let passes = Double(history.passes)
        var flaky: [Double] = []
        var turned: [Double] = []
        var broken = log(model.flaky) + messages.flaky
        var failures = Double(history.failures)
        for index in 0...episodes.count {
            // The open episode by chance, too: flaky now. A reliable beginning may have turned flaky with the first failure, and then it has to have
            // both outcomes since: what only fails is broken.
            if failures > 0 || history.failures == 0 {
                flaky.append(broken + model.logFlaky(failures: failures, passes: passes))
                if history.passesBefore > 0, history.passesBefore < history.passes {
                    flaky.append(
                        broken + log(model.turn) + model.logFlaky(failures: failures, passes: passes - Double(history.passesBefore)))
                }
            }
            let before = failures - Double(history.open?.count ?? 0)
            if history.open != nil, before > 0 {
                turned.append(broken + open + model.logFlaky(failures: before, passes: passes))
            } else if history.open == nil, failures > 0, history.passesSince > 0, history.passesSince < history.passes {
                turned.append(broken + log(model.turn) + model.logFlaky(failures: failures, passes: passes - Double(history.passesSince)))
            }
            guard index < episodes.count else { break }
            broken += breakages[index]
            failures -= Double(episodes[index].count)
        }
        let reliable = log(1 - model.flaky) + breakages.reduce(0, +) + open + pastBreakages + messages.reliable
        let top = max(reliable, flaky.max() ?? -.infinity, turned.max() ?? -.infinity)
        let sums = (
            flaky.reduce(0) { $0 + exp($1 - top) }, turned.reduce(0) { $0 + exp($1 - top) }, reliable.isFinite ? exp(reliable - top) : 0
        )
        let all = sums.0 + sums.1 + sums.2
        self.flaky = sums.0 / all
        self.turned = sums.1 / all
        self.reliable = sums.2 / all
    }

    /// log P(which neighbouring failures have the same message) by the two explanations.
    private static func messages(_ history: StabilityHistory, _ model: StabilityModel) -> (flaky: Double, reliable: Double) {
        let (within, across) = (history.within, history.across)
        let pairs = within.all + across.all
        guard pairs > 0 else { return (0, 0) }
        // Of several lines there may be more.
        let scale = min(1, Double(model.messagePairs) / Double(pairs))
        func logChance(_ pairs: FailureMessages.Pairs, _ alike: Double) -> Double {
            Double(pairs.alike) * log(alike) + Double(pairs.unlike) * log(1 - alike)
        }
        let flaky = logChance(within, model.alikeWhenFlaky) + logChance(across, model.alikeWhenFlaky)
        let reliable = logChance(within, model.alikeWithinCause) + logChance(across, model.alikeAcrossCauses)
        return (flaky * scale, reliable * scale)
    }
}
