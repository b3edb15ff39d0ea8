import Foundation
import Postgres
import Primitives

/// What a batch adds to the rows of its signatures. All of it is sums, minima and maxima, so that the order of batches does not matter.
extension SignatureStore {
    func add(
        _ tallies: [SignatureTally], _ groups: [SignatureID], _ contradicted: (signatures: Set<SignatureID>, since: Date), _ batch: FailureBatch,
        _ scope: ProjectScope,
        in tx: Transaction
    ) async throws {
        try await tx.execute(
            """
            insert into failure_signatures as s (
                tenant_id, project_id, signature_id, origin, text, bucket_id, is_mined, group_id, failures, is_recurring,
                first_at, first_result, first_run, first_branch, first_commit, first_environment,
                last_at, last_result, last_run, last_branch, last_commit, last_environment, category, severity, sample)
            select \(scope.tenant), \(scope.project), u.id, u.origin, u.text, u.bucket, u.is_mined, u.group_id, u.failures, false,
                \(batch.startedAt), u.first, \(batch.run), \(batch.branch), \(batch.commit), \(batch.environment),
                \(batch.startedAt), u.last, \(batch.run), \(batch.branch), \(batch.commit), \(batch.environment), u.category, u.severity, u.sample
            from unnest(
                \(tallies.map(\.id.uuid))::uuid[], \(tallies.map(\.origin))::text[], \(tallies.map(\.text))::text[],
                \(tallies.map(\.bucket.uuid))::uuid[], \(tallies.map(\.isMined))::boolean[], \(groups.map(\.uuid))::uuid[],
                \(tallies.map(\.failures))::bigint[], \(tallies.map(\.first))::uuid[], \(tallies.map(\.last.result.result))::uuid[],
                \(tallies.map(\.last.judgement.category.rawValue))::text[], \(tallies.map(\.last.judgement.severity.rawValue))::text[],
                \(tallies.map(\.sample))::text[]
            ) as u (id, origin, text, bucket, is_mined, group_id, failures, first, last, category, severity, sample)
            on conflict on constraint failure_signatures_pkey do update set
                failures = s.failures + excluded.failures,
                is_recurring = s.is_recurring or s.first_run <> excluded.first_run,
                (first_at, first_result, first_run, first_branch, first_commit, first_environment) = (
                    select e.* from (values (s.first_at, s.first_result, s.first_run, s.first_branch, s.first_commit, s.first_environment),
                        (excluded.first_at, excluded.first_result, excluded.first_run, excluded.first_branch, excluded.first_commit,
                         excluded.first_environment)) as e (at, result, run, branch, commit, environment)
                    order by e.at, e.result limit 1),
                (last_at, last_result, last_run, last_branch, last_commit, last_environment, category, severity, sample) = (
                    select e.* from (values (s.last_at, s.last_result, s.last_run, s.last_branch, s.last_commit, s.last_environment, s.category,
                            s.severity, s.sample),
                        (excluded.last_at, excluded.last_result, excluded.last_run, excluded.last_branch, excluded.last_commit,
                         excluded.last_environment, excluded.category, excluded.severity, excluded.sample))
                        as e (at, result, run, branch, commit, environment, category, severity, sample)
                    order by e.at desc, e.result desc limit 1)
            """)
        guard !contradicted.signatures.isEmpty else { return }
        let proven = tallies.filter { contradicted.signatures.contains($0.id) }
        try await tx.execute(
            """
            update failure_signatures s set
                regressed_at = \(batch.startedAt), regressed_result = u.result, regressed_run = \(batch.run), regressed_branch = \(batch.branch),
                regressed_commit = \(batch.commit), regressed_environment = \(batch.environment), regressed_since = \(contradicted.since)
            from unnest(\(proven.map(\.id.uuid))::uuid[], \(proven.map(\.first))::uuid[]) as u (id, result)
            where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.signature_id = u.id
              and (s.regressed_at is null or (\(batch.startedAt)::timestamptz, u.result) < (s.regressed_at, s.regressed_result))
            """)
    }

