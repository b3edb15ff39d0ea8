import Postgres
import Primitives

/// What an organization has under way and in store, counted when somebody asks: the gateway does, at most every other second for each that does something.
struct UsageStore: Sendable {
    let database: Database

    struct Usage: Sendable, Equatable {
        let runningTests: Int64
        let storageBytes: Int64
        let storageFiles: Int64
    }

    /// The length of a report's piece stands beside it: none is read for this. What has come of uploads in pieces is held as well.
    func usage(of tenant: ID<Tenant>) async throws -> Usage {
        try await database.one(
            .tenant(tenant),
            """
            select
                (select count(*) from run_cases where tenant_id = \(tenant)) as running_tests,
                raw.size + partial.size as storage_bytes, raw.files + partial.files as storage_files
            from (
                select coalesce(sum(octet_length(bytes)), 0)::bigint as size, count(*) filter (where part = 0) as files
                from raw_reports where tenant_id = \(tenant)
            ) as raw, (
                select coalesce(sum(received), 0)::bigint as size, count(*) as files
                from partial_uploads where tenant_id = \(tenant) and completed_at is null
            ) as partial
            """
        ) { row in
            Usage(
                runningTests: try row.value("running_tests"), storageBytes: try row.value("storage_bytes"),
                storageFiles: try row.value("storage_files"))
        }
    }
}
