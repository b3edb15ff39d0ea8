import Foundation
import Primitives

/// Runs, failures and executions as `EnvironmentSearch` takes them, and the way back to their names.
struct EnvironmentInput: Sendable {
    let window: EnvironmentWindow
    /// In the order of the window's.
    let failures: [PlacedFailure]
    /// Of everything that was looked at.
    let hash: UInt64
    private let runs: [PlacedRun]

    /// - Parameters:
    ///   - dismissed: incidents whose failures are left out.
    ///   - method: by which they are to be searched; the second knows no executions.
    init(
        runs: [PlacedRun], failures: [PlacedFailure], executions: [PlacedExecution], without dismissed: Set<ID<EnvironmentIncident>>,
        for method: EnvironmentMethod = .current
    ) {
        // What a person said of a test on a commit holds for all of that commit: without the failures that were given back, others would look as if
        // they had happened in one place alone.
        let given = Set(failures.filter { $0.incident.map(dismissed.contains) ?? false }.map { TestOfCommit(test: $0.test, commit: $0.commit) })
        let failures = failures.filter { failure in
            guard failure.incident.map({ !dismissed.contains($0) }) ?? true else { return false }
            return failure.commit.isEmpty || !given.contains(TestOfCommit(test: failure.test, commit: failure.commit))
        }
        let runs = runs.sorted { left, right in
            (right.startedAt, right.place.run, right.place.host, right.place.zone) < (
                left.startedAt, left.place.run, left.place.host, left.place.zone
            )
        }.prefix(EnvironmentWindow.runLimit)
        self.runs = Array(runs)
        let places = Dictionary(self.runs.enumerated().map { ($1.place, $0) }, uniquingKeysWith: { first, _ in first })
        let kept = failures.filter { places[$0.place] != nil }.sorted { ($1.startedAt, $0.result) < ($0.startedAt, $1.result) }
        self.failures = Array(kept.prefix(EnvironmentWindow.failureLimit))
        window = EnvironmentWindow(
            runs: self.runs.map { run in
                EnvironmentWindow.Run(
                    run: StableHash.of("\(run.place.run)"), commit: StableHash.of(run.commit), host: StableHash.of(run.place.host),
                    zone: StableHash.of(run.place.zone), at: run.startedAt.milliseconds, results: run.results)
            },
            failures: self.failures.map { failure in
                EnvironmentWindow.Failure(
                    run: places[failure.place] ?? 0, test: StableHash.of("\(failure.test)"), group: failure.group,
                    order: failure.observations.first?.order ?? 0)
            },
            executions: method.looksAtExecutions ? Self.window(executions) : [])
        var text = ""
        for run in window.runs { text += "\(run.run) \(run.commit) \(run.host) \(run.zone) \(run.at) \(run.results)\n" }
        for failure in window.failures { text += "\(failure.run) \(failure.test) \(failure.group) \(failure.order)\n" }
        for step in window.executions {
            text += "\(step.test) \(step.run) \(step.commit) \(step.branch) \(step.environment) \(step.at) \(step.passed)\n"
        }
        hash = StableHash.of(text)
    }

    /// In an order of their own: the hash is of all of them.
    private static func window(_ executions: [PlacedExecution]) -> [EnvironmentWindow.Execution] {
        let sorted = executions.sorted { ($0.test, $0.startedAt, $0.result) < ($1.test, $1.startedAt, $1.result) }
        return sorted.map { execution in
            EnvironmentWindow.Execution(
                test: StableHash.of("\(execution.test)"), run: StableHash.of("\(execution.run)"), commit: StableHash.of(execution.commit),
                branch: StableHash.of(execution.branch), environment: StableHash.of(execution.environment), at: execution.startedAt.milliseconds,
                passed: execution.passed)
        }
    }

    func name(of cause: EnvironmentCause) -> (EnvironmentIncident.Kind, String)? {
        guard let first = cause.failures.first else { return nil }
        let run = runs[window.failures[first].run]
        switch cause.place {
        case .host: return (.host, run.place.host)
        case .zone: return (.zone, run.place.zone)
        case .run: return (.run, "\(run.place.run)")
        case .hour(let hour): return (.hour, Date(timeIntervalSince1970: Double(hour) * 3600).formatted(.iso8601))
        }
    }
}
