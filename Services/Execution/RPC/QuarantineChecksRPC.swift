import CommonAPI
import ExecutionAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.QuarantineChecks`
struct QuarantineChecksRPC: PBQuarantineChecks.SimpleServiceProtocol {
    let runs: RunStore
    let quarantine: Quarantine

    func getQuarantinedFailures(request: PBGetQuarantinedFailuresRequest, context: ServerContext) async throws -> PBQuarantinedFailures {
        let caller = Caller.current
        let page = try PageRequest(limit: request.limit == 0 ? QuarantinedFailures.usualPage : Int(request.limit), cursor: request.cursor)
        let (run, span) = try await runs.span(ID(request.run, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        // A fork may know what became of its own results, and nothing of those of others.
        guard caller.lane == .trusted || run.lane == .untrusted else { throw Fault.notFound("run", run.id) }
        let (found, named) = try await quarantine.failures(page, of: run, span, tenant: caller.tenant)
        return .with {
            $0.run = run.id.description
            $0.failingTests = Int64(found.failing)
            $0.quarantinedTests = Int64(found.quarantined)
            $0.passedAgainTests = Int64(found.passedAgain)
            $0.excused = found.excuse(run)
            $0.data = named.items.map(PBQuarantinedFailure.init)
            $0.page = PBPage(named)
        }
    }
}

extension PBQuarantinedFailure {
    init(_ failure: QuarantinedFailure) {
        self.init()
        test = failure.test.description
        suiteName = failure.suiteName
        className = failure.className
        name = failure.name
        outcome = PBOutcome.Value(failure.outcome)
    }
}
