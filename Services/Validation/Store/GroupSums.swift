import Foundation
import Postgres
import Primitives

/// All SQL that keeps the rows of groups up: sums over the rows of their signatures.
struct GroupSums: Sendable {
    /// Makes the rows of these groups again. Those that have no signatures any more are gone.
    /// - Parameters:
    ///   - recount: those in which the tests may have changed: counting them costs more than all the rest.
    ///   - owned: those of whose tests it was said whose they are. Unless they are counted now, they are when the project's groups are next looked
    ///     through.
    ///   - descriptions: of those that are new or whose signatures have changed.
    func update(
        _ groups: Set<SignatureID>, recount: Set<SignatureID>, owned: Set<SignatureID> = [], descriptions: [SignatureID: GroupDescription],
        _ scope: ProjectScope, in tx: Transaction
    ) async throws {
        guard !groups.isEmpty else { return }
        let measure = try await measure(groups, scope, in: tx)
        try await correct(measure.corrections, scope, in: tx)
        let proofs = measure.proofs.map { (group: $0.key.uuid, since: $0.value.contradiction.since, sighting: $0.value.contradiction.sighting) }
        let tests = try await countTests(recount, scope, in: tx)
        let there = measure.evidence.keys.sorted()
        let facts = there.compactMap { measure.evidence[$0] }
        let described = there.map { descriptions[$0] }
        let owners = there.map { tests[$0]?.owners.joined(separator: "\n") }
        let areStale: [Bool?] = there.map { recount.contains($0) ? false : owned.contains($0) ? true : nil }
        // Of what stands in a common table the planner guesses one row, and would go through all of the others for each.
        try await tx.pipeline([
            "select set_config('enable_nestloop', 'off', true)",
            """
            with members as (
                select s.* from failure_signatures s
                where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.group_id = any(\(there.map(\.uuid)))
            ),
            firsts as (select distinct on (group_id) * from members order by group_id, first_at, first_result),
            lasts as (select distinct on (group_id) * from members order by group_id, last_at desc, last_result desc),
            resolutions as (select distinct on (group_id) * from members where resolved_at is not null order by group_id, resolved_at desc, signature_id),
            -- The latest words of people. Together, since of more than eight tables PostgreSQL plans no order (`join_collapse_limit`).
            said as (
                select group_id, (array_agg(owner order by owned_at desc, signature_id) filter (where owned_at is not null))[1] as owner,
                    (array_agg(verdict_category order by verdict_at desc, verdict_result desc) filter (where verdict_at is not null))[1] as category,
                    (array_agg(verdict_severity order by verdict_at desc, verdict_result desc) filter (where verdict_at is not null))[1] as severity
                from members where owned_at is not null or verdict_at is not null
                group by group_id),
            -- What contradicts resolutions: a failure of a resolved signature, or another signature that appeared later. One of each group already.
            regressions as (
                select * from unnest(
                    \(proofs.map(\.group))::uuid[], \(proofs.map(\.sighting.at))::timestamptz[], \(proofs.map(\.sighting.result))::uuid[],
                    \(proofs.map(\.sighting.run))::uuid[], \(proofs.map(\.sighting.branch))::text[], \(proofs.map(\.sighting.commit))::text[],
                    \(proofs.map(\.sighting.environment))::text[], \(proofs.map(\.since))::timestamptz[]
                ) as u (group_id, at, result, run, branch, commit, environment, since)
            ),
            known as materialized (
                select group_id, template, error_type, location, tests, proposed_owners, has_stale_owners from failure_groups
                where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = any(\(there.map(\.uuid)))
            ),
            sums as (select group_id, sum(failures)::bigint as failures, count(*) as signatures from members group by group_id),
            given as (
                select * from unnest(
                    \(there.map(\.uuid))::uuid[], \(facts.map { GroupStanding($0).state.rawValue })::text[],
                    \(described.map { $0?.template })::text[], \(described.map { $0?.errorType })::text[], \(described.map { $0?.location })::text[],
                    \(there.map { tests[$0]?.count })::bigint[], \(facts.map(\.isRecurring))::boolean[], \(facts.map(\.hasRegressed))::boolean[],
                    \(facts.map(\.openSignatures))::bigint[], \(facts.map(\.newestOpenAt))::timestamptz[],
                    \(facts.map(\.otherWordsAt))::timestamptz[], \(owners)::text[], \(areStale)::boolean[]
                ) as u (group_id, state, template, error_type, location, tests, is_recurring, is_contradicted, open_signatures, newest_open_at,
                        other_words_at, owners, are_stale)
            )
            insert into failure_groups as g (
                tenant_id, project_id, group_id, state, template, error_type, location, category, severity, failures, tests, signatures,
                first_at, first_result, first_run, first_branch, first_commit, first_environment,
                last_at, last_result, last_run, last_branch, last_commit, last_environment, sample,
                resolved_at, resolved_by, resolved_branch, resolved_commit, absent_runs, absent_days, absent_runs_needed, absent_days_needed,
                absent_elsewhere, other_words_at,
                regressed_at, regressed_result, regressed_run, regressed_branch, regressed_commit, regressed_environment, regressed_since, owner,
                judged_category, judged_severity, state_edition, is_recurring, is_contradicted, open_signatures, newest_open_at, proposed_owners,
                has_stale_owners)
            select \(scope.tenant), \(scope.project), u.group_id, u.state, coalesce(u.template, k.template, f.text),
                coalesce(u.error_type, k.error_type, ''), coalesce(u.location, k.location, ''), coalesce(o.category, l.category),
                coalesce(o.severity, l.severity), s.failures,
                coalesce(u.tests, k.tests, 0), s.signatures,
                f.first_at, f.first_result, f.first_run, f.first_branch, f.first_commit, f.first_environment,
                l.last_at, l.last_result, l.last_run, l.last_branch, l.last_commit, l.last_environment, l.sample,
                r.resolved_at, r.resolved_by, r.resolved_branch, r.resolved_commit, r.absent_runs, r.absent_days, r.absent_runs_needed,
                r.absent_days_needed, r.absent_elsewhere, u.other_words_at,
                p.at, p.result, p.run, p.branch, p.commit, p.environment, p.since, coalesce(o.owner, ''),
                case when o.category is not null then l.category end, case when o.category is not null then l.severity end,
                \(LifeCycle.current.number), u.is_recurring, u.is_contradicted, u.open_signatures, u.newest_open_at,
                coalesce(string_to_array(u.owners, chr(10)), k.proposed_owners, '{}'), coalesce(u.are_stale, k.has_stale_owners, false)
            from given u
            join sums s on s.group_id = u.group_id join firsts f on f.group_id = u.group_id join lasts l on l.group_id = u.group_id
            left join resolutions r on r.group_id = u.group_id
            left join regressions p on p.group_id = u.group_id and u.state = 'regressed'
            left join said o on o.group_id = u.group_id
            left join known k on k.group_id = u.group_id
            on conflict on constraint failure_groups_pkey do update set
                state = excluded.state, template = excluded.template, error_type = excluded.error_type, location = excluded.location,
                category = excluded.category, severity = excluded.severity, failures = excluded.failures, tests = excluded.tests,
                signatures = excluded.signatures,
                first_at = excluded.first_at, first_result = excluded.first_result, first_run = excluded.first_run,
                first_branch = excluded.first_branch, first_commit = excluded.first_commit, first_environment = excluded.first_environment,
                last_at = excluded.last_at, last_result = excluded.last_result, last_run = excluded.last_run, last_branch = excluded.last_branch,
                last_commit = excluded.last_commit, last_environment = excluded.last_environment, sample = excluded.sample,
                resolved_at = excluded.resolved_at, resolved_by = excluded.resolved_by, resolved_branch = excluded.resolved_branch,
                resolved_commit = excluded.resolved_commit, absent_runs = excluded.absent_runs, absent_days = excluded.absent_days,
                absent_runs_needed = excluded.absent_runs_needed, absent_days_needed = excluded.absent_days_needed,
                absent_elsewhere = excluded.absent_elsewhere, other_words_at = excluded.other_words_at,
                regressed_at = excluded.regressed_at, regressed_result = excluded.regressed_result,
                regressed_run = excluded.regressed_run, regressed_branch = excluded.regressed_branch,
                regressed_commit = excluded.regressed_commit, regressed_environment = excluded.regressed_environment,
                regressed_since = excluded.regressed_since, owner = excluded.owner,
                judged_category = excluded.judged_category, judged_severity = excluded.judged_severity,
                state_edition = excluded.state_edition, is_recurring = excluded.is_recurring, is_contradicted = excluded.is_contradicted,
                open_signatures = excluded.open_signatures, newest_open_at = excluded.newest_open_at,
                proposed_owners = excluded.proposed_owners, has_stale_owners = excluded.has_stale_owners
            """,
            "select set_config('enable_nestloop', 'on', true)",
        ])
        let gone = groups.subtracting(there)
        guard !gone.isEmpty else { return }
        try await tx.execute(
            """
            delete from failure_groups
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = any(\(gone.map(\.uuid)))
            """)
    }

