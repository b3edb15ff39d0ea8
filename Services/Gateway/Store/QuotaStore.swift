import Audit
import Foundation
import Jobs
import Postgres
import Primitives

/// What organizations use of their quotas, and limits that are theirs alone: all SQL on it.
struct QuotaStore: Sendable {
    let database: Database
    let jobs: JobQueue

    /// Something used.
    struct Amount: Sendable, Equatable {
        let tenant: ID<Tenant>
        let kind: Quota.Kind
        let amount: Int64
    }

    /// What has been used and may be used.
    struct Overview: Sendable {
        /// Of the month, for what is spent by the month.
        var spent: [Quota.Kind: Int64] = [:]
        /// The oldest look at what is held, of the last thirty days.
        var held: [Quota.Kind: (day: Date, used: Int64)] = [:]
        var overrides: [Quota.Kind: Override] = [:]
        /// Of the overrides; `nil` for an organization that there is not.
        var version: Int64?
    }

    struct Override: Sendable, Equatable {
        let hard: Int64
        let soft: Int64?
    }

    /// Adds what one gateway has counted since it last did, in one statement for all organizations. Rows are touched in one order by everybody, so that
    /// gateways that come together wait instead of killing each other.
    /// - Returns: the sums of all gateways.
    func add(_ counted: [Amount], month: QuotaMonth) async throws -> [Amount] {
        try await database.rows(
            .system,
            """
            insert into quota_usage as known (tenant_id, quota, period, used)
            select tenant_id, quota, \(month.text)::date, amount
            from unnest(\(counted.map(\.tenant.uuid)), \(counted.map(\.kind.rawValue)), \(counted.map(\.amount))) as c (tenant_id, quota, amount)
            order by tenant_id, quota
            on conflict on constraint quota_usage_pkey do update set used = known.used + excluded.used
            returning tenant_id, quota, used
            """
        ) { row in try Self.amount(row) }.compactMap { $0 }
    }

    /// Limits of their own that these organizations have.
    func overrides(of tenants: [ID<Tenant>]) async throws -> [ID<Tenant>: [Quota.Kind: Override]] {
        let rows = try await database.rows(
            .system,
            "select tenant_id, quota, hard_limit, soft_limit from quota_overrides where tenant_id = any(\(tenants.map(\.uuid)))"
        ) { (tenant: try $0.value("tenant_id", as: ID<Tenant>.self), override: try Self.override($0)) }
        return rows.reduce(into: [:]) { found, row in
            if let (kind, override) = row.override { found[row.tenant, default: [:]][kind] = override }
        }
    }

    func overview(of tenant: ID<Tenant>, month: QuotaMonth) async throws -> Overview {
        try await database.transaction(.tenant(tenant)) { tx in
            var overview = Overview()
            // First: whoever goes by a version that is older than the limits they read is refused, and reads again.
            overview.version = try await tx.first("select quotas_version from organizations where tenant_id = \(tenant)") {
                try $0.value("quotas_version")
            }
            for (kind, override) in try await tx.rows(
                "select quota, hard_limit, soft_limit from quota_overrides where tenant_id = \(tenant)", Self.override
            ).compactMap({ $0 }) {
                overview.overrides[kind] = override
            }
            let spent = try await tx.rows(
                "select tenant_id, quota, used from quota_usage where tenant_id = \(tenant) and period = \(month.text)::date", Self.amount)
            for amount in spent.compactMap({ $0 }) where amount.kind.isMonthly { overview.spent[amount.kind] = amount.amount }
            let held = try await tx.rows(
                """
                select distinct on (quota) tenant_id, quota, used, period::text as day from quota_usage
                where tenant_id = \(tenant) and period > current_date - 30
                order by quota, period
                """
            ) { (amount: try Self.amount($0), day: QuotaMonth.day(try $0.value("day"))) }
            for case (let amount?, let day?) in held where !amount.kind.isMonthly { overview.held[amount.kind] = (day, amount.amount) }
            return overview
        }
    }

