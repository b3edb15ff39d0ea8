import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.TestDurations`
struct TestDurationsRPC: PBTestDurations.SimpleServiceProtocol {
    /// Executions that are searched for ones of a branch.
    static let mostSearched: Int32 = 20_000

    let tests: TestStore
    let facts: FactStore
    let revisions: RevisionStore

    private var levels: LevelChangeStore { LevelChangeStore(database: tests.database) }

    func getTestDurations(request: PBGetTestDurationsRequest, context: ServerContext) async throws -> PBTestDurationSummary {
        let caller = Caller.current
        let test = try await tests.get(ID(request.test, field: "test"), tenant: caller.tenant)
        try caller.require(project: test.project)
        let revision = try await revisions.current(project: test.project, tenant: caller.tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        let now = Date()
        let newest = try await facts.latest(
            TestLook.mostExecutions, of: [test.id], branch: request.branch, searching: Self.mostSearched, tenant: caller.tenant)
        let look = TestLook(test.id, branch: request.branch, newest: newest[test.id] ?? [], at: now)
        let kept = try await levels.keep(look, of: test.project, tenant: caller.tenant)
        return .with {
            $0.test = test.id.description
            $0.revision = revision
            $0.edition = look.edition.number
            $0.inputHash = PBStabilityReceipt.text(look.inputHash)
            if let known = PBDurationPercentiles(look.timed.histogram) { $0.durations = known }
            $0.data = zip(look.findings, kept).map { PBTestDurationChange($0, kept: $1) }
        }
    }
}

extension PBTestDurationChange {
    /// - Parameter kept: which of those that are kept it is.
    fileprivate init(_ found: LevelFinding, kept: LevelChange?) {
        self.init()
        if let start = found.start {
            result = start.result.description
            executedAt = .init(milliseconds: start.executedAt)
            commitSha = start.commit
        }
        beforeUs = Int64(found.before)
        afterUs = Int64(found.after)
        if let kept {
            levelChange = kept.id.description
            verdict = PBLevelChangeVerdict(kept.verdict)
        }
    }
}
