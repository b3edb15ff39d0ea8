import AnalyticsAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// Asks Analytics what is quarantined, holds a run's failures against it, and keeps what it came to: for people's questions and for what is told of a
/// finished run.
struct Quarantine: Sendable {
    let failures: QuarantinedFailureStore
    let analytics: any PBQuarantinedTests.ClientProtocol

    private var excuses: ExcuseStore { ExcuseStore(database: failures.database) }

    /// A run in which nothing failed needs no answer from Analytics.
    /// - Parameter isAnonymous: quarantines say neither who nor why.
    func excuse(of run: Run, _ span: RunSpan, isAnonymous: Bool = false, tenant: ID<Tenant>) async throws -> Excuse {
        guard run.counts.failed + run.counts.errored > 0 else { return Excuse(ExcuseQuestion(run), at: Date()) }
        let quarantined = try await tests(of: run, isAnonymous: isAnonymous)
        return Excuse(try await failures.find(run, span, quarantined: quarantined, tenant: tenant), at: quarantined.moment)
    }

    /// What is acted on is kept before it is told.
    /// - Returns: `nil` when the run has as many as are kept. Then nobody is excused.
    func keep(_ excuse: Excuse, of run: Run, tenant: ID<Tenant>) async throws -> ID<KeptExcuse>? {
        try await excuses.insert(excuse, of: run, tenant: tenant)
    }

    private func tests(of run: Run, isAnonymous: Bool) async throws -> QuarantinedTests {
        let answer = try await analytics.listQuarantinedTests(.with { $0.project = run.project.description })
        var tests: [ID<TestIdentity>] = []
        for text in answer.tests { tests.append(try ID(text)) }
        var entries: [ID<TestIdentity>: QuarantineEntry] = [:]
        for message in answer.data {
            let (test, entry) = (try ID<TestIdentity>(message.test), try QuarantineEntry(message))
            entries[test] = isAnonymous ? entry.anonymous : entry
        }
        return QuarantinedTests(moment: answer.hasAt ? answer.at.date : Date(), tests: tests, entries: entries)
    }
}

extension QuarantineEntry {
    /// - Throws: `invalid_id`.
    fileprivate init(_ message: PBQuarantineInForce) throws(Fault) {
        self.init(
            id: try ID(message.quarantine), version: message.version, owner: message.owner, ticket: message.ticket, reason: message.reason,
            saidBy: message.saidBy, expiresAt: message.expiresAt.date.wholeMilliseconds)
    }
}
