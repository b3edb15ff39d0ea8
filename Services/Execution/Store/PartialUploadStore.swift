import Foundation
import Postgres
import Primitives

/// All SQL about uploads that come in pieces.
struct PartialUploadStore: Sendable {
    let database: Database

    private static let columns: SQL = "id, project_id, lane, head, received, length, completed_at is not null as is_complete, expires_at"

    /// Begins one, or finds the one of the same key.
    /// - Throws: `idempotency_mismatch` when that was begun with other headers, `upload.too_many_open`, `upload.inconsistent_length`, `upload.too_large`.
    func open(_ fresh: PartialUpload, tenant: ID<Tenant>) async throws -> PartialUpload {
        try await database.transaction(.tenant(tenant)) { tx in
            // Counting and adding must be one step; uploads are begun a few times a minute.
            try await tx.execute("select pg_advisory_xact_lock(hashtextextended('partial uploads ' || \(fresh.project)::text, 0))")
            if !fresh.head.idempotencyKey.isEmpty, let found = try await find(fresh, tenant: tenant, in: tx) {
                guard found.head == fresh.head else { throw Fault.otherUpload }
                let upload = try found.knowing(length: fresh.length)
                guard upload != found else { return found }
                try await save(upload, tenant: tenant, in: tx)
                return upload
            }
            let open: Int64 = try await tx.one(
                """
                select count(*) as open from partial_uploads
                where tenant_id = \(tenant) and project_id = \(fresh.project) and completed_at is null and expires_at > now()
                """
            ) { try $0.value("open") }
            guard open < PartialUpload.maxOpen else { throw Fault.tooManyOpenUploads }
            // One that has expired and is not swept yet must not be in the way of its key.
            try await tx.execute(
                """
                delete from partial_uploads
                where tenant_id = \(tenant) and project_id = \(fresh.project) and lane = \(fresh.lane.rawValue)
                  and idempotency_key = \(fresh.head.idempotencyKey) and idempotency_key <> '' and expires_at <= now()
                """)
            try await tx.execute(
                """
                insert into partial_uploads (tenant_id, id, project_id, lane, head, idempotency_key, length, expires_at)
                values (
                    \(tenant), \(fresh.id), \(fresh.project), \(fresh.lane.rawValue), \(try JSONText(encoding: fresh.head)),
                    \(fresh.head.idempotencyKey), \(fresh.length), \(fresh.expiresAt))
                """)
            return fresh
        }
    }

    /// - Throws: `partial_upload.not_found`, also for one that has expired.
    func get(_ id: ID<PartialUpload>, tenant: ID<Tenant>) async throws -> PartialUpload {
        let found = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from partial_uploads where tenant_id = \(tenant) and id = \(id) and expires_at > now()"
        ) { try PartialUpload(row: $0) }
        guard let found else { throw Fault.notFound("partial_upload", id) }
        return found
    }

    /// - Throws: `partial_upload.not_found`, and what `PartialUpload.appending` throws.
    func append(_ data: Data, at offset: Int64, length: Int64?, to id: ID<PartialUpload>, tenant: ID<Tenant>) async throws -> PartialUpload {
        try await database.transaction(.tenant(tenant)) { tx in
            let upload = try await lock(id, tenant: tenant, in: tx).appending(data.count, at: offset, length: length)
            let pieces = PartialUpload.pieces(of: data, at: offset)
            if !pieces.isEmpty {
                try await tx.execute(
                    """
                    insert into partial_upload_pieces as p (tenant_id, partial_upload_id, piece, bytes)
                    select \(tenant), \(id), u.*
                    from unnest(\(pieces.map(\.piece)), \(pieces.map(\.bytes))) as u
                    on conflict on constraint partial_upload_pieces_pkey do update set bytes = p.bytes || excluded.bytes
                    """)
            }
            try await save(upload, tenant: tenant, in: tx)
            return upload
        }
    }

    /// - Returns: nothing behind the last piece.
    func piece(_ number: Int32, of id: ID<PartialUpload>, tenant: ID<Tenant>) async throws -> Data {
        try await database.lookUp(
            .tenant(tenant),
            "select bytes from partial_upload_pieces where tenant_id = \(tenant) and partial_upload_id = \(id) and piece = \(number)"
        ) { try $0.value("bytes", as: Data.self) } ?? Data()
    }

    /// Drops the bytes. Doing it twice is the same as once.
    /// - Throws: `partial_upload.not_found`.
    func complete(_ id: ID<PartialUpload>, tenant: ID<Tenant>) async throws -> PartialUpload {
        try await database.transaction(.tenant(tenant)) { tx in
            var upload = try await lock(id, tenant: tenant, in: tx)
            try await tx.execute("delete from partial_upload_pieces where tenant_id = \(tenant) and partial_upload_id = \(id)")
            try await tx.execute(
                "update partial_uploads set completed_at = coalesce(completed_at, now()) where tenant_id = \(tenant) and id = \(id)")
            upload.isComplete = true
            return upload
        }
    }

    /// - Throws: `partial_upload.not_found`.
    func delete(_ id: ID<PartialUpload>, tenant: ID<Tenant>) async throws {
        let deleted = try await database.execute(.tenant(tenant), "delete from partial_uploads where tenant_id = \(tenant) and id = \(id)")
        guard deleted > 0 else { throw Fault.notFound("partial_upload", id) }
    }

    /// Forgets what has expired, a few at a time: each may be of many pieces.
    func sweep(portions: Int = 20) async throws {
        for _ in 0..<portions {
            let forgotten = try await database.execute(
                .system,
                """
                delete from partial_uploads where (tenant_id, id) in (
                    select tenant_id, id from partial_uploads where expires_at < now() order by expires_at limit 20 for update skip locked)
                """)
            guard forgotten == 20 else { return }
        }
    }

    private func find(_ other: PartialUpload, tenant: ID<Tenant>, in tx: Transaction) async throws -> PartialUpload? {
        try await tx.first(
            """
            select \(fragment: Self.columns) from partial_uploads
            where tenant_id = \(tenant) and project_id = \(other.project) and lane = \(other.lane.rawValue)
              and coalesce(nullif(idempotency_key, ''), id::text) = \(other.head.idempotencyKey) and expires_at > now()
            for update
            """
        ) { try PartialUpload(row: $0) }
    }

    private func lock(_ id: ID<PartialUpload>, tenant: ID<Tenant>, in tx: Transaction) async throws -> PartialUpload {
        let found = try await tx.first(
            "select \(fragment: Self.columns) from partial_uploads where tenant_id = \(tenant) and id = \(id) and expires_at > now() for update"
        ) { try PartialUpload(row: $0) }
        guard let found else { throw Fault.notFound("partial_upload", id) }
        return found
    }

    private func save(_ upload: PartialUpload, tenant: ID<Tenant>, in tx: Transaction) async throws {
        try await tx.execute(
            """
            update partial_uploads set received = \(upload.received), length = \(upload.length)
            where tenant_id = \(tenant) and id = \(upload.id)
            """)
    }
}

extension PartialUpload {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        project = try row.value("project_id")
        lane = try Lane(rawValue: row.value("lane")) ?? .untrusted
        head = try row.value("head", as: JSONText.self).decode(Head.self)
        received = try row.value("received")
        length = try row.value("length")
        isComplete = try row.value("is_complete")
        expiresAt = try row.value("expires_at")
    }
}
