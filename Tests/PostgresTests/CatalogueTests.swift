import Foundation
import Postgres
import TestSupport
import Testing

/// The check that every service's tests rely on must itself find what it is there for.
@Suite(.database(Probe.schema))
struct CatalogueTests {
    private let schema = "c" + UUID().uuidString.replacing("-", with: "").lowercased()

    private func holes(_ statements: String, role: String? = nil, shared: Set<String> = []) async throws -> [String] {
        try await TestDatabase.current.administer { admin in
            try await admin.executeOutsideTransaction("create schema \(identifier: schema)")
            try await admin.executeOutsideTransaction(SQL(stringLiteral: "set search_path = \(schema), probe; \(statements)"))
        }
        return try await RowLevelSecurity.holes(adminURL: TestDatabase.current.adminURL, schema: schema, appRole: role, shared: shared)
    }

    private static let table = "create table t (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id));"
    private static let enabled = "alter table t enable row level security;"
    private static let forced = "alter table t force row level security;"
    private static let policy = "create policy t_tenant on t using (tenant_id = current_tenant());"

    @Test("a table that is enabled, forced and has a policy passes")
    func good() async throws {
        #expect(try await holes(Self.table + Self.enabled + Self.forced + Self.policy) == [])
    }

    @Test(
        "whatever is missing is named",
        arguments: [
            (table + forced + policy, "table t lacks `enable row level security`"),
            (table + enabled + policy, "table t lacks `force row level security`"),
            (table + enabled + forced, "table t lacks a policy"),
            (
                "create table t (a int);" + enabled + forced + "create policy p on t using (true);",
                "table t lacks `tenant_id uuid not null` as its first column"
            ),
            (
                table + enabled + forced + policy + "alter table t add email text unique;",
                "unique key t_email_key of table t does not start with tenant_id"
            ),
            (table + enabled + forced + policy + "create view v as select * from t;", "view v lacks `with (security_invoker = true)`"),
            (
                table + enabled + forced + policy + "create materialized view m as select * from t;",
                "materialized view m has no row-level security: use a table"
            ),
            ("create function f() returns int language sql security definer as 'select 1';", "function f is `security definer`"),
        ])
    func found(_ statements: String, _ hole: String) async throws {
        #expect(try await holes(statements) == [hole])
    }

    @Test("each partition is looked at by itself")
    func partitions() async throws {
        let partitioned = """
            create table t (tenant_id uuid not null, at timestamptz not null) partition by range (at);
            create table t_2026 partition of t for values from ('2026-01-01') to ('2027-01-01');
            """
        let found = try await holes(partitioned + Self.enabled + Self.forced + Self.policy)
        #expect(found == ["table t_2026 lacks `enable row level security`, `force row level security`, a policy"])
    }

    @Test("a role that policies would not hold back is named")
    func roles() async throws {
        #expect(try await holes(Self.table + Self.enabled + Self.forced + Self.policy, role: "no_such_role") == ["role no_such_role does not exist"])
        let owner = try #require(URLComponents(string: TestDatabase.current.adminURL)?.user)
        let found = try await RowLevelSecurity.holes(adminURL: TestDatabase.current.adminURL, schema: schema, appRole: owner)
        #expect(found.contains("role \(owner) is a superuser or bypasses row-level security"))
        #expect(found.contains("role \(owner) owns or inherits from the owner of t"))
    }

    @Test("what test databases are made of passes, their role included")
    func ownDatabase() async throws {
        let role = try #require(URLComponents(string: TestDatabase.current.appURL)?.user)
        try await assertRowLevelSecurity(adminURL: TestDatabase.current.adminURL, schema: "probe", appRole: role)
    }

    @Test("a hole fails the test that looks for it")
    func assertion() async throws {
        _ = try await holes(Self.table)
        try await withKnownIssue {
            try await assertRowLevelSecurity(adminURL: TestDatabase.current.adminURL, schema: schema)
        } matching: { issue in
            issue.comments.contains { $0.rawValue.contains("table t lacks `enable row level security`") }
        }
    }
}
