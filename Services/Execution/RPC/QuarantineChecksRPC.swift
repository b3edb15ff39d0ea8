import AnalyticsAPI
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
        let (run, span) = try await runs.span(ID(request.run, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        let found = try await quarantine.failures(of: run, span, tenant: caller.tenant)
        return .with {
            $0.run = run.id.description
            $0.failingTests = Int64(found.failing)
            $0.quarantinedTests = Int64(found.quarantined)
            $0.excused = found.excuse(run)
            $0.data = found.named.map(PBQuarantinedFailure.init)
        }
    }
}

/// Asks Analytics what is quarantined, and holds a run's failures against it: for people's questions and for what is told of a finished run.
struct Quarantine: Sendable {
    let failures: QuarantinedFailureStore
    let analytics: any PBQuarantinedTests.ClientProtocol

    /// A run in which nothing failed needs no answer from Analytics.
    func failures(of run: Run, _ span: RunSpan, tenant: ID<Tenant>) async throws -> QuarantinedFailures {
        guard run.counts.failed + run.counts.errored > 0 else { return QuarantinedFailures() }
        let answer = try await analytics.listQuarantinedTests(.with { $0.project = run.project.description })
        var tests: [ID<TestIdentity>] = []
        for text in answer.tests { tests.append(try ID(text)) }
        return try await failures.find(span, quarantined: tests, tenant: tenant)
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
