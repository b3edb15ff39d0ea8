import Foundation
import Jobs
import Logging
import Metrics
import Postgres
import Primitives
import ServiceKit
import Synchronization

/// Where the gateway's rooms say what whoever guards an organization must hear of (P21).
///
/// Facts that are stored are recorded in their own transaction and told exactly once. Attempts and refusals, which anybody can make in any
/// number, are recorded with `record(_:)`: it never waits, never fails, and is damped, so that no flood reaches Notifications or the database.
/// Every event counts in the metric `security_events`, told or not.
final class SecurityLog: Sendable {
    /// Reports that wait for the database; more are dropped, which the metric `security_reports_dropped` shows.
    static let maxWaiting = 1000

    private let jobs: JobQueue
    private let logger: Logger
    private let state = Mutex(State())

    fileprivate struct State {
        var damper = SecurityDamper()
        var waiting: [SecurityDamper.Report] = []
        var counters: [String: Counter] = [:]
    }

    init(jobs: JobQueue, logger: Logger) {
        self.jobs = jobs
        self.logger = logger
    }

    func record(_ event: SecurityEvent, now: Date = Date()) {
        state.withLock { state in
            state.count(event.type)
            if let report = state.damper.take(event, now: now) { state.keep([report]) }
        }
    }

    /// For what becomes true with a transaction.
    static func record(_ event: SecurityEvent, through jobs: JobQueue, in tx: Transaction, now: Date = Date()) async throws {
        Counter(label: "security_events", dimensions: [("type", event.type)]).increment()
        guard let tenant = event.tenant else { return }
        try await jobs.enqueue(PublishSecurityEvent.Payload(.init(event: event, count: 1, at: now)), tenant: tenant, in: tx)
    }

    /// The same for whoever holds the log.
    func record(_ event: SecurityEvent, in tx: Transaction) async throws {
        try await Self.record(event, through: jobs, in: tx)
    }

    /// How much the database has not taken yet.
    var waitingReports: Int { state.withLock { $0.waiting.count } }

    /// Hands to the queue what has been recorded. Called every second; what the database does not take now waits for the next time.
    func flush(now: Date = Date()) async throws {
        var reports = state.withLock { state in
            state.keep(state.damper.due(now: now))
            defer { state.waiting = [] }
            return state.waiting
        }
        while let report = reports.first {
            if let tenant = report.event.tenant {
                do {
                    try await jobs.enqueue(PublishSecurityEvent.Payload(report), tenant: tenant)
                } catch {
                    state.withLock { $0.keep(reports) }
                    throw error
                }
            }
            log(report)
            reports.removeFirst()
        }
    }

    private func log(_ report: SecurityDamper.Report) {
        let event = report.event
        logger.notice(
            "security event",
            metadata: [
                "type": "\(event.type)", "organization": "\(event.tenant.map(\.description) ?? "-")", "subject": "\(event.subject)",
                "actor": "\(event.actor)", "address": "\(event.address)", "count": "\(report.count)",
            ])
    }
}

extension SecurityLog.State {
    fileprivate mutating func count(_ type: String) {
        let counter = counters[type] ?? Counter(label: "security_events", dimensions: [("type", type)])
        counters[type] = counter
        counter.increment()
    }

    fileprivate mutating func keep(_ reports: [SecurityDamper.Report]) {
        waiting += reports
        guard waiting.count > SecurityLog.maxWaiting else { return }
        Counter(label: "security_reports_dropped").increment(by: waiting.count - SecurityLog.maxWaiting)
        waiting.removeLast(waiting.count - SecurityLog.maxWaiting)
    }
}
