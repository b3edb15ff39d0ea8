import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about what people say of tests.
struct TestVerdictStore: Sendable {
    let database: Database

    /// What holds.
    /// - Throws: `test.not_found`.
    func get(_ test: ID<Test>, tenant: ID<Tenant>) async throws -> TestVerdict {
        let found = try await database.lookUp(
            .tenant(tenant),
            """
            select t.id as test_id, t.verdict_version as version, v.kind, coalesce(v.reason, '') as reason, coalesce(v.decided_by, '') as decided_by,
                v.decided_at
            from tests t
            left join test_verdicts v on v.tenant_id = t.tenant_id and v.test_id = t.id and v.version = t.verdict_version
            where t.tenant_id = \(tenant) and t.id = \(test)
            """
        ) { try TestVerdict(row: $0) }
        guard let found else { throw Fault.notFound("test", test) }
        return found
    }

    /// All of them, newest first.
    func list(_ page: PageRequest, of test: ID<Test>, tenant: ID<Tenant>) async throws -> Page<TestVerdict> {
        let before = try page.afterNumber()
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select test_id, version, kind, reason, decided_by, decided_at from test_verdicts
            where tenant_id = \(tenant) and test_id = \(test) and (\(before)::bigint is null or version < \(before))
            order by version desc
            limit \(page.limit + 1)
            """
        ) { try TestVerdict(row: $0) }
        return Page(rows: rows, limit: page.limit) { "\($0.version)" }
    }

    /// The test is what a person says from here on.
    /// - Parameter version: that the verdict must have; 0 for any.
    /// - Throws: `test.not_found`, `precondition_failed`.
    func put(
        _ kind: StabilityVerdict.Kind, reason: String, on test: ID<Test>, version: Int64, by actor: String, tenant: ID<Tenant>
    ) async throws -> TestVerdict {
        try await database.transaction(.tenant(tenant)) { tx in
            let known = try await lock(test, tenant: tenant, in: tx)
            guard version == 0 || known.version == version else { throw Fault.versionStale }
            try await Self.stand(kind, known.next, on: test, tenant: tenant, in: tx)
            let verdict = try await tx.one(
                """
                insert into test_verdicts (tenant_id, test_id, version, project_id, kind, reason, decided_by, decided_at)
                values (\(tenant), \(test), \(known.next), \(known.project), \(kind.rawValue), \(reason), \(actor), clock_timestamp())
                returning test_id, version, kind, reason, decided_by, decided_at
                """
            ) { try TestVerdict(row: $0) }
            try await tx.audit(
                test, project: known.project, details: ["kind": kind.rawValue, "instead_of": known.holding ?? "unknown", "reason": reason])
            return verdict
        }
    }

    /// The test is the machine's again. Nothing happens where nobody had said anything.
    /// - Parameter version: that the verdict must have; 0 for any.
    /// - Throws: `test.not_found`, `precondition_failed`.
    func delete(on test: ID<Test>, version: Int64, by actor: String, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let known = try await lock(test, tenant: tenant, in: tx)
            guard version == 0 || known.version == version else { throw Fault.versionStale }
            guard known.isOverruled else {
                AuditedCall.changedNothing()
                return
            }
            try await Self.stand(nil, known.next, on: test, tenant: tenant, in: tx)
            try await tx.execute(
                """
                insert into test_verdicts (tenant_id, test_id, version, project_id, reason, decided_by, decided_at)
                values (\(tenant), \(test), \(known.next), \(known.project), '', \(actor), clock_timestamp())
                """)
            try await tx.audit(test, project: known.project, details: ["instead_of": known.holding ?? "unknown"])
        }
    }

    /// Of two tests that are one the later word holds. What was said of the other stays where it is, under its old name.
    /// - Parameter version: of what held of the other; what was said of it before it was another test's once does not.
    func join(_ alias: ID<Test>, saying version: Int64, to test: ID<Test>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let carried = try await tx.first(
            """
            insert into test_verdicts (tenant_id, test_id, version, project_id, kind, reason, decided_by, decided_at)
            select a.tenant_id, t.id, \(fragment: Self.next), t.project_id, a.kind, a.reason, a.decided_by, a.decided_at
            from tests t
            left join test_verdicts own on own.tenant_id = t.tenant_id and own.test_id = t.id and own.version = t.verdict_version
            join test_verdicts a on a.tenant_id = t.tenant_id and a.test_id = \(alias) and a.version = \(version)
                and a.kind is not null and (own.decided_at is null or own.decided_at < a.decided_at)
            where t.tenant_id = \(tenant) and t.id = \(test)
            returning kind, version
            """
        ) { (kind: try StabilityVerdict.Kind(stored: $0.value("kind")), version: try $0.value("version", as: Int64.self)) }
        if let carried { try await Self.stand(carried.kind, carried.version, on: test, tenant: tenant, in: tx) }
    }

    /// The version of the next word on `t`. A row of `tests` may be younger than what was said under its id: the test was another's alias meanwhile.
    /// Then nothing of that holds, and it keeps its versions.
    private static let next: SQL = """
        greatest(t.verdict_version, (select max(w.version) from test_verdicts w where w.tenant_id = t.tenant_id and w.test_id = t.id)) + 1
        """

    /// A test that was never judged stands behind all others in the list of those that are flaky.
    private static func stand(
        _ kind: StabilityVerdict.Kind?, _ version: Int64, on test: ID<Test>, tenant: ID<Tenant>, in tx: Transaction
    ) async throws {
        try await tx.execute(
            """
            update tests set verdict = \(kind?.rawValue), verdict_version = \(version), flaky_chance = coalesce(flaky_chance, 0)
            where tenant_id = \(tenant) and id = \(test)
            """)
        try await tx.execute(RevisionStore.raising(of: [test], tenant: tenant))
    }

    private struct Known {
        let project: ID<Project>
        let version: Int64
        /// That what is said now will have.
        let next: Int64
        let isOverruled: Bool
        /// What holds so far.
        let holding: String?
    }

    private func lock(_ test: ID<Test>, tenant: ID<Tenant>, in tx: Transaction) async throws -> Known {
        let found = try await tx.first(
            """
            select t.project_id, t.verdict_version, \(fragment: Self.next) as next, t.verdict is not null as is_overruled,
                coalesce(t.verdict, t.stability) as holding
            from tests t where t.tenant_id = \(tenant) and t.id = \(test) for update
            """
        ) {
            Known(
                project: try $0.value("project_id"), version: try $0.value("verdict_version"), next: try $0.value("next"),
                isOverruled: try $0.value("is_overruled"), holding: try $0.value("holding"))
        }
        guard let found else { throw Fault.notFound("test", test) }
        return found
    }
}

extension TestVerdict {
    init(row: Row) throws {
        test = try row.value("test_id")
        kind = try row.value("kind", as: String?.self).map { try StabilityVerdict.Kind(stored: $0) }
        reason = try row.value("reason")
        decidedBy = try row.value("decided_by")
        decidedAt = try row.value("decided_at", as: Date?.self)
        version = try row.value("version")
    }
}

extension StabilityVerdict.Kind {
    /// - Throws: `stability.unknown_state`: a newer release wrote the row.
    init(stored text: String) throws(Fault) {
        guard let kind = Self(rawValue: text) else { throw .unknownState }
        self = kind
    }
}
