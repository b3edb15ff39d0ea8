import Audit
import AuditChain
import Foundation
import Jobs
import Postgres
import Primitives

/// The chains of the audit log: appending, and signing where they stand. Nothing here changes or deletes an entry, nor could it.
struct AuditStore: Sendable {
    /// A checkpoint is made when so many entries have come since the last one, or when it is older than `checkpointAge` (R57).
    static let checkpointEvery: Int64 = 1000
    static let checkpointAge: TimeInterval = 3600

    let database: Database
    let signer: AuditSigner

    /// Where a chain stands.
    struct Head: Sendable {
        let tenant: ID<Tenant>
        var number: Int64
        var hash: AuditHash
        let checkpointNumber: Int64
        let checkpointAt: Date
        let checkpointKey: Data?
        /// When this was read, by the database's clock.
        let now: Date

        func needsCheckpoint(key: Data) -> Bool {
            guard number > 0 else { return false }
            return checkpointKey.map { $0 != key } ?? false || number - checkpointNumber >= AuditStore.checkpointEvery
                || number > checkpointNumber && now.timeIntervalSince(checkpointAt) >= AuditStore.checkpointAge
        }
    }

    static let headColumns: SQL = "tenant_id, number, hash, checkpoint_number, checkpoint_at, checkpoint_key, clock_timestamp() as now"

    /// Adds what a service has audited in one organization to its chain, in one transaction. A note that is there already is left out, so that
    /// collecting the same twice, or two gateways that collect at once, double nothing.
    /// - Returns: how many were new.
    @discardableResult
    func append(_ notes: [PendingAuditNote], from service: String) async throws -> Int {
        guard let tenant = notes.first?.tenant else { return 0 }
        let notes = notes.filter { $0.tenant == tenant }.sorted { $0.id < $1.id }
        return try await database.transaction(.tenant(tenant)) { tx in
            var head = try await lock(tenant, in: tx)
            let known = try await tx.rows(
                "select id from audit_entries where tenant_id = \(tenant) and id = any(\(notes.map(\.id)))"
            ) { try $0.value("id", as: ID<AuditRecord>.self) }
            let fresh = notes.filter { !known.contains($0.id) }
            guard !fresh.isEmpty else { return 0 }
            var hashes: [Data] = []
            for pending in fresh {
                head.number += 1
                head.hash = AuditEntry(pending, number: head.number, service: service).hash(after: head.hash)
                hashes.append(head.hash.data)
            }
            let first = head.number - Int64(fresh.count) + 1
            try await tx.execute(
                """
                insert into audit_entries
                    (tenant_id, number, id, at, service, action, actor, subject, project, details, request_id, address, hash)
                select \(tenant), n.number, n.id, n.at, \(service), n.action, n.actor, n.subject, n.project, n.details, n.request_id, n.address, n.hash
                from unnest(
                    \((first...head.number).map { $0 }), \(fresh.map(\.id)), \(fresh.map { AuditEntry.rounded($0.at) }), \(fresh.map(\.note.action)),
                    \(fresh.map(\.note.actor)), \(fresh.map(\.note.subject)), \(fresh.map(\.note.project)),
                    \(try fresh.map { try Postgres.JSONText(encoding: $0.note.details) }), \(fresh.map(\.note.requestID)), \(fresh.map(\.note.address)),
                    \(hashes)
                ) as n (number, id, at, action, actor, subject, project, details, request_id, address, hash)
                """)
            try await tx.execute("update audit_heads set number = \(head.number), hash = \(head.hash.data) where tenant_id = \(tenant)")
            if head.needsCheckpoint(key: signer.publicKey) { try await sign(head, in: tx) }
            return fresh.count
        }
    }

    /// Signs where chains stand whose last checkpoint is an hour old or was signed with another key.
    func signDue() async throws {
        let due = try await database.rows(
            .system,
            """
            select tenant_id from audit_heads
            where number > 0 and (checkpoint_key is distinct from \(signer.publicKey)
                                  or number > checkpoint_number and checkpoint_at < now() - \(Int(Self.checkpointAge)) * interval '1 second')
              and (checkpoint_key is not null or checkpoint_at < now() - \(Int(Self.checkpointAge)) * interval '1 second')
            limit 1000
            """
        ) { try $0.value("tenant_id", as: ID<Tenant>.self) }
        for tenant in due {
            try await database.transaction(.tenant(tenant)) { tx in
                let head = try await lock(tenant, in: tx)
                if head.needsCheckpoint(key: signer.publicKey) { try await sign(head, in: tx) }
            }
        }
    }

    /// The head as nobody else can move it until the transaction ends.
    private func lock(_ tenant: ID<Tenant>, in tx: Transaction) async throws -> Head {
        try await tx.execute("insert into audit_heads (tenant_id) values (\(tenant)) on conflict on constraint audit_heads_pkey do nothing")
        return try await tx.one("select \(fragment: Self.headColumns) from audit_heads where tenant_id = \(tenant) for update") {
            try Head(row: $0)
        }
    }

    /// The checkpoint also goes to Notifications: a webhook that takes `audit.checkpoint` keeps it where nobody who reaches this database does.
    private func sign(_ head: Head, in tx: Transaction) async throws {
        let checkpoint = try signer.checkpoint(organization: head.tenant.description, number: head.number, hash: head.hash, at: head.now)
        try await tx.execute(
            """
            insert into audit_checkpoints (tenant_id, number, hash, at, public_key, signature)
            values (\(head.tenant), \(head.number), \(head.hash.data), \(AuditEntry.rounded(head.now)), \(checkpoint.publicKey),
                    \(checkpoint.signature))
            on conflict on constraint audit_checkpoints_pkey do nothing
            """)
        try await tx.execute(
            """
            update audit_heads
            set checkpoint_number = \(head.number), checkpoint_at = \(head.now), checkpoint_key = \(checkpoint.publicKey)
            where tenant_id = \(head.tenant)
            """)
        let event = SecurityEvent.auditCheckpoint(
            number: head.number, hash: head.hash.description, at: checkpoint.at, publicKey: checkpoint.publicKey, signature: checkpoint.signature,
            tenant: head.tenant)
        try await SecurityLog.record(event, through: JobQueue(database: database), in: tx)
    }
}

extension AuditStore.Head {
    init(row: Row) throws {
        guard let hash = AuditHash(try row.value("hash", as: Data.self)) else { throw Fault.auditUnreadable }
        self.init(
            tenant: try row.value("tenant_id"), number: try row.value("number"), hash: hash, checkpointNumber: try row.value("checkpoint_number"),
            checkpointAt: try row.value("checkpoint_at"), checkpointKey: try row.value("checkpoint_key"), now: try row.value("now"))
    }
}

extension AuditEntry {
    init(_ pending: PendingAuditNote, number: Int64, service: String) {
        let note = pending.note
        self.init(
            organization: pending.tenant.description, number: number, id: pending.id.description, at: Self.text(of: pending.at), service: service,
            action: note.action, actor: note.actor, subject: note.subject, project: note.project, details: note.details, requestID: note.requestID,
            address: note.address)
    }
}

extension Fault {
    static let auditUnreadable = Fault(.internal, "audit.unreadable", "The audit log holds a row that cannot be read.")
}
