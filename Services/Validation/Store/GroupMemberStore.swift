import Foundation
import Postgres
import Primitives

/// All SQL that reads what is in a group.
struct GroupMemberStore: Sendable {
    let database: Database
    let mining = MiningStore()

    /// In the order of their ids.
    func signatures(_ page: PageRequest, of group: ID<FailureGroup>, _ scope: ProjectScope) async throws -> Page<SignatureSummary> {
        let after = try page.after(ID<Signature>.self)
        let rows = try await database.rows(
            .tenant(scope.tenant),
            """
            select signature_id, text, failures, first_at, last_at, sample from failure_signatures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = \(group)
              and (\(after)::uuid is null or signature_id > \(after))
            order by signature_id
            limit \(page.limit + 1)
            """
        ) { try SignatureSummary(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// A test is called what its latest failure calls it.
    private static let latest: SQL = "order by t.last_at desc, t.class_name desc, t.test_name desc"

    /// In the order of their ids.
    func tests(_ page: PageRequest, of group: ID<FailureGroup>, _ scope: ProjectScope) async throws -> Page<GroupTest> {
        let after = try page.after(ID<Test>.self)
        let rows = try await database.rows(
            .tenant(scope.tenant),
            """
            -- First: in the order of tests there is an index of all that the project has.
            with found as materialized (
                select t.* from failure_signatures s
                join signature_tests t on t.tenant_id = s.tenant_id and t.project_id = s.project_id and t.signature_id = s.signature_id
                where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.group_id = \(group)
                  and (\(after)::uuid is null or t.test_id > \(after))
            )
            select t.test_id, sum(t.failures)::bigint as failures, min(t.first_at) as first_at, max(t.last_at) as last_at,
                (array_agg(t.class_name \(fragment: Self.latest)))[1] as class_name,
                (array_agg(t.test_name \(fragment: Self.latest)))[1] as test_name
            from found t
            group by t.test_id
            order by t.test_id
            limit \(page.limit + 1)
            """
        ) { row in
            GroupTest(
                test: try row.value("test_id"), className: try row.value("class_name"), testName: try row.value("test_name"),
                failures: try row.value("failures"), firstSeenAt: try row.value("first_at"), lastSeenAt: try row.value("last_at"))
        }
        return Page(rows: rows, limit: page.limit) { $0.test.description }
    }

    /// Why the group's signatures are one, in the order in which they were put together.
    func merges(_ page: PageRequest, of group: ID<FailureGroup>, _ scope: ProjectScope) async throws -> Page<ExplainedMerge> {
        let after = try page.after(ID<Signature>.self)
        return try await database.transaction(.tenant(scope.tenant)) { tx in
            let bucket = try await tx.first(
                """
                select bucket_id from failure_signatures
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = \(group) and is_mined
                """
            ) { try $0.signature("bucket_id") }
            guard let bucket else { return Page(rows: [], limit: page.limit) { $0.joined.id.description } }
            let neighbourhood = try await mining.neighbourhood(of: [bucket], naming: [], scope, in: tx)
            let grouping = neighbourhood.grouping
            let merges = grouping.merges.filter { grouping.groups[$0.joined]?.uuid == group.uuid }
            var start = 0
            if let after {
                guard let place = merges.firstIndex(where: { $0.joined.uuid == after.uuid }) else { throw Fault.invalidCursor }
                start = place + 1
            }
            let rows = try await explain(Array(merges[start...].prefix(page.limit + 1)), neighbourhood, scope, in: tx)
            return Page(rows: rows, limit: page.limit) { $0.joined.id.description }
        }
    }

    func explain(_ merges: [Merge], _ neighbourhood: Neighbourhood, _ scope: ProjectScope, in tx: Transaction) async throws -> [ExplainedMerge] {
        let known = try await summaries(of: merges.flatMap { [$0.kept.uuid, $0.joined.uuid] }, scope, in: tx)
        return merges.compactMap { merge in
            guard let kept = known[merge.kept.uuid], let joined = known[merge.joined.uuid] else { return nil }
            var decision: GroupingDecision?
            if case .person(let id) = merge.reason { decision = neighbourhood.decisions[id] }
            return ExplainedMerge(kept: kept, joined: joined, reason: merge.reason, decision: decision)
        }
    }

    private func summaries(of ids: [UUID], _ scope: ProjectScope, in tx: Transaction) async throws -> [UUID: SignatureSummary] {
        let rows = try await tx.rows(
            """
            select signature_id, text, failures, first_at, last_at, sample from failure_signatures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = any(\(ids))
            """
        ) { try SignatureSummary(row: $0) }
        return Dictionary(rows.map { ($0.id.uuid, $0) }) { first, _ in first }
    }
}

extension SignatureSummary {
    fileprivate init(row: Row) throws {
        self.init(
            id: try row.value("signature_id"), text: try row.value("text"), failures: try row.value("failures"),
            firstSeenAt: try row.value("first_at"), lastSeenAt: try row.value("last_at"), sample: try row.value("sample"))
    }
}
