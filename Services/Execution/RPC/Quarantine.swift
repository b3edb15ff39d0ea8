import AnalyticsAPI
import GRPCCore
import Primitives
import SwiftProtobuf

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
