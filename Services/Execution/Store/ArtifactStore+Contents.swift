import Foundation
import Postgres
import Primitives

// The life of a content's row; Artifacts/README.md says why it cannot lose bytes.
extension ArtifactStore {
    /// The row for these bytes, which lives for at least the sweeper's patience from now on.
    /// - Returns: whether the bytes are in the storage; else they must be put there before an artifact may have them.
    func claim(sha256: Data, bytes: Int64, tenant: ID<Tenant>) async throws -> (content: ArtifactContent, isStored: Bool) {
        try await database.one(
            .tenant(tenant),
            """
            insert into artifact_blobs as b (tenant_id, id, sha256, bytes) values (\(tenant), \(ID<ArtifactContent>.new()), \(sha256), \(bytes))
            on conflict (tenant_id, sha256) where state <> 'dying'
            do update set unreferenced_at = case when b.refs = 0 then now() end
            returning id, bytes, state = 'stored' as is_stored
            """
        ) { row in
            (
                content: ArtifactContent(id: try row.value("id"), sha256: sha256, bytes: try row.value("bytes")),
                isStored: try row.value("is_stored", as: Bool.self)
            )
        }
    }

    /// A content that nobody can get hold of any more, whose bytes are to be deleted.
    struct Dying: Sendable {
        let tenant: ID<Tenant>
        let content: ArtifactContent
    }

    /// Contents that no artifact has had since `moment`, and those whose deletion somebody began before `stale` and did not end.
    func condemn(unreferencedSince moment: Date, stale: Date, limit: Int) async throws -> [Dying] {
        try await database.rows(
            .system,
            """
            update artifact_blobs set state = 'dying', dying_at = now()
            where (tenant_id, id) in (
                select tenant_id, id from artifact_blobs
                where refs = 0 and unreferenced_at < \(moment) and (dying_at is null or dying_at < \(stale))
                order by unreferenced_at
                limit \(limit)
                for update skip locked)
            returning tenant_id, id, sha256, bytes
            """
        ) { row in
            Dying(
                tenant: try row.value("tenant_id"),
                content: ArtifactContent(id: try row.value("id"), sha256: try row.value("sha256"), bytes: try row.value("bytes")))
        }
    }

    /// Their bytes are gone.
    func forget(_ dead: Dying) async throws {
        try await database.execute(
            .system, "delete from artifact_blobs where tenant_id = \(dead.tenant) and id = \(dead.content.id) and state = 'dying' and refs = 0")
    }
}