    /// Sums alone: `measure` adds what of open signatures contradicts a resolution, and asks again whether what did still does.
    func sum(_ groups: Set<SignatureID>, _ scope: ProjectScope, in tx: Transaction) async throws -> [SignatureID: GroupEvidence] {
        let rows = try await tx.rows(
            """
            select group_id, bool_or(is_recurring) or count(distinct first_run) > 1 as is_recurring, max(resolved_at) as resolved_at,
                coalesce((array_agg(resolved_by order by resolved_at desc, signature_id) filter (where resolved_at is not null))[1] = '', false)
                    as is_absence,
                bool_or(regressed_at is not null) as has_regressed, count(*) filter (where resolved_at is null) as open,
                max(first_at) filter (where resolved_at is null) as newest_open_at
            from failure_signatures
            where tenant_id = \(scope.tenant) and project_id = \(scope.project) and group_id = any(\(groups.map(\.uuid)))
            group by group_id
            """
        ) { row in
            (
                try row.signature("group_id"),
                GroupEvidence(
                    isRecurring: try row.value("is_recurring"), resolvedAt: try row.value("resolved_at"),
                    isAbsence: try row.value("is_absence"), hasRegressed: try row.value("has_regressed"), openSignatures: try row.value("open"),
                    newestOpenAt: try row.value("newest_open_at"))
            )
        }
        return Dictionary(rows) { first, _ in first }
    }

