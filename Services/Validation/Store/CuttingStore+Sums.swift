import Foundation
import Postgres
import Primitives

/// What a cut changes in the sums of the signature that is cut, and what goes over to what is taken out.
extension CuttingStore {
    /// Takes failures off what the signature counts, by the tests that they are kept under, once they have been counted for something else by those that
    /// last; these they are kept under then.
    func takeOff(_ moved: [FailureBatch], _ own: SignatureID, _ scope: ProjectScope, in tx: Transaction) async throws {
        let results = moved.flatMap { $0.failures.map(\.result.result) }
        let ofOwn: SQL = "tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = \(own.uuid)"
        // As it was counted: by the start of the run.
        let gone: SQL = """
            with gone as materialized (
                select f.test_id, v.branch, date_trunc('hour', v.started_at, 'UTC') as hour
                from failures f
                join validations v on v.tenant_id = f.tenant_id and v.run_id = f.run_id
                where f.tenant_id = \(scope.tenant) and f.result_id = any(\(results))
            )
            """
        try await tx.pipeline([
            "update failure_signatures set failures = greatest(0, failures - \(Int64(results.count))) where \(fragment: ofOwn)",
            """
            \(fragment: gone)
            update signature_tests t set failures = t.failures - g.failures
            from (select test_id, count(*) as failures from gone group by test_id) g
            where \(fragment: ofOwn) and t.test_id = g.test_id
            """,
            "delete from signature_tests where \(fragment: ofOwn) and failures <= 0",
            """
            \(fragment: gone)
            update signature_hours h set failures = h.failures - g.failures
            from (select hour, count(*) as failures from gone group by hour) g
            where \(fragment: ofOwn) and h.hour = g.hour
            """,
            "delete from signature_hours where \(fragment: ofOwn) and failures <= 0",
            """
            \(fragment: gone)
            update signature_branches b set failures = b.failures - g.failures
            from (select branch, count(*) as failures from gone group by branch) g
            where \(fragment: ofOwn) and b.branch = g.branch
            """,
            "delete from signature_branches where \(fragment: ofOwn) and branch = any(\(moved.map(\.branch))) and failures <= 0",
            AliasStore.renaming(results, scope),
        ])
    }

    /// What people said of the whole before it was cut holds for both parts: who looks after it, that it is resolved or has been reopened, and whose its tests
    /// are. What has been said, or seen, of the part since holds instead.
    /// - Parameters:
    ///   - counted: what the failures that were moved count for now.
    ///   - moved: under the tests that last. The whole may count them under aliases still.
    func inherit(
        _ counted: SignatureStore.Counted, from cut: Cut, _ moved: [FailureBatch], _ scope: ProjectScope, in tx: Transaction
    ) async throws {
        let tests = Array(Set(moved.flatMap { $0.failures.map(\.result.test) }))
        let both: SQL = """
            s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = \(cut.signature.id.uuid)
              and t.tenant_id = s.tenant_id and t.project_id = s.project_id and t.signature_id = any(\(counted.signatures.map(\.uuid)))
            """
        try await tx.pipeline([
            """
            update failure_signatures t set owner = s.owner, owned_at = s.owned_at
            from failure_signatures s
            where \(fragment: both) and t.owned_at is null and s.owned_at <= \(cut.decidedAt)
            """,
            // What was seen of it after that, before it was known to be resolved, was not held against it: then it is open. Of what was not there before,
            // all that counts was.
            """
            update failure_signatures t set resolved_at = s.resolved_at, resolved_by = s.resolved_by, resolved_branch = s.resolved_branch,
                resolved_commit = s.resolved_commit, absent_runs = s.absent_runs, absent_days = s.absent_days,
                absent_runs_needed = s.absent_runs_needed, absent_days_needed = s.absent_days_needed,
                absent_elsewhere = s.absent_elsewhere
            from failure_signatures s
            where \(fragment: both) and t.resolved_at is null and (t.reopened_at is null or t.reopened_at <= s.resolved_at)
              and s.resolved_at <= \(cut.decidedAt)
              and (t.regressed_at is not null or t.last_at <= s.resolved_at or t.signature_id = any(\(counted.unstored.map(\.uuid))))
            """,
            // Absence counts from it.
            """
            update failure_signatures t set reopened_at = s.reopened_at, reopened_by = s.reopened_by
            from failure_signatures s
            where \(fragment: both) and t.reopened_at is null and t.resolved_at is null and s.reopened_at <= \(cut.decidedAt)
            """,
            """
            with names as (
                select u.test_id, u.test_id as lasting from unnest(\(tests)::uuid[]) as u (test_id)
                union all
                select a.alias_id, a.test_id from test_aliases a
                where a.tenant_id = \(scope.tenant) and a.project_id = \(scope.project) and a.test_id = any(\(tests))
            ),
            latest as (
                select distinct on (n.lasting) n.lasting, s.owners, s.owners_at
                from names n
                join signature_tests s on s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project)
                    and s.signature_id = \(cut.signature.id.uuid) and s.test_id = n.test_id
                where s.owners_at is not null
                order by n.lasting, s.owners_at desc, s.owners desc
            )
            update signature_tests t set owners = s.owners, owners_at = s.owners_at
            from latest s
            where t.tenant_id = \(scope.tenant) and t.project_id = \(scope.project)
              and t.signature_id = any(\(counted.signatures.map(\.uuid))) and t.test_id = s.lasting and t.owners_at is null
            """,
        ])
    }

