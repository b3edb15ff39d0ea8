import Foundation
import Primitives
import Testing

@testable import AnalyticsService

@Suite("how far back a search can tell")
struct EnvironmentReachTests {
    private let now = Date(timeIntervalSince1970: 1_790_060_000)

    /// Whether a failure that is put down to a host, and that nothing explains any more, is given back.
    /// - Parameters:
    ///   - passes: of its test, the newest of which is of now, every so many seconds.
    ///   - other: where it failed on the same commit, an hour ago.
    ///   - isKnown: its run is among those that were read.
    private func isGivenBack(passes: Int, every seconds: Double, hours: Double = 2, on other: String? = nil, isKnown: Bool = true) -> Bool {
        let (project, test) = (ID<Project>.new(), IllEnvironment.TestID.new())
        let incident = EnvironmentIncident(
            id: .new(), project: project, kind: .host, place: "ill", state: .standing, evidence: .uncounted, failures: 1,
            from: now - hours * 3_600, to: now - hours * 3_600)
        func failure(on host: String, hours: Double, of incident: ID<EnvironmentIncident>?) -> PlacedFailure {
            PlacedFailure(
                result: .new(), test: test, place: PlacedRun.Place(run: .new(), host: host, zone: ""), group: 1, branch: "main", environment: "",
                commit: "c", startedAt: now - hours * 3_600, failedTries: 0, incident: incident)
        }
        let own = failure(on: "ill", hours: hours, of: incident.id)
        let failures = [own] + (other.map { [failure(on: $0, hours: 1, of: nil)] } ?? [])
        let executions = (0..<passes).map { number in
            PlacedExecution(
                result: .new(), test: test, run: .new(), branch: "main", environment: "", commit: "d", startedAt: now - Double(number) * seconds,
                passed: true)
        }
        let runs = failures.map { PlacedRun(place: $0.place, commit: $0.commit, startedAt: $0.startedAt, results: 1) }
        let findings = EnvironmentFindings(
            project: project, runs: isKnown ? runs : [], failures: failures, executions: executions, known: [incident], now: now)
        let moved = findings.moves.filter { $0.failure.result == own.result }
        #expect(moved.allSatisfy { $0.incident == nil } && findings.incidents.map(\.state) == (moved.isEmpty ? [] : [.withdrawn]))
        return !moved.isEmpty
    }

    @Test("what was looked at whole is given back for a day, as long as its run is looked at")
    func whole() {
        #expect(isGivenBack(passes: 50, every: 60))
        #expect(isGivenBack(passes: 50, every: 60, hours: 23))
        #expect(!isGivenBack(passes: 50, every: 60, hours: 25))
        #expect(!isGivenBack(passes: 50, every: 60, isKnown: false))
        #expect(!isGivenBack(passes: 0, every: 60))
    }

    @Test("of a test whose executions are cut off only what is young beside them is given back, or what failed elsewhere on its commit")
    func cut() {
        let most = EnvironmentWindow.mostExecutions
        #expect(!isGivenBack(passes: most, every: 30))
        #expect(isGivenBack(passes: most, every: 180))
        #expect(!isGivenBack(passes: most, every: 180, hours: 4))
        #expect(isGivenBack(passes: most, every: 30, on: "good"))
        #expect(!isGivenBack(passes: most, every: 30, on: "ill"))
    }
}