    private struct Tests {
        let count: Int64
        /// Whose most of them are, up to `FailureGroup.maxProposedOwners`.
        let owners: [String]
    }

    private func countTests(_ groups: Set<SignatureID>, _ scope: ProjectScope, in tx: Transaction) async throws -> [SignatureID: Tests] {
        guard !groups.isEmpty else { return [:] }
        let rows = try await tx.rows(
            """
            with tests as (
                select distinct on (s.group_id, t.test_id) s.group_id, t.owners
                from failure_signatures s
                join signature_tests t on t.tenant_id = s.tenant_id and t.project_id = s.project_id and t.signature_id = s.signature_id
                where s.tenant_id = \(scope.tenant) and s.project_id = \(scope.project) and s.group_id = any(\(groups.map(\.uuid)))
                order by s.group_id, t.test_id, t.owners_at desc nulls last, t.owners desc
            ),
            proposed as (
                select group_id, array_agg(owner order by place) as owners
                from (
                    select t.group_id, o.owner, row_number() over (partition by t.group_id order by count(*) desc, o.owner) as place
                    from tests t, unnest(t.owners) as o (owner)
                    group by t.group_id, o.owner
                ) r
                where place <= \(FailureGroup.maxProposedOwners)
                group by group_id
            )
            select c.group_id, c.tests, coalesce(p.owners, '{}') as owners
            from (select group_id, count(*) as tests from tests group by group_id) c
            left join proposed p on p.group_id = c.group_id
            """
        ) { (try $0.signature("group_id"), Tests(count: try $0.value("tests"), owners: try $0.value("owners"))) }
        return Dictionary(rows) { first, _ in first }
    }
}
