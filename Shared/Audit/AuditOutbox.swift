import AuditChain
import Foundation
import Postgres
import Primitives

/// What a service has audited and the gateway has not collected: all SQL on it but the insert, which is in the acts' own transactions.
package struct AuditOutbox: Sendable {
    /// At most so many at once: some 5 KiB each, so that an answer stays well below the 4 MiB of a frame.
    package static let maxBatch = 200

    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// The oldest that are here, of every organization. Nothing is taken: what is not acknowledged comes again.
    /// - Parameter after: goes on behind this one, for notes that could not be dealt with. Whoever comes next begins at the beginning, since notes
    ///   do not become visible in the order of their ids.
    package func list(after: ID<AuditRecord>? = nil, limit: Int = maxBatch) async throws -> [PendingAuditNote] {
        try await database.rows(
            .system,
            """
            select tenant_id, id, at, action, actor, subject, project, details, request_id, address from audit_outbox
            where \(after)::uuid is null or id > \(after)
            order by id
            limit \(min(max(1, limit), Self.maxBatch))
            """
        ) { row in
            let note = AuditNote(
                action: try row.value("action"), actor: try row.value("actor"), subject: try row.value("subject"),
                project: try row.value("project"), details: try row.value("details", as: JSONText.self).decode([String: String].self),
                requestID: try row.value("request_id"), address: try row.value("address"))
            return try PendingAuditNote(tenant: row.value("tenant_id"), id: row.value("id"), at: row.value("at"), note: note)
        }
    }

    /// They are in their chains, and need not be here any longer. Doing it twice is the same as once.
    package func acknowledge(_ notes: [(tenant: ID<Tenant>, id: ID<AuditRecord>)]) async throws {
        try await database.execute(
            .system,
            """
            delete from audit_outbox o
            using unnest(\(notes.map(\.tenant)), \(notes.map(\.id))) as n (tenant_id, id)
            where o.tenant_id = n.tenant_id and o.id = n.id
            """)
    }
}
