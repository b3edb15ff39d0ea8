import Crypto
import Foundation
import Postgres
import Primitives

/// The keys that access tokens are signed with: all SQL on them. They are stored sealed.
struct SigningKeyStore: Sendable {
    let database: Database

    struct Stored: Sendable {
        let id: String
        let sealed: Data
        let createdAt: Date
    }

    /// Newest first.
    func list() async throws -> [Stored] {
        try await database.rows(.system, "select id, sealed, created_at from signing_keys order by created_at desc limit 200") {
            Stored(id: try $0.value("id"), sealed: try $0.value("sealed"), createdAt: try $0.value("created_at"))
        }
    }

    /// Adds a key unless another gateway has added one since `newest`.
    /// - Returns: whether this call did.
    func insert(_ key: Stored, after newest: String?) async throws -> Bool {
        try await database.transaction(.system) { tx in
            _ = try await tx.first("select pg_advisory_xact_lock(hashtext('assay.gateway.signing'))") { _ in true }
            let count = try await tx.execute(
                """
                insert into signing_keys (id, sealed, created_at)
                select \(key.id), \(key.sealed), \(key.createdAt)
                where (select id from signing_keys order by created_at desc limit 1) is not distinct from \(newest)
                """)
            return count == 1
        }
    }

    func delete(_ ids: [String]) async throws {
        try await database.execute(.system, "delete from signing_keys where id = any(\(ids))")
    }
}
