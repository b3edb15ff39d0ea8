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
        guard Self.mayFail(run) else { return QuarantinedFailures() }
        return try await failures.find(span, quarantined: try await tests(of: run), tenant: tenant)
    }

    /// The same with a page of the quarantined ones.
    /// - Throws: `page.invalid_cursor`.
    func failures(
        _ page: PageRequest, of run: Run, _ span: RunSpan, tenant: ID<Tenant>
    ) async throws -> (found: QuarantinedFailures, named: Page<QuarantinedFailure>) {
        let tests = Self.mayFail(run) ? try await tests(of: run) : []
        let found = Self.mayFail(run) ? try await failures.find(span, quarantined: tests, tenant: tenant) : QuarantinedFailures()
        guard found.quarantined > 0 else {
            // A cursor that is none is refused all the same.
            _ = try page.after(ID<TestIdentity>.self)
            return (found, Page(rows: [], limit: page.limit) { $0.test.description })
        }
        return (found, try await failures.list(page, span, quarantined: tests, tenant: tenant))
    }

    private static func mayFail(_ run: Run) -> Bool { run.counts.failed + run.counts.errored > 0 }

    private func tests(of run: Run) async throws -> [ID<TestIdentity>] {
        let answer = try await analytics.listQuarantinedTests(.with { $0.project = run.project.description })
        var tests: [ID<TestIdentity>] = []
        for text in answer.tests { tests.append(try ID(text)) }
        return tests
    }
}
