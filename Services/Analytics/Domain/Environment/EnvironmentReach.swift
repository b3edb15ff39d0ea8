import Foundation
import Primitives

/// Whether it means anything that a search puts a failure down to nothing. What it was compared with leaves the window in the end, and of tests that run
/// often, or of many at once, only the newest executions are looked at.
struct EnvironmentReach: Sendable {
    private let now: Date
    private let looked: Set<ID<Result>>
    /// How far back each test was looked at, seconds.
    private let tests: [ID<Test>: TimeInterval]
    private let failures: [TestOfCommit<ID<Test>, String>: [PlacedFailure]]

    /// - Parameters:
    ///   - looked: failures that took part.
    ///   - runs: that were read, as are `failures`, and `executions` of their tests.
    init(_ looked: [PlacedFailure], runs: [PlacedRun], failures: [PlacedFailure], executions: [PlacedExecution], now: Date) {
        self.now = now
        self.looked = Set(looked.map(\.result))
        // As much as is ever read may not be all that there is.
        func back(_ dates: [Date], most: Int) -> TimeInterval {
            guard dates.count >= most, let first = dates.min() else { return EnvironmentFindings.window }
            return min(EnvironmentFindings.window, now.timeIntervalSince(first))
        }
        let whole = min(
            back(runs.map(\.startedAt), most: EnvironmentWindow.runLimit), back(failures.map(\.startedAt), most: EnvironmentWindow.failureLimit))
        let most = EnvironmentWindow.executions(among: Set(failures.map(\.test)).count)
        tests = Dictionary(grouping: executions, by: \.test).mapValues { min(whole, back($0.map(\.startedAt), most: most)) }
        self.failures = Dictionary(grouping: looked.filter { !$0.commit.isEmpty }) { TestOfCommit(test: $0.test, commit: $0.commit) }
    }

    /// A failure that failed elsewhere on its commit is not the place's. Else it is young, beside how far back its test was looked at: runs that it was
    /// compared with may have left what is behind that.
    func isJudged(_ failure: PlacedFailure, of incident: EnvironmentIncident) -> Bool {
        let age = now.timeIntervalSince(failure.startedAt)
        guard looked.contains(failure.result), age <= EnvironmentFindings.settled else { return false }
        let same = failures[TestOfCommit(test: failure.test, commit: failure.commit)] ?? []
        if same.contains(where: { !$0.happened(in: incident.kind, incident.place) }) { return true }
        let part = EnvironmentFindings.settled / EnvironmentFindings.window
        return tests[failure.test].map { age <= $0 * part } ?? false
    }
}

extension PlacedFailure {
    fileprivate func happened(in kind: EnvironmentIncident.Kind, _ name: String) -> Bool {
        switch kind {
        case .host: place.host == name
        case .zone: place.zone == name
        case .run: "\(place.run)" == name
        case .hour:
            Date(timeIntervalSince1970: (startedAt.timeIntervalSince1970 / 3_600).rounded(.down) * 3_600).formatted(.iso8601) == name
        }
    }
}
