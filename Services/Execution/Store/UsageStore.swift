import Postgres
import Primitives

/// What an organization has under way and in store, counted when somebody asks: the gateway does, at most every other second for each that does something.
struct UsageStore: Sendable {
    let database: Database

    struct Usage: Sendable, Equatable {
        let runningTests: Int64
        /// Of reports and artifacts.
        let storageBytes: Int64
        let storageFiles: Int64
    }

    /// The length of a report's piece stands beside it: none is read for this. What has come of uploads in pieces is held as well, and artifacts are
    /// counted when they come and go.
    func usage(of tenant: ID<Tenant>) async throws -> Usage {
        try await database.one(
            .tenant(tenant),
            """
            select
                (select count(*) from run_cases where tenant_id = \(tenant)) as running_tests,
                r.bytes + coalesce(a.bytes, 0) as storage_bytes, r.files + coalesce(a.files, 0) as storage_files
            from (\(fragment: Self.reports(tenant))) r left join artifact_usage a on a.tenant_id = \(tenant)
            """
        ) { row in
            Usage(
                runningTests: try row.value("running_tests"), storageBytes: try row.value("storage_bytes"),
                storageFiles: try row.value("storage_files"))
        }
    }

    /// What reports take, whole and in pieces.
    func reports(of tenant: ID<Tenant>) async throws -> (bytes: Int64, files: Int64) {
        try await database.one(.tenant(tenant), Self.reports(tenant)) { (bytes: try $0.value("bytes"), files: try $0.value("files")) }
    }

    private static func reports(_ tenant: ID<Tenant>) -> SQL {
        """
        select raw.bytes + partial.bytes as bytes, raw.files + partial.files as files
        from (
            select coalesce(sum(octet_length(bytes)), 0)::bigint as bytes, count(*) filter (where part = 0) as files
            from raw_reports where tenant_id = \(tenant)
        ) as raw, (
            select coalesce(sum(received), 0)::bigint as bytes, count(*) as files
            from partial_uploads where tenant_id = \(tenant) and completed_at is null
        ) as partial
        """
    }
}