    /// Whether all that the signature counts has been counted beside it.
    func isComplete(_ work: Work, _ scope: ProjectScope, in tx: Transaction) async throws -> Bool {
        let (own, beside) = (work.cut.signature.id.uuid, work.beside.uuid)
        return try await tx.one(
            """
            select coalesce(sum(case when signature_id = \(own) then failures else -failures end), 0) = 0 as is_complete from failure_signatures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id in (\(own), \(beside))
            """
        ) { try $0.value("is_complete", as: Bool.self) }
    }

    /// All failures have been looked at. What was seen first and last of the signature is found anew where that has been taken out of it, and so are its
    /// branches; a signature of which nothing is left is gone.
    /// - Parameter isComplete: all that the signature counts has been counted beside it.
    /// - Returns: the signature's bucket with the groups that follow.
    func settle(_ work: Work, isComplete: Bool, _ scope: ProjectScope, in tx: Transaction) async throws -> Neighbourhood {
        try await tx.pipeline(Self.settling(work, scope) + (isComplete ? [Self.branches(work, scope)] : []) + [Self.ending(work, scope)])
        var neighbourhood = try await signatures.mining.neighbourhood(
            of: [BucketKey(work.cut.signature).rest], naming: [], scope, in: tx)
        neighbourhood.group()
        return neighbourhood
    }

    /// Drops what was counted beside.
    func clear(_ work: Work, _ scope: ProjectScope, in tx: Transaction) async throws {
        try await tx.pipeline(
            ["failure_signatures", "signature_tests", "signature_hours", "signature_branches"].map { table -> SQL in
                """
                delete from \(identifier: table)
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = \(work.beside.uuid)
                """
            })
    }

