import Foundation
import Postgres
import Primitives

/// All SQL about uploads and the raw reports they consist of.
struct UploadStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        u.id, u.project_id, u.run_id, u.accepted, u.rejected, u.warnings, u.files, u.created_at, u.code_owners_id, u.attempt, u.retry_of
        """

    /// What decides whether an upload has been here before.
    struct Identity: Sendable {
        let project: ID<Project>
        let content: Data
        /// The idempotency key, if the client sent one.
        let key: String?
    }

    /// - Parameters:
    ///   - ids: of the upload's results.
    ///   - microseconds: that its tests took.
    /// - Returns: `false` when the same content or the same idempotency key is stored already; two that race meet at the unique constraints.
    func insert(
        _ upload: Upload, _ identity: Identity, ids: ResultIDs, microseconds: Int64 = 0, places: ReportedPlaces = .init(), isJudged: Bool,
        tenant: ID<Tenant>, in tx: Transaction
    ) async throws -> Bool {
        let retryOf = upload.retryOf.isEmpty ? nil : upload.retryOf.map(\.uuid)
        return try await tx.execute(
            """
            insert into uploads (
                tenant_id, id, project_id, run_id, content_key, idempotency_key, accepted, rejected, warnings, files, first_result_id, last_result_id,
                code_owners_id, places, judged_at, attempt, retry_of, retry_us)
            values (
                \(tenant), \(upload.id), \(upload.project), \(upload.run), \(identity.content), \(identity.key), \(upload.accepted),
                \(upload.rejected), \(try JSONText(encoding: upload.warnings)), \(try JSONText(encoding: upload.files)), \(ids.first), \(ids.last),
                \(upload.codeOwners), \(try places.isEmpty ? nil : JSONText(encoding: places)), case when \(isJudged) then now() end,
                \(Int16(clamping: upload.attempt)), \(retryOf), \(retryOf == nil ? nil : microseconds))
            on conflict do nothing
            """) > 0
    }

    func insert(_ chunks: [RawChunk], of upload: ID<Upload>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        guard !chunks.isEmpty else { return }
        try await tx.execute(
            """
            insert into raw_reports (tenant_id, upload_id, file, part, bytes)
            select \(tenant), \(upload), u.*
            from unnest(\(chunks.map { Int32($0.file) }), \(chunks.map { Int32($0.part) }), \(chunks.map(\.bytes))) as u
            """)
    }

    /// The first upload with this content or this idempotency key.
    /// - Throws: `idempotency.key_reused` when the key came with other content.
    func find(_ identity: Identity, tenant: ID<Tenant>) async throws -> UploadReceipt? {
        let found = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns), u.content_key, r.state from uploads u
            join runs r on r.tenant_id = u.tenant_id and r.id = u.run_id
            where u.tenant_id = \(tenant)
              and (u.content_key = \(identity.content) or u.project_id = \(identity.project) and u.idempotency_key = \(identity.key))
            """
        ) { row in
            let state = try Run.State(rawValue: row.value("state")) ?? .running
            return (
                content: try row.value("content_key", as: Data.self),
                receipt: UploadReceipt(upload: try Upload(row: row), duplicate: true, runState: state)
            )
        }
        if let same = found.first(where: { $0.content == identity.content }) { return same.receipt }
        if !found.isEmpty { throw Fault.idempotencyKeyReused }
        return nil
    }

    /// - Throws: `upload.not_found`.
    func get(_ id: ID<Upload>, tenant: ID<Tenant>) async throws -> Upload {
        let found = try await database.lookUp(
            .tenant(tenant), "select \(fragment: Self.columns) from uploads u where u.tenant_id = \(tenant) and u.id = \(id)"
        ) { try Upload(row: $0) }
        guard let found else { throw Fault.notFound("upload", id) }
        return found
    }

    /// What times of its reports are held against: when its run took place, for an import, else when it came.
    func moment(of upload: Upload, tenant: ID<Tenant>) async throws -> Date {
        try await database.lookUp(
            .tenant(tenant), "select created_at from runs where tenant_id = \(tenant) and id = \(upload.run) and imported_at is not null"
        ) { try $0.value("created_at", as: Date.self) } ?? upload.createdAt
    }

    /// A piece of what is kept of an upload's file; `nil` behind the last one.
    func chunk(of upload: ID<Upload>, file: Int, part: Int, tenant: ID<Tenant>) async throws -> Data? {
        try await database.lookUp(
            .tenant(tenant),
            """
            select bytes from raw_reports
            where tenant_id = \(tenant) and upload_id = \(upload) and file = \(Int32(file)) and part = \(Int32(part))
            """
        ) { try $0.value("bytes", as: Data.self) }
    }

    /// Where the results of an upload are, on which machines they were carried out, which try they were, and whether its failures are with Validation.
    /// - Throws: `upload.not_found`.
    func span(_ id: ID<Upload>, tenant: ID<Tenant>) async throws -> (
        span: RunSpan, places: ReportedPlaces, attempt: Int, isJudged: Bool
    ) {
        let found = try await database.lookUp(
            .tenant(tenant),
            """
            select run_id, project_id, first_result_id, last_result_id, places, created_at, judged_at, attempt from uploads
            where tenant_id = \(tenant) and id = \(id)
            """
        ) { row in
            // Results have the time of the upload's transaction, as the upload itself has.
            let recorded = try row.value("created_at", as: Date.self)
            let span = RunSpan(
                run: try row.value("run_id"), project: try row.value("project_id"), from: recorded, to: recorded,
                first: try row.value("first_result_id"), last: try row.value("last_result_id"))
            let places = try row.value("places", as: JSONText?.self)?.decode(ReportedPlaces.self)
            return (
                span: span, places: places ?? ReportedPlaces(), attempt: Int(try row.value("attempt", as: Int16.self)),
                isJudged: try row.value("judged_at", as: Date?.self) != nil
            )
        }
        guard let found else { throw Fault.notFound("upload", id) }
        return found
    }
}

extension Upload {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        project = try row.value("project_id")
        run = try row.value("run_id")
        accepted = try row.value("accepted")
        rejected = try row.value("rejected")
        warnings = try row.value("warnings", as: JSONText.self).decode([Warning].self)
        files = try row.value("files", as: JSONText.self).decode([UploadedFile].self)
        createdAt = try row.value("created_at")
        codeOwners = try row.value("code_owners_id")
        attempt = Int(try row.value("attempt", as: Int16.self))
        retryOf = try row.value("retry_of", as: [UUID]?.self)?.map(ID.init(uuid:)) ?? []
    }
}
