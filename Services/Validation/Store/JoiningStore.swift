import Foundation
import Jobs
import Postgres
import Primitives

/// All SQL that joins the failures of two tests that are one.
///
/// What a signature counts of a test (`signature_tests`) is at any time what its failures come to that name the test, and those that are not kept any
/// more. So a page of failures that get another name and their part of the count go over together, and whoever takes failures out of a signature
/// meanwhile (`CuttingStore`) finds that both agree, however far this has got.
struct JoiningStore: Sendable {
    let database: Database
    let jobs: JobQueue
    let aliases = AliasStore()
    let sums = GroupSums()

    /// A signature that is being gone through.
    struct Place: Codable, Sendable, Equatable {
        let signature: ID<Signature>
        /// The last of its failures that was looked at.
        let after: ID<Result>
    }

    /// What comes after a page: nothing, or the failures behind a place; behind `nil` those of another signature.
    enum Next: Sendable, Equatable {
        case done
        case page(Place?)
    }

    /// Failures that come from now on are counted for `test`; those that are there already by a job. Again it changes nothing.
    /// - Parameter test: `nil` when the alias stands for itself again: what was joined stays.
    func set(_ alias: ID<Test>, to test: ID<Test>?, _ scope: ProjectScope) async throws {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            guard let test, test != alias else {
                try await aliases.delete(alias, scope, in: tx)
                return
            }
            let known = try await aliases.set(alias, to: test, scope, in: tx)
            try await jobs.enqueue(
                JoinTests.Payload(project: scope.project, alias: alias, episode: known.episode, place: nil), tenant: scope.tenant, in: tx)
        }
    }

    /// Looks at the next failures of a signature that counts any of the alias, and joins those that are the alias's, in one transaction.
    /// - Parameters:
    ///   - place: behind which to go on; `nil` for any signature.
    ///   - continuing: the job goes on in another one after this page.
    func step(_ work: JoinTests.Payload, from place: Place?, limit: Int, continuing: Bool, _ scope: ProjectScope) async throws -> Next {
        try await database.transaction(.tenant(scope.tenant)) { tx -> Next in
            try await tx.pipeline([FailureStore.planning, scope.locking])
            // Who stands for itself again has failures of its own by now, which nothing must pass by.
            guard let alias = try await aliases.find(work.alias, scope, in: tx), alias.episode == work.episode,
                let signature = try await counting(alias, at: place, scope, in: tx)
            else { return .done }
            let rows = try await page(of: signature, behind: place, limit: limit, alias, scope, in: tx)
            let joined = rows.filter(\.isAlias).map(\.result)
            try await move(joined, of: signature, alias, scope, in: tx)
            var next: Place?
            if rows.count == limit, let last = rows.last {
                next = Place(signature: ID(uuid: signature.uuid), after: last.result)
                // The alias may be taken back before the next page: then this one is the last.
                if !joined.isEmpty { try await recount(signature, scope, in: tx) }
            } else {
                try await settle(signature, alias, scope, in: tx)
            }
            if continuing {
                try await jobs.enqueue(
                    JoinTests.Payload(project: scope.project, alias: alias.alias, episode: alias.episode, place: next), tenant: scope.tenant,
                    in: tx)
            }
            return .page(next)
        }
    }

    private func counting(
        _ alias: TestAlias, at place: Place?, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> SignatureID? {
        if let place { return SignatureID(uuid: place.signature.uuid) }
        return try await tx.first(
            """
            select signature_id from signature_tests
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and test_id = \(alias.alias)
            limit 1
            """
        ) { try $0.signature("signature_id") }
    }

    /// Oldest first. What comes while they are gone through is not the alias's.
    private func page(
        of signature: SignatureID, behind place: Place?, limit: Int, _ alias: TestAlias, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> [(result: ID<Result>, isAlias: Bool)] {
        try await tx.rows(
            """
            select result_id, test_id = \(alias.alias) as is_alias from failures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = \(signature.uuid) and trusted
              and result_id > coalesce(\(place?.after)::uuid, '00000000-0000-0000-0000-000000000000')
            order by result_id
            limit \(limit)
            """
        ) { (result: try $0.value("result_id"), isAlias: try $0.value("is_alias")) }
    }

    private func move(
        _ results: [ID<Result>], of signature: SignatureID, _ alias: TestAlias, _ scope: ProjectScope, in tx: Transaction
    ) async throws {
        guard !results.isEmpty else { return }
        // As they were counted: by the starts of their runs. What failed before the signature was seen first was forgotten, and counts nowhere.
        let counted = try await tx.one(
            """
            select count(*) as failures, min(v.started_at) as first_at, max(v.started_at) as last_at
            from failures f
            join validations v on v.tenant_id = f.tenant_id and v.run_id = f.run_id
            where f.tenant_id = \(scope.tenant) and f.result_id = any(\(results)) and v.started_at >= (
                select first_at from failure_signatures
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = \(signature.uuid))
            """
        ) { row in
            Part(failures: try row.value("failures"), firstAt: try row.value("first_at"), lastAt: try row.value("last_at"))
        }
        var statements: [SQL] = [
            "update failures set test_id = \(alias.test) where tenant_id = \(scope.tenant) and result_id = any(\(results))"
        ]
        if let failures = counted.failures, failures > 0 {
            statements += [
                Self.handing(counted, of: signature, alias, scope),
                """
                update signature_tests set failures = greatest(0, failures - \(failures))
                where \(fragment: Self.row(of: alias, in: signature, scope))
                """,
                "delete from signature_tests where \(fragment: Self.row(of: alias, in: signature, scope)) and failures <= 0",
            ]
        }
        try await tx.pipeline(statements)
    }

    /// All failures of the signature have been looked at. What is left in the alias's row are failures that are not kept any more: they go over with
    /// it.
    private func settle(_ signature: SignatureID, _ alias: TestAlias, _ scope: ProjectScope, in tx: Transaction) async throws {
        try await tx.pipeline([
            Self.handing(Part(), of: signature, alias, scope),
            "delete from signature_tests where \(fragment: Self.row(of: alias, in: signature, scope))",
        ])
        try await recount(signature, scope, in: tx)
    }

    /// Counts the tests of the signature's group again.
    private func recount(_ signature: SignatureID, _ scope: ProjectScope, in tx: Transaction) async throws {
        // What is counted beside for a cut is in no group.
        let group = try await tx.first(
            """
            select s.group_id from failure_signatures s
            join failure_groups g on g.tenant_id = s.tenant_id and g.project_id = s.project_id and g.group_id = s.group_id
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = \(signature.uuid)
            """
        ) { try $0.signature("group_id") }
        guard let group else { return }
        try await sums.update([group], recount: [group], descriptions: [:], scope, in: tx)
    }

    /// Failures of the alias's row, and between which times their runs began; all that it has where nothing is said.
    private struct Part {
        var failures: Int64?
        var firstAt: Date?
        var lastAt: Date?
    }

    /// Adds a part of the alias's row to the row of the test that lasts. It is called, and belongs to whom, the latest failure of both says.
    private static func handing(_ part: Part, of signature: SignatureID, _ alias: TestAlias, _ scope: ProjectScope) -> SQL {
        """
        insert into signature_tests as t (
            tenant_id, project_id, signature_id, test_id, class_name, test_name, failures, first_at, last_at, owners, owners_at)
        select tenant_id, project_id, signature_id, \(alias.test), class_name, test_name,
            least(failures, coalesce(\(part.failures)::bigint, failures)), coalesce(\(part.firstAt)::timestamptz, first_at),
            coalesce(\(part.lastAt)::timestamptz, last_at), owners, owners_at
        from signature_tests
        where \(fragment: row(of: alias, in: signature, scope)) and failures > 0
        \(fragment: SignatureStore.addingToTest)
        """
    }

    private static func row(of alias: TestAlias, in signature: SignatureID, _ scope: ProjectScope) -> SQL {
        """
        tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = \(signature.uuid) and test_id = \(alias.alias)
        """
    }
}
