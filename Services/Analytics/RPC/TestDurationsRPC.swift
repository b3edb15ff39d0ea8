import AnalyticsAPI
import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.TestDurations`
struct TestDurationsRPC: PBTestDurations.SimpleServiceProtocol {
    /// Executions that are looked at, and those that are searched for ones of a branch.
    static let mostExecutions = 500
    static let mostSearched: Int32 = 20_000

    let tests: TestStore
    let facts: FactStore
    let revisions: RevisionStore

    func getTestDurations(request: PBGetTestDurationsRequest, context: ServerContext) async throws -> PBTestDurationSummary {
        let caller = Caller.current
        let test = try await tests.get(ID(request.test, field: "test"), tenant: caller.tenant)
        try caller.require(project: test.project)
        let revision = try await revisions.current(project: test.project, tenant: caller.tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        let newest = try await facts.latest(
            Self.mostExecutions, of: [test.id], branch: request.branch, searching: Self.mostSearched, tenant: caller.tenant)
        let timed = TimedExecutions(newest[test.id] ?? [])
        return .with {
            $0.test = test.id.description
            $0.revision = revision
            $0.edition = ChangePoints.edition
            $0.inputHash = PBStabilityReceipt.text(timed.inputHash)
            if let known = PBDurationPercentiles(timed.histogram) { $0.durations = known }
            $0.data = timed.changes.map { change in
                let first = timed.executions[change.index]
                return .with {
                    $0.result = first.result.description
                    $0.executedAt = .init(milliseconds: first.executedAt)
                    $0.commitSha = first.commit
                    $0.beforeUs = Int64(change.before)
                    $0.afterUs = Int64(change.after)
                }
            }
        }
    }
}
