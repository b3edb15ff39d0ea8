import Primitives
import Synchronization

/// Whether this process should get work: every check passes and it is not about to stop (R24). Liveness is another question and asks nobody.
package final class Readiness: Sendable {
    /// One thing that must hold.
    package struct Check: Sendable {
        package let name: String
        /// `nil` when it holds, else one sentence without host names or causes.
        let problem: @Sendable () async -> String?

        package init(_ name: String, problem: @escaping @Sendable () async -> String?) {
            self.name = name
            self.problem = problem
        }
    }

    /// The outcome of all checks at one moment.
    package struct Report: Sendable, Equatable {
        /// Empty when ready; name of the check → what is wrong.
        package let problems: [String: String]
        package var isReady: Bool { problems.isEmpty }
    }

    /// Probes of several kinds may come every second; the database is asked once for all of them.
    private static let freshness = Duration.seconds(1)
    /// A check that takes longer has failed.
    private static let patience = Duration.seconds(2)

    private struct State {
        var draining = false
        var last: (report: Report, at: ContinuousClock.Instant)?
    }

    private let checks: [Check]
    private let state = Mutex(State())

    package init(_ checks: [Check]) {
        self.checks = checks
    }

    /// From now on not ready: the process is going to stop.
    package func drain() {
        state.withLock { $0.draining = true }
    }

    package var isDraining: Bool { state.withLock { $0.draining } }

    package func report() async -> Report {
        if isDraining { return Report(problems: ["process": "is stopping"]) }
        if let last = state.withLock({ $0.last }), last.at + Self.freshness > .now { return last.report }
        var problems: [String: String] = [:]
        for check in checks {
            problems[check.name] = await Self.problem(of: check)
        }
        let report = Report(problems: problems)
        state.withLock { $0.last = (report, .now) }
        return report
    }
    private static func problem(of check: Check) async -> String? {
        await withTaskGroup(of: String?.self) { group in
            group.addTask { await check.problem() }
            group.addTask {
                try? await Task.sleep(for: patience)
                return "did not answer within \(patience.components.seconds) s"
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}
