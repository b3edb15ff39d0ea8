import Foundation
import Postgres
import Primitives

/// All SQL about tags: the index under which results are found, and the list of tags that there are.
struct TagStore: Sendable {
    /// Values of one key that are offered.
    static let mostValues: Int32 = 10_000

    let database: Database

    /// What ListProjectResults may ask for.
    struct Filter: Sendable {
        /// All of them; at least one.
        var tags: [UUID]
        /// Any of them; empty for all.
        var outcomes: [Outcome] = []
    }

    // MARK: - Writing

    static func insertion(_ segments: TagSegments, run: ID<Run>, tenant: ID<Tenant>) -> SQL {
        """
        insert into result_tags (tenant_id, run_id, tag_id, outcome, first_id, last_id)
        select \(tenant), \(run), u.* from unnest(\(segments.tags), \(segments.outcomes), \(segments.first), \(segments.last)) as u
        """
    }

    func insert(_ segments: TagSegments, run: ID<Run>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        guard !segments.isEmpty else { return }
        try await tx.execute(Self.insertion(segments, run: run, tenant: tenant))
    }

    /// Tags that were seen, sorted, so that two transactions never wait for each other in a circle. What is known is not locked: it is written again
    /// once a day only, and then not waited for.
    func insert(_ tags: [Tag], project: ID<Project>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        guard !tags.isEmpty else { return }
        let keys = tags.map(\.key)
        let values = tags.map(\.value)
        try await tx.pipeline([
            """
            update tags t set last_seen_on = current_date
            from (
                select t.key, t.value from tags t join unnest(\(keys), \(values)) as u (key, value) on t.key = u.key and t.value = u.value
                where t.tenant_id = \(tenant) and t.project_id = \(project) and t.last_seen_on < current_date
                for update of t skip locked
            ) old
            where t.tenant_id = \(tenant) and t.project_id = \(project) and t.key = old.key and t.value = old.value
            """,
            """
            insert into tags (tenant_id, project_id, key, value)
            select \(tenant), \(project), u.key, u.value from unnest(\(keys), \(values)) as u (key, value)
            where not exists (
                    select from tags t where t.tenant_id = \(tenant) and t.project_id = \(project) and t.key = u.key and t.value = u.value)
                and (
                    select count(*) from (
                        select from tags t where t.tenant_id = \(tenant) and t.project_id = \(project) and t.key = u.key limit \(Self.mostValues)
                    ) values_of_key
                ) < \(Self.mostValues)
            order by u.key collate "C", u.value collate "C"
            on conflict on constraint tags_pkey do nothing
            """,
        ])
    }

    // MARK: - Reading

