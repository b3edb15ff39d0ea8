import Foundation
import Postgres
import Primitives

/// All SQL about what changed from a baseline on, but for the comparison of two runs.
struct RegressionStore: Sendable {
    /// Runs of a branch that are looked through for suspects, the newest.
    static let mostRuns = 5_000
    /// That a suspect has waited in a queue before it began. What is uploaded has begun before it came.
    static let longestWait: TimeInterval = 3600

    let database: Database
    let comparisons: ComparisonStore

    func counts(_ run: RunSpan, against base: RunSpan, by names: TestNames = .current, tenant: ID<Tenant>) async throws -> RegressionCounts {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            \(fragment: ComparisonStore.differences(run, base, by: names, tenant))
            select d.kind, coalesce(d.base_outcome, 0::smallint) as base_outcome, count(*) as n from differences d
            where d.kind > 0 group by d.kind, d.base_outcome
            """
        ) { row in
            (
                kind: try row.value("kind", as: Int16.self), base: Outcome(rawValue: try row.value("base_outcome", as: Int16.self)),
                count: try row.value("n", as: Int.self)
            )
        }
        var counts = RegressionCounts()
        for row in rows {
            switch (TestDifference.Kind(rawValue: row.kind), row.base) {
            case (.newFailure, nil): counts.added += row.count
            case (.newFailure, .skipped): counts.unskipped += row.count
            case (.newFailure, _): counts.regressed += row.count
            case (.stillFailing, _): counts.stillFailing += row.count
            case (.fixed, _): counts.fixed += row.count
            case (.removed, _): counts.removed += row.count
            case (.added, _), (.slower, _), (nil, _): break
            }
        }
        return counts
    }

    /// What fails and did not, in the order of the tests' ids.
    /// - Parameter limit: 1,000 at most.
    func differences(
        _ run: RunSpan, against base: RunSpan, after cursor: String = "", limit: Int = AssessmentCounts.most, by names: TestNames = .current,
        tenant: ID<Tenant>
    ) async throws -> Page<TestDifference> {
        try await comparisons.list(
            run, against: base, kinds: [.newFailure], PageRequest(limit: limit, cursor: cursor, most: AssessmentCounts.most), by: names,
            tenant: tenant)
    }

    /// Whether a test fails and did not.
    func isRegression(_ test: ID<TestIdentity>, in run: RunSpan, against base: RunSpan, tenant: ID<Tenant>) async throws -> Bool {
        let kind = TestDifference.Kind.newFailure.rawValue
        return try await database.lookUp(
            .tenant(tenant),
            """
            \(fragment: ComparisonStore.differences(run, base, tenant))
            select d.test_id from differences d where d.test_id = \(test) and d.kind = \(kind)
            """
        ) { try $0.value("test_id", as: ID<TestIdentity>.self) } != nil
    }

    /// When a run began, which is what Analytics orders a test's executions by: a run that came before another one may have begun after it.
    private static let start: SQL = "coalesce(started_at, created_at)"

    /// Commits of a branch in the order in which they were first run, after one run began and until another did; the newest ones when there are many.
    ///
    /// Runs are found by when they came (`runs_project_id_created_at_index`), which is not further from their beginning than a run waits or a report
    /// claims, and then held against when they began. An index by that would have to be written with every change of a run.
    func commits(after good: ID<Run>, upTo bad: ID<Run>, branch: String, project: ID<Project>, tenant: ID<Tenant>) async throws -> [String] {
        try await database.rows(
            .tenant(tenant),
            """
            with bounds as (
                select (select \(fragment: Self.start) from runs where tenant_id = \(tenant) and id = \(good)) as after,
                    (select \(fragment: Self.start) from runs where tenant_id = \(tenant) and id = \(bad)) as until
            )
            select commit_sha from (
                select n.commit_sha, min(n.began_at) as first_at from (
                    select r.commit_sha, \(fragment: Self.start) as began_at from runs r, bounds b
                    where r.tenant_id = \(tenant) and r.project_id = \(project)
                      and r.created_at > b.after - make_interval(secs => \(Self.longestWait))
                      and r.created_at <= b.until + make_interval(secs => \(ReportTime.tolerance))
                      and \(fragment: Self.start) > b.after and \(fragment: Self.start) <= b.until
                      and r.branch = \(branch) and r.lane = 'trusted' and r.commit_sha <> ''
                    order by r.created_at desc
                    limit \(Self.mostRuns)
                ) n
                group by n.commit_sha
                order by first_at desc
                limit \(Suspects.most + 1)
            ) c
            order by first_at
            """
        ) { try $0.value("commit_sha", as: String.self) }
    }

    /// The newest finished run of a branch and environment that began after another one.
    ///
    /// Which one came last is read off the index. Whatever began after that one did has come since it began, but for what `ReportTime.tolerance`
    /// allows: nothing further back is read, however old the baseline is.
    func newest(after base: Run, branch: String, environment: String, tenant: ID<Tenant>) async throws -> ID<Run>? {
        let began = base.startedAt ?? base.createdAt
        let filters: SQL =
            """
            tenant_id = \(tenant) and project_id = \(base.project) and created_at > \(began - ReportTime.tolerance) and id <> \(base.id)
                and \(fragment: Self.start) > \(began) and branch = \(branch) and environment = \(environment) and lane = 'trusted'
                and state in ('passed', 'failed', 'error')
            """
        return try await database.lookUp(
            .tenant(tenant),
            """
            with line as materialized (
                select \(fragment: Self.start) as began_at from runs
                where \(fragment: filters)
                order by created_at desc
                limit 1
            )
            select id from runs
            where \(fragment: filters) and created_at > (select began_at from line) - make_interval(secs => \(ReportTime.tolerance))
            order by \(fragment: Self.start) desc, created_at desc, id desc
            limit 1
            """
        ) { try $0.value("id", as: ID<Run>.self) }
    }
}
