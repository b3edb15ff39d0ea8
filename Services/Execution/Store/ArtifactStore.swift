import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about artifacts; `ArtifactStore+Contents.swift` has that about their bytes.
///
/// Whoever makes or deletes an artifact changes, in one transaction and in this order, the artifact, the content's count, the organization's usage.
struct ArtifactStore: Sendable {
    /// Artifacts of one run.
    static let mostOfRun = 10_000

    let database: Database

    private static let columns: SQL = """
        a.id, a.project_id, a.run_id, a.result_id, a.name, a.media_type, a.width, a.height, a.created_at, b.id as blob_id, b.sha256, b.bytes
        """
    private static let tables: SQL = "artifacts a join artifact_blobs b on b.tenant_id = a.tenant_id and b.id = a.blob_id"

    // MARK: - Reading

    /// - Throws: `artifact.not_found`.
    func get(_ id: ID<Artifact>, tenant: ID<Tenant>) async throws -> Artifact {
        let found = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from \(fragment: Self.tables) where a.tenant_id = \(tenant) and a.id = \(id)"
        ) { try Artifact(row: $0) }
        guard let found else { throw Fault.notFound("artifact", id) }
        return found
    }

    /// In the order of their arrival.
    func list(_ run: ID<Run>, result: ID<TestResult>?, _ page: PageRequest, tenant: ID<Tenant>) async throws -> Page<Artifact> {
        let after = try page.after(ID<Artifact>.self)
        let behind: SQL = after.map { "a.id > \($0)" } ?? "true"
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from \(fragment: Self.tables)
            where a.tenant_id = \(tenant) and a.run_id = \(run) and \(fragment: behind)
              and (\(result)::uuid is null or a.result_id = \(result))
            order by a.id
            limit \(page.limit + 1)
            """
        ) { try Artifact(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    func dropped(of run: ID<Run>, tenant: ID<Tenant>) async throws -> DroppedArtifacts? {
        try await database.lookUp(
            .tenant(tenant), "select files, bytes, last_at from artifact_drops where tenant_id = \(tenant) and run_id = \(run)"
        ) { DroppedArtifacts(files: try $0.value("files"), bytes: try $0.value("bytes"), lastAt: try $0.value("last_at")) }
    }

    /// The only result of the run whose report names an attachment so: its whole path, or one that ends with a slash and the name.
    func result(of run: ID<Run>, attaching name: String, tenant: ID<Tenant>) async throws -> ID<TestResult>? {
        let found = try await database.rows(
            .tenant(tenant),
            #"""
            select distinct d.result_id from uploads u
            join result_details d on d.tenant_id = u.tenant_id and d.result_id between u.first_result_id and u.last_result_id
                and d.recorded_at = u.created_at and d.attachments is not null
            cross join lateral jsonb_array_elements(d.attachments) as named
            where u.tenant_id = \#(tenant) and u.run_id = \#(run)
              and (named->>'path' = \#(name) or right(translate(named->>'path', '\', '/'), length(\#(name)) + 1) = '/' || translate(\#(name), '\', '/'))
            limit 2
            """#
        ) { try $0.value("result_id", as: ID<TestResult>.self) }
        return found.count == 1 ? found[0] : nil
    }

    // MARK: - Writing

    /// What `insert` found instead of a place for an artifact.
    enum Obstacle: Error, Equatable {
        /// The content is being deleted: take another.
        case contentIsGone
        /// The same one is there.
        case duplicate
        case quota(StorageQuota)
    }

    /// Makes the artifact and counts it, unless the organization would then have more than `room`.
    /// - Throws: an `Obstacle`, and `artifact.too_many`.
    func insert(_ artifact: Artifact, room: StorageQuota, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let count = try await tx.one("select count(*) as n from artifacts where tenant_id = \(tenant) and run_id = \(artifact.run)") {
            try $0.value("n", as: Int.self)
        }
        guard count < Self.mostOfRun else { throw Fault.artifactsTooMany(artifact.run, Self.mostOfRun) }
        let refs = try await tx.first(
            """
            update artifact_blobs set refs = refs + 1, state = 'stored', unreferenced_at = null
            where tenant_id = \(tenant) and id = \(artifact.content.id) and state <> 'dying'
            returning refs
            """
        ) { try $0.value("refs", as: Int64.self) }
        guard let refs else { throw Obstacle.contentIsGone }
        let inserted = try await tx.execute(
            """
            insert into artifacts (tenant_id, id, project_id, run_id, result_id, blob_id, name, media_type, width, height)
            values (
                \(tenant), \(artifact.id), \(artifact.project), \(artifact.run), \(artifact.result), \(artifact.content.id), \(artifact.name),
                \(artifact.kind.mediaType), \(artifact.kind.size?.width), \(artifact.kind.size?.height))
            on conflict do nothing
            """)
        guard inserted > 0 else { throw Obstacle.duplicate }
        // Bytes that another artifact has already take no further space.
        let bytes = refs == 1 ? artifact.content.bytes : 0
        let (mostBytes, mostFiles) = (room.bytes ?? .max, room.files ?? .max)
        let counted = try await tx.execute(
            """
            insert into artifact_usage as u (tenant_id, bytes, files)
            select \(tenant), \(bytes), 1::bigint where \(bytes) <= \(mostBytes) and \(mostFiles) > 0
            on conflict (tenant_id) do update set bytes = u.bytes + excluded.bytes, files = u.files + 1
            where u.bytes + excluded.bytes <= \(mostBytes) and u.files < \(mostFiles)
            """)
        guard counted > 0 else { throw Obstacle.quota(room) }
        try await tx.audit(
            artifact.id, project: artifact.project,
            details: ["run": artifact.run.description, "name": artifact.name, "sha256": artifact.content.hex, "bytes": "\(artifact.content.bytes)"])
    }

    /// The artifact that `insert` found to be there.
    func find(_ run: ID<Run>, _ result: ID<TestResult>?, name: String, sha256: Data, tenant: ID<Tenant>) async throws -> Artifact? {
        try await database.first(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from \(fragment: Self.tables)
            where a.tenant_id = \(tenant) and a.run_id = \(run) and a.result_id is not distinct from \(result) and a.name = \(name)
              and b.sha256 = \(sha256)
            """
        ) { try Artifact(row: $0) }
    }

    /// Remembers that a file was not kept.
    func drop(_ bytes: Int64, of run: ID<Run>, tenant: ID<Tenant>) async throws {
        try await database.execute(
            .tenant(tenant),
            """
            insert into artifact_drops as d (tenant_id, run_id, files, bytes) values (\(tenant), \(run), 1, \(bytes))
            on conflict (tenant_id, run_id) do update set files = d.files + 1, bytes = d.bytes + excluded.bytes, last_at = now()
            """)
    }

    /// Lets its content go.
    /// - Throws: `artifact.not_found`.
    func delete(_ artifact: Artifact, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let gone: SQL = """
                delete from artifacts where tenant_id = \(tenant) and id = \(artifact.id) returning tenant_id, blob_id
                """
            guard try await Self.release(gone, in: tx) > 0 else { throw Fault.notFound("artifact", artifact.id) }
            try await tx.audit(artifact.id, project: artifact.project, details: ["run": artifact.run.description, "name": artifact.name])
        }
    }

    /// Deletes what was made before `moment`, of all organizations.
    /// - Returns: how many there were, `limit` at most.
    func expire(before moment: Date, limit: Int) async throws -> Int {
        try await database.transaction(.system) { tx in
            let gone: SQL = """
                delete from artifacts where (tenant_id, id) in (
                    select tenant_id, id from artifacts where created_at < \(moment) order by created_at limit \(limit) for update skip locked)
                returning tenant_id, blob_id
                """
            return try await Self.release(gone, in: tx)
        }
    }

    /// - Parameter deletion: of artifacts, returning their `tenant_id` and `blob_id`.
    /// - Returns: how many.
    private static func release(_ deletion: SQL, in tx: Transaction) async throws -> Int {
        try await tx.one(
            """
            with gone as (\(fragment: deletion)),
            shares as (select tenant_id, blob_id, count(*) as n from gone group by tenant_id, blob_id),
            freed as (
                update artifact_blobs b
                set refs = b.refs - s.n, unreferenced_at = case when b.refs = s.n then now() end
                from shares s where b.tenant_id = s.tenant_id and b.id = s.blob_id
                returning b.tenant_id, s.n, case when b.refs = 0 then b.bytes else 0 end as bytes
            ),
            sums as (select tenant_id, sum(n)::bigint as files, sum(bytes)::bigint as bytes from freed group by tenant_id),
            counted as (
                update artifact_usage u set files = u.files - s.files, bytes = u.bytes - s.bytes from sums s where u.tenant_id = s.tenant_id
                returning u.tenant_id
            )
            select (select count(*) from gone) as n, (select count(*) from counted) as tenants
            """
        ) { try $0.value("n") }
    }
}

extension Artifact {
    init(row: Row) throws {
        id = try row.value("id")
        project = try row.value("project_id")
        run = try row.value("run_id")
        result = try row.value("result_id")
        name = try row.value("name")
        var size: PixelSize?
        if let width = try row.value("width", as: Int32?.self), let height = try row.value("height", as: Int32?.self) {
            size = PixelSize(width: width, height: height)
        }
        kind = ArtifactKind(mediaType: try row.value("media_type"), size: size)
        content = ArtifactContent(id: try row.value("blob_id"), sha256: try row.value("sha256"), bytes: try row.value("bytes"))
        createdAt = try row.value("created_at")
    }
}