    /// Keeps the last look of a day at what is held: what forecasts are made of.
    func observe(_ held: [Quota.Kind: Int64], of tenant: ID<Tenant>, on day: String) async throws {
        let rows = held.sorted { $0.key.rawValue < $1.key.rawValue }
        try await database.execute(
            .tenant(tenant),
            """
            insert into quota_usage as known (tenant_id, quota, period, used)
            select \(tenant), quota, \(day)::date, used from unnest(\(rows.map(\.key.rawValue)), \(rows.map(\.value))) as c (quota, used)
            on conflict on constraint quota_usage_pkey do update set used = excluded.used where known.used <> excluded.used
            """)
    }

    /// People who have a seat.
    func members(of tenant: ID<Tenant>) async throws -> Int64 {
        try await database.one(
            .tenant(tenant), "select count(*) as members from users where tenant_id = \(tenant) and deactivated_at is null"
        ) { try $0.value("members") }
    }

    /// `nil` takes the installation's limit again.
    /// - Parameter version: that the limits must have; 0 for any.
    /// - Throws: `organization.not_found`, `precondition_failed`.
    func set(_ overrides: [Quota.Kind: Override?], version: Int64 = 0, of tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let count = try await tx.execute(
                """
                update organizations set quotas_version = quotas_version + 1
                where tenant_id = \(tenant) and (\(version) = 0 or quotas_version = \(version))
                """)
            if count == 0 {
                let isThere = try await tx.first("select from organizations where tenant_id = \(tenant)") { _ in true } != nil
                throw isThere ? Fault.versionStale : Fault.notFound("organization", tenant)
            }
            for (kind, override) in overrides.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                guard let override else {
                    try await tx.execute("delete from quota_overrides where tenant_id = \(tenant) and quota = \(kind.rawValue)")
                    continue
                }
                try await tx.execute(
                    """
                    insert into quota_overrides (tenant_id, quota, hard_limit, soft_limit)
                    values (\(tenant), \(kind.rawValue), \(override.hard), \(override.soft))
                    on conflict on constraint quota_overrides_pkey do update set hard_limit = excluded.hard_limit, soft_limit = excluded.soft_limit
                    """)
            }
            let details = overrides.map { ($0.key.rawValue, $0.value.map { "\($0.hard)" } ?? "standard") }
            try await tx.audit(tenant, details: Dictionary(details) { first, _ in first })
        }
    }

    /// Puts the warning on its way, unless this month's has been.
    /// - Returns: whether it was this call that did.
    @discardableResult
    func warn(_ warning: PublishQuotaWarning.Payload, tenant: ID<Tenant>) async throws -> Bool {
        try await database.transaction(.tenant(tenant)) { tx in
            let isNew = try await tx.execute(
                """
                insert into quota_warnings (tenant_id, quota, period, threshold)
                values (\(tenant), \(warning.quota), \(warning.month)::date, \(warning.threshold))
                on conflict do nothing
                """)
            guard isNew > 0 else { return false }
            try await jobs.enqueue(warning, tenant: tenant, in: tx)
            return true
        }
    }

    /// Forgets looks and months that no forecast needs.
    func sweep() async throws {
        try await database.execute(.system, "delete from quota_usage where period < current_date - 400")
    }

    /// `nil` for a quota that this release does not know: a later one may have written it.
    private static func amount(_ row: Row) throws -> Amount? {
        guard let kind = Quota.Kind(rawValue: try row.value("quota")) else { return nil }
        return Amount(tenant: try row.value("tenant_id"), kind: kind, amount: try row.value("used"))
    }

    private static func override(_ row: Row) throws -> (Quota.Kind, Override)? {
        guard let kind = Quota.Kind(rawValue: try row.value("quota")) else { return nil }
        return (kind, Override(hard: try row.value("hard_limit"), soft: try row.value("soft_limit", as: Int64?.self)))
    }
}
