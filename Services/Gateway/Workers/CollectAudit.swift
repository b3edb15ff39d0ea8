import Audit
import AuditAPI
import AuditChain
import Foundation
import GRPCCore
import Logging
import Metrics
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization

/// Brings what one service has audited into the chains: read, append, acknowledge, in this order, so that a collector which dies anywhere has
/// lost nothing, and what it had appended already is known by its id.
final class CollectAudit: Sendable {
    /// The oldest notes behind one, at most `AuditOutbox.maxBatch`.
    typealias List = @Sendable (_ after: ID<AuditRecord>?) async throws -> [PendingAuditNote]

    private let service: String
    private let list: List
    private let acknowledge: @Sendable ([PendingAuditNote]) async throws -> Void
    private let store: AuditStore
    private let logger: Logger
    private let collected: Counter
    private let age: Gauge
    private let isFailing = Mutex(false)

    /// The gateway's own acts go the same way: the lock on an organization's chain is held for the append only, never for as long as an act takes.
    convenience init(own outbox: AuditOutbox, into store: AuditStore, logger: Logger) {
        self.init(
            "gateway", list: { try await outbox.list(after: $0) }, acknowledge: { try await outbox.acknowledge($0.map { ($0.tenant, $0.id) }) },
            into: store,
            logger: logger)
    }

    convenience init(_ service: String, from client: any PBAuditOutbox.ClientProtocol, into store: AuditStore, logger: Logger) {
        self.init(
            service,
            list: { after in
                try await client.listAuditNotes(.with { $0.after = after?.description ?? "" }).notes.map { try PendingAuditNote($0) }
            },
            acknowledge: { notes in
                _ = try await client.acknowledgeAuditNotes(
                    .with { message in
                        message.notes = notes.map { note in
                            .with {
                                $0.organization = note.tenant.description
                                $0.id = note.id.description
                            }
                        }
                    })
            }, into: store, logger: logger)
    }

    init(
        _ service: String, list: @escaping List,
        acknowledge: @escaping @Sendable ([PendingAuditNote]) async throws -> Void, into store: AuditStore, logger: Logger
    ) {
        self.service = service
        self.list = list
        self.acknowledge = acknowledge
        self.store = store
        self.logger = logger
        collected = Counter(label: "audit_entries_collected", dimensions: [("service", service)])
        age = Gauge(label: "audit_oldest_age_seconds", dimensions: [("service", service)])
    }

    /// Called every second. A service that is away is said once, and its notes wait where they are.
    func round() async {
        do {
            try await Caller.with(.service("gateway", tenant: .installation)) {
                try await collect()
            }
            if setFailing(false) {
                logger.notice("audited acts are collected again", metadata: ["service": "\(service)"])
            }
        } catch is CancellationError {
            // The process stops; what was not acknowledged comes again.
        } catch {
            guard !setFailing(true) else { return }
            logger.error(
                "audited acts cannot be collected at the moment", metadata: ["service": "\(service)", "cause": "\(String(reflecting: error))"])
        }
    }

    /// - Returns: what it was before.
    private func setFailing(_ isFailing: Bool) -> Bool {
        self.isFailing.withLock { known in
            defer { known = isFailing }
            return known
        }
    }

    /// Everything that is there now. A chain that cannot be appended to keeps no other organization's waiting.
    func collect() async throws {
        var after: ID<AuditRecord>?
        var failure: (any Error)?
        repeat {
            let notes = try await list(after)
            if after == nil { age.record(notes.first.map { max(0, -$0.at.timeIntervalSinceNow) } ?? 0) }
            after = notes.count < AuditOutbox.maxBatch ? nil : notes.last?.id
            for (_, notes) in Dictionary(grouping: notes, by: \.tenant) {
                do {
                    collected.increment(by: try await store.append(notes, from: service))
                    try await acknowledge(notes)
                } catch {
                    failure = error
                }
            }
        } while after != nil
        if let failure { throw failure }
    }
}

extension PendingAuditNote {
    fileprivate init(_ message: PBAuditNote) throws(Fault) {
        self.init(
            tenant: try ID(message.organization, field: "organization"), id: try ID(message.id), at: message.at.date,
            note: AuditNote(
                action: message.action, actor: message.actor, subject: message.subject, project: message.project, details: message.details,
                requestID: message.requestID, address: message.address))
    }
}