    private static func settling(_ work: Work, _ scope: ProjectScope) -> [SQL] {
        func both(_ table: String, _ other: String) -> SQL {
            """
            \(identifier: table).tenant_id = \(scope.tenant) and \(identifier: table).project_id = \(scope.project)
              and \(identifier: table).signature_id = \(work.cut.signature.id.uuid)
              and \(identifier: other).tenant_id = \(scope.tenant) and \(identifier: other).project_id = \(scope.project)
              and \(identifier: other).signature_id = \(work.beside.uuid)
            """
        }
        func isGone(_ result: String) -> SQL {
            """
            not exists (
                select 1 from failures f
                where f.tenant_id = s.tenant_id and f.result_id = s.\(identifier: result) and f.signature_id = s.signature_id)
            """
        }
        return [
            """
            update failure_signatures s set first_at = k.first_at, first_result = k.first_result, first_run = k.first_run,
                first_branch = k.first_branch, first_commit = k.first_commit, first_environment = k.first_environment
            from failure_signatures k
            where \(fragment: both("s", "k")) and \(fragment: isGone("first_result"))
            """,
            """
            update failure_signatures s set last_at = k.last_at, last_result = k.last_result, last_run = k.last_run, last_branch = k.last_branch,
                last_commit = k.last_commit, last_environment = k.last_environment, category = k.category, severity = k.severity, sample = k.sample
            from failure_signatures k
            where \(fragment: both("s", "k")) and \(fragment: isGone("last_result"))
            """,
            """
            update failure_signatures s set regressed_at = k.regressed_at, regressed_result = k.regressed_result, regressed_run = k.regressed_run,
                regressed_branch = k.regressed_branch, regressed_commit = k.regressed_commit, regressed_environment = k.regressed_environment,
                regressed_since = k.regressed_since
            from failure_signatures k
            where \(fragment: both("s", "k")) and s.regressed_result is not null and \(fragment: isGone("regressed_result"))
            """,
            """
            update failure_signatures s set is_recurring = k.is_recurring or s.first_run <> s.last_run
            from failure_signatures k
            where \(fragment: both("s", "k"))
            """,
            // Where more has come than was looked at, as failures that are delivered late, what it was stays.
            tests(work, scope),
            """
            update signature_hours h set tests = k.tests
            from signature_hours k
            where \(fragment: both("h", "k")) and k.hour = h.hour and k.failures = h.failures
            """,
            """
            update signature_branches b set last_at = k.last_at
            from signature_branches k
            where \(fragment: both("b", "k")) and k.branch = b.branch and k.failures = b.failures
            """,
        ]
    }

    /// A test that is being joined to another is one with it here: its failures were looked at under the one id or the other.
    private static func tests(_ work: Work, _ scope: ProjectScope) -> SQL {
        let (own, beside) = (work.cut.signature.id.uuid, work.beside.uuid)
        let latest: SQL = "order by t.last_at desc, t.class_name desc, t.test_name desc"
        let rows: SQL = """
            select t.*, coalesce(a.test_id, t.test_id) as lasting, t.signature_id = \(beside) as is_beside
            from signature_tests t
            left join test_aliases a on a.tenant_id = t.tenant_id and a.project_id = t.project_id and a.alias_id = t.test_id
            where t.tenant_id = \(scope.tenant) and t.project_id = \(scope.project) and t.signature_id in (\(own), \(beside))
            """
        return """
            with rows as (\(fragment: rows)),
            sums as (
                select t.lasting, min(t.first_at) filter (where t.is_beside) as first_at, max(t.last_at) filter (where t.is_beside) as last_at,
                    (array_agg(t.class_name \(fragment: latest)) filter (where t.is_beside))[1] as class_name,
                    (array_agg(t.test_name \(fragment: latest)) filter (where t.is_beside))[1] as test_name
                from rows t
                group by t.lasting
                having sum(t.failures) filter (where t.is_beside) = sum(t.failures) filter (where not t.is_beside)
            )
            update signature_tests t set first_at = k.first_at, last_at = k.last_at, class_name = k.class_name, test_name = k.test_name
            from rows r join sums k on k.lasting = r.lasting
            where not r.is_beside and t.tenant_id = r.tenant_id and t.project_id = r.project_id and t.signature_id = r.signature_id
              and t.test_id = r.test_id
            """
    }

    /// Branches are forgotten before failures are. What is then taken off the rest of a branch was not in it any more, and may leave nothing: what was
    /// counted beside is what there is.
    private static func branches(_ work: Work, _ scope: ProjectScope) -> SQL {
        """
        insert into signature_branches (tenant_id, project_id, signature_id, branch, failures, last_at)
        select k.tenant_id, k.project_id, s.signature_id, k.branch, k.failures, k.last_at
        from failure_signatures s
        join signature_branches k on k.tenant_id = s.tenant_id and k.project_id = s.project_id and k.signature_id = \(work.beside.uuid)
        where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = \(work.cut.signature.id.uuid) and s.failures > 0
        on conflict on constraint signature_branches_pkey do update set failures = excluded.failures, last_at = excluded.last_at
        """
    }

    /// A signature of which nothing is left is gone.
    private static func ending(_ work: Work, _ scope: ProjectScope) -> SQL {
        """
        delete from failure_signatures
        where tenant_id = \(scope.tenant) and project_id = \(scope.project) and signature_id = \(work.cut.signature.id.uuid) and failures <= 0
        """
    }
}
