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
        let page = try PageRequest(limit: request.limit == 0 ? Excuse.usualPage : Int(request.limit), cursor: request.cursor)
        let after = try page.after(ID<TestIdentity>.self)
        let (run, span) = try await runs.span(ID(request.run, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        // A fork may know what became of its own results, and nothing of those of others.
        guard caller.lane == .trusted || run.lane == .untrusted else { throw Fault.notFound("run", run.id) }
        let excuse = try await quarantine.excuse(of: run, span, isAnonymous: caller.lane != .trusted, tenant: caller.tenant)
        // Every page has the numbers, so who goes on to the next has been told already.
        var kept: ID<KeptExcuse>?
        if excuse.isActedOn, !request.unkept, request.cursor.isEmpty {
            kept = try await quarantine.keep(excuse, of: run, tenant: caller.tenant)
            guard kept != nil else { throw Fault.excusesFull(run.id) }
        }
        let rest = after.map { after in excuse.quarantined.filter { $0.test > after } } ?? excuse.quarantined
        let named = Page(rows: Array(rest.prefix(page.limit + 1)), limit: page.limit) { $0.test.description }
        return .with {
            $0.run = run.id.description
            $0.failingTests = Int64(excuse.question.failing)
            $0.quarantinedTests = Int64(excuse.quarantined.count)
            $0.passedAgainTests = Int64(excuse.question.passedAgain)
            $0.excused = excuse.isExcused
            $0.data = named.items.map(PBQuarantinedFailure.init)
            $0.page = PBPage(named)
            if let kept { $0.id = kept.description }
        }
    }
}

extension PBQuarantinedFailure {
    init(_ failure: ExcuseQuestion.Test) {
        self.init()
        test = failure.test.description
        suiteName = failure.suite
        className = failure.className
        name = failure.name
        outcome = PBOutcome.Value(failure.outcome)
        if let entry = failure.entry { quarantine = PBExcusingQuarantine(entry) }
    }
}
