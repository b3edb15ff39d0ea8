import Foundation
import Postgres
import Primitives

/// All SQL about which tests are one with another. What is changed is changed under the project's lock, as failures are filed.
struct AliasStore: Sendable {
    private static let columns: SQL = "a.alias_id, a.test_id, a.episode_id"

    func find(_ alias: ID<Test>, _ scope: ProjectScope, in tx: Transaction) async throws -> TestAlias? {
        try await tx.first(
            """
            select \(fragment: Self.columns) from test_aliases a
            where a.tenant_id = \(scope.tenant) and a.project_id = \(scope.project) and a.alias_id = \(alias)
            """
        ) { try TestAlias(row: $0) }
    }

    /// Jobs that tell of aliases overtake each other, so it is not waited for what they say of others: as where aliases are made, `test` is none of
    /// `alias` any more, and aliases of the new alias are moved on. There are no chains, or failures would go to a test that is another's by now.
    /// Of those that are moved on nothing need be joined again: their failures are the new alias's by now, or a job of theirs is under way, which
    /// reads what they stand for.
    func set(_ alias: ID<Test>, to test: ID<Test>, _ scope: ProjectScope, in tx: Transaction) async throws -> TestAlias {
        let ofProject: SQL = "tenant_id = \(scope.tenant) and project_id = \(scope.project)"
        try await tx.pipeline([
            "delete from test_aliases where \(fragment: ofProject) and alias_id = \(test) and test_id = \(alias)",
            "update test_aliases set test_id = \(test) where \(fragment: ofProject) and test_id = \(alias)",
        ])
        return try await tx.one(
            """
            insert into test_aliases as a (tenant_id, project_id, alias_id, test_id)
            values (\(scope.tenant), \(scope.project), \(alias), \(test))
            on conflict on constraint test_aliases_pkey do update set test_id = excluded.test_id
            returning \(fragment: Self.columns)
            """
        ) { try TestAlias(row: $0) }
    }

    /// The test stands for itself again.
    func delete(_ alias: ID<Test>, _ scope: ProjectScope, in tx: Transaction) async throws {
        try await tx.execute(
            """
            delete from test_aliases
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and alias_id = \(alias)
            """)
    }

    /// Takes the project's lock, and files failures that came under an alias as those of the test that it stands for, in one round trip: so what
    /// signatures count of a test is what its failures come to. A project that has no aliases, as most, pays one look for any.
    /// - Parameter new: those that have just been filed.
    /// - Returns: the batch under the tests that last.
    func resolve(_ batch: FailureBatch, _ new: Set<ID<Result>>, _ scope: ProjectScope, in tx: Transaction) async throws -> FailureBatch {
        let tests = Array(Set(batch.failures.map(\.result.test)))
        let changed = try await tx.pipeline([
            scope.locking,
            """
            update failures f set test_id = a.test_id
            from test_aliases a
            where exists (select 1 from test_aliases k where k.tenant_id = \(scope.tenant) and k.project_id = \(scope.project))
              and a.tenant_id = \(scope.tenant) and a.project_id = \(scope.project) and a.alias_id = any(\(tests))
              and f.tenant_id = \(scope.tenant) and f.result_id = any(\(Array(new))) and f.test_id = a.alias_id
            """,
        ])
        guard changed[1] > 0 else { return batch }
        return batch.resolved(by: try await find(tests, scope, in: tx))
    }

    /// Failures that may have been filed under aliases, as those of the tests that last. What is kept of them stays as it is.
    func resolve(_ batches: [FailureBatch], _ scope: ProjectScope, in tx: Transaction) async throws -> [FailureBatch] {
        let tests = Array(Set(batches.flatMap { $0.failures.map(\.result.test) }))
        guard !tests.isEmpty else { return batches }
        let known = try await find(tests, scope, in: tx)
        return known.isEmpty ? batches : batches.map { $0.resolved(by: known) }
    }

    /// What those of them stand for that are aliases.
    private func find(_ tests: [ID<Test>], _ scope: ProjectScope, in tx: Transaction) async throws -> [ID<Test>: ID<Test>] {
        let known = try await tx.rows(
            """
            select \(fragment: Self.columns) from test_aliases a
            where a.tenant_id = \(scope.tenant) and a.project_id = \(scope.project) and a.alias_id = any(\(tests))
            """
        ) { try TestAlias(row: $0) }
        return Dictionary(known.map { ($0.alias, $0.test) }) { first, _ in first }
    }

    /// The statement that names the tests that last in failures that are kept under aliases.
    static func renaming(_ results: [ID<Result>], _ scope: ProjectScope) -> SQL {
        """
        update failures f set test_id = a.test_id
        from test_aliases a
        where a.tenant_id = \(scope.tenant) and a.project_id = \(scope.project) and a.alias_id = f.test_id
          and f.tenant_id = \(scope.tenant) and f.result_id = any(\(results))
        """
    }

    /// Aliases of which a signature counts failures all the same.
    func unjoined(limit: Int, _ scope: ProjectScope, in tx: Transaction) async throws -> [TestAlias] {
        try await tx.rows(
            """
            select \(fragment: Self.columns) from test_aliases a
            where a.tenant_id = \(scope.tenant) and a.project_id = \(scope.project) and exists (
                select 1 from signature_tests t
                where t.tenant_id = a.tenant_id and t.project_id = a.project_id and t.test_id = a.alias_id)
            order by a.alias_id
            limit \(limit)
            """
        ) { try TestAlias(row: $0) }
    }
}

extension TestAlias {
    fileprivate init(row: Row) throws {
        self.init(alias: try row.value("alias_id"), test: try row.value("test_id"), episode: try row.value("episode_id"))
    }
}