    /// Results of a project that have all the tags, newest first. Each outcome is walked by itself in the index, so the cost is that of the page, not of
    /// what is stored; of several tags the one with the fewest rows is walked and the others are looked up for each result.
    func results(_ filter: Filter, _ page: PageRequest, tenant: ID<Tenant>) async throws -> Page<TestResult> {
        let before = try page.after(ID<TestResult>.self)
        let tags = filter.tags.count > 1 ? try await rarestFirst(filter.tags, tenant: tenant) : filter.tags
        let outcomes = filter.outcomes.isEmpty ? Outcome.allCases : filter.outcomes
        var parts: SQL = ""
        for (index, outcome) in outcomes.enumerated() {
            parts =
                "\(fragment: parts) \(fragment: index == 0 ? "" : "union all") (\(fragment: Self.walk(tags, outcome, before, page.limit + 1, tenant)))"
        }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            with page as materialized (
                select * from (\(fragment: parts)) found order by id desc limit \(page.limit + 1)
            )
            select r.*, left(d.message, 4096) as message, d.type from page r
            left join result_details d on d.tenant_id = \(tenant) and d.result_id = r.id and d.recorded_at = r.recorded_at
            order by r.id desc
            """
        ) { try TestResult(row: $0, isWhole: false) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    private static func walk(_ tags: [UUID], _ outcome: Outcome, _ before: ID<TestResult>?, _ limit: Int, _ tenant: ID<Tenant>) -> SQL {
        // Written out, not bound: the index of what did not pass holds for constants only.
        let constant: SQL =
            switch outcome {
            case .passed: "1"
            case .failed: "2"
            case .errored: "3"
            case .skipped: "4"
            }
        let older: SQL = before.map { "s.first_id < \($0) and " } ?? ""
        let olderResult: SQL = before.map { "r.id < \($0) and " } ?? ""
        var others: SQL = ""
        for tag in tags.dropFirst() {
            // The last row that begins at or before the result: rows of a tag do not overlap.
            others = """
                \(fragment: others) and exists (
                    select from (
                        select t.last_id from result_tags t
                        where t.tenant_id = \(tenant) and t.tag_id = \(tag) and t.outcome = \(fragment: constant) and t.first_id <= r.id
                            and t.recorded_at = r.recorded_at
                        order by t.first_id desc
                        limit 1
                    ) t where t.last_id >= r.id)
                """
        }
        return """
            select r.* from result_tags s cross join lateral (
                select \(fragment: ResultStore.columns) from results r
                where r.tenant_id = \(tenant) and r.run_id = s.run_id and r.recorded_at = s.recorded_at and \(fragment: olderResult)
                    r.id between s.first_id and s.last_id and r.outcome = \(fragment: constant) \(fragment: others)
                order by r.id desc
                limit \(limit)
            ) r
            where s.tenant_id = \(tenant) and s.tag_id = \(tags[0]) and \(fragment: older) s.outcome = \(fragment: constant)
            order by s.first_id desc, r.id desc
            limit \(limit)
            """
    }

    /// By how many rows the index has of each, as far as a thousand.
    private func rarestFirst(_ tags: [UUID], tenant: ID<Tenant>) async throws -> [UUID] {
        try await database.rows(
            .tenant(tenant),
            """
            select u.tag from unnest(\(tags)) with ordinality as u (tag, position)
            order by (
                select count(*) from (select from result_tags s where s.tenant_id = \(tenant) and s.tag_id = u.tag limit 1000) few
            ), u.position
            """
        ) { try $0.value("tag") }
    }

    /// Values of a key that begin with a text, in their order.
    func values(of key: String, from prefix: String, _ page: PageRequest, project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<KnownTag> {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select key, value, to_char(last_seen_on, 'YYYY-MM-DD') as last_seen from tags
            where tenant_id = \(tenant) and project_id = \(project) and key = \(key) and value >= \(prefix) and value < \(Self.end(of: prefix))
                and (\(page.cursor)::text is null or value > \(page.cursor))
            order by value
            limit \(page.limit + 1)
            """
        ) { KnownTag(key: try $0.value("key"), value: try $0.value("value"), lastSeen: try $0.value("last_seen")) }
        return Page(rows: rows, limit: page.limit) { $0.value }
    }

    /// Keys that begin with a text, each once: the index is skipped through, not read.
    func keys(from prefix: String, _ page: PageRequest, project: ID<Project>, tenant: ID<Tenant>) async throws -> Page<String> {
        let first: SQL = page.cursor.map { "key > \($0)" } ?? "key >= \(prefix)"
        let rows = try await database.rows(
            .tenant(tenant),
            """
            with recursive keys as (
                (select key, 1 as n from tags
                where tenant_id = \(tenant) and project_id = \(project) and \(fragment: first) order by key limit 1)
                union all
                select next.key, keys.n + 1 from keys cross join lateral (
                    select key from tags where tenant_id = \(tenant) and project_id = \(project) and key > keys.key order by key limit 1
                ) next
                where keys.n <= \(page.limit)
            )
            select key from keys where key < \(Self.end(of: prefix)) order by n
            """
        ) { try $0.value("key", as: String.self) }
        return Page(rows: rows, limit: page.limit) { $0 }
    }

    /// Behind every text that begins with it, by bytes.
    private static func end(of prefix: String) -> String { prefix + "\u{10FFFF}" }
}

/// A tag that some result has, or had.
struct KnownTag: Equatable, Sendable {
    let key: String
    /// Empty for a key alone.
    let value: String
    /// Day (UTC) on which it came last, `2026-03-01`.
    let lastSeen: String
}