    /// What comes of a test goes into its row. It is called what its latest failure calls it, and whose it is the latest says that says anything of
    /// it; of two at the same time the greater name, or list, so that their order does not matter.
    static let addingToTest: SQL = """
        on conflict on constraint signature_tests_pkey do update set
            failures = t.failures + excluded.failures, first_at = least(t.first_at, excluded.first_at),
            last_at = greatest(t.last_at, excluded.last_at),
            (class_name, test_name) = (
                select e.class_name, e.test_name
                from (values (t.last_at, t.class_name, t.test_name), (excluded.last_at, excluded.class_name, excluded.test_name))
                    as e (at, class_name, test_name)
                order by e.at desc, e.class_name desc, e.test_name desc limit 1),
            (owners, owners_at) = (
                select e.owners, e.at from (values (t.owners, t.owners_at), (excluded.owners, excluded.owners_at)) as e (owners, at)
                order by e.at desc nulls last, e.owners desc limit 1)
        """

    /// - Returns: the signatures that made a test fail for the first time.
    func addTests(
        _ tallies: [SignatureTally], _ batch: FailureBatch, _ scope: ProjectScope, in tx: Transaction
    ) async throws -> Set<SignatureID> {
        let pairs = tallies.flatMap { tally in tally.tests.map { (signature: tally.id.uuid, test: $0.key, tally: $0.value) } }
        let owners = pairs.map { $0.tally.owners.joined(separator: "\n") }
        let widened = try await tx.rows(
            """
            with stored as (
                insert into signature_tests as t (
                    tenant_id, project_id, signature_id, test_id, class_name, test_name, failures, first_at, last_at, owners, owners_at)
                select \(scope.tenant), \(scope.project), u.signature, u.test, u.class_name, u.test_name, u.failures, \(batch.startedAt),
                    \(batch.startedAt), string_to_array(u.owners, chr(10)), case when u.owners <> '' then \(batch.startedAt)::timestamptz end
                from unnest(
                    \(pairs.map(\.signature))::uuid[], \(pairs.map(\.test))::uuid[], \(pairs.map(\.tally.className))::text[],
                    \(pairs.map(\.tally.name))::text[], \(pairs.map(\.tally.failures))::bigint[],
                    \(owners)::text[]
                ) as u (signature, test, class_name, test_name, failures, owners)
                \(fragment: Self.addingToTest)
                returning signature_id, xmax = 0 as is_new
            )
            select distinct signature_id from stored where is_new
            """
        ) { try $0.signature("signature_id") }
        return Set(widened)
    }

    func hours(_ tallies: [SignatureTally], _ batch: FailureBatch, _ scope: ProjectScope) -> SQL {
        """
        insert into signature_hours as h (tenant_id, project_id, signature_id, hour, failures, tests)
        select \(scope.tenant), \(scope.project), u.id, date_trunc('hour', \(batch.startedAt)::timestamptz, 'UTC'), u.failures, u.tests::smallint[]
        from unnest(
            \(tallies.map(\.id.uuid))::uuid[], \(tallies.map(\.failures))::bigint[], \(tallies.map(\.sketchText))::text[]
        ) as u (id, failures, tests)
        on conflict on constraint signature_hours_pkey do update set failures = h.failures + excluded.failures, tests = (
            select array_agg(m.entry order by m.entry) from (
                select max(e.entry) as entry from unnest(h.tests || excluded.tests) as e (entry) group by e.entry >> 5
            ) m)
        """
    }

    func branches(_ tallies: [SignatureTally], _ batch: FailureBatch, _ scope: ProjectScope) -> SQL {
        """
        insert into signature_branches as b (tenant_id, project_id, signature_id, branch, failures, last_at)
        select \(scope.tenant), \(scope.project), u.id, \(batch.branch), u.failures, \(batch.startedAt)
        from unnest(\(tallies.map(\.id.uuid))::uuid[], \(tallies.map(\.failures))::bigint[]) as u (id, failures)
        on conflict on constraint signature_branches_pkey do update set
            failures = b.failures + excluded.failures, last_at = greatest(b.last_at, excluded.last_at)
        """
    }
}

extension SignatureTally {
    /// A failure says whose its test is.
    var namesOwners: Bool { tests.values.contains { !$0.owners.isEmpty } }

    /// Its tests as a sketch, written as PostgreSQL writes arrays: rows have sketches of different lengths.
    fileprivate var sketchText: String { "{" + DistinctSketch.entries(of: tests.keys.map(\.uuid)).map(String.init).joined(separator: ",") + "}" }
}
