import Foundation
import Postgres
import Primitives

/// All SQL about what was tried again and what might be.
struct RetryStore: Sendable {
    let database: Database

    /// What a build has uploaded so far, as far as it fails.
    struct Failing: Sendable {
        /// Tests that fail and have passed in no later try.
        var tests = 0
        var passedAgain = 0
        /// The first `RetryDecision.mostDecided` of them by id, without what others know.
        var candidates: [RetryCandidate] = []
    }

    /// Ids of the failing results of a run that a later try has answered: it had the test, and all of its results passed or were skipped, one at least passed.
    static func answered(_ run: ID<Run>, tenant: ID<Tenant>) -> SQL {
        """
        select f.id from uploads t
        join uploads u on u.tenant_id = t.tenant_id and u.id = any(t.retry_of)
        join results f on f.tenant_id = t.tenant_id and f.run_id = t.run_id and f.id between u.first_result_id and u.last_result_id
            and f.recorded_at = u.created_at and f.outcome in (2, 3)
        cross join lateral (
            select bool_or(p.outcome = 1) and not bool_or(p.outcome in (2, 3)) as has_passed from results p
            where p.tenant_id = t.tenant_id and p.run_id = t.run_id and p.id between t.first_result_id and t.last_result_id
              and p.recorded_at = t.created_at and p.test_id = f.test_id
        ) a
        where t.tenant_id = \(tenant) and t.run_id = \(run) and t.retry_of is not null and a.has_passed
        """
    }

    /// How often the tests of uploads were executed when these are tried again: which try the next upload is.
    /// - Throws: `upload.retry_mismatch` when one of them is none of the run.
    func attempt(after uploads: [ID<Upload>], of run: ID<Run>, tenant: ID<Tenant>) async throws -> Int {
        let found = try await database.one(
            .tenant(tenant),
            """
            select count(*) as count, coalesce(max(attempt), 0)::bigint as attempt from uploads
            where tenant_id = \(tenant) and run_id = \(run) and id = any(\(uploads.map(\.uuid)))
            """
        ) { (count: try $0.value("count", as: Int.self), attempt: try $0.value("attempt", as: Int.self)) }
        guard found.count == uploads.count else { throw Fault.retryMismatch }
        return found.attempt + 1
    }

    /// The uploads of a run that came last, at most `limit`; none of what was not uploaded.
    func newest(_ limit: Int, of run: ID<Run>, tenant: ID<Tenant>) async throws -> [ID<Upload>] {
        // Ids are in the order of their time.
        try await database.rows(
            .tenant(tenant), "select id from uploads where tenant_id = \(tenant) and run_id = \(run) order by id desc limit \(limit)"
        ) { try $0.value("id", as: ID<Upload>.self) }
    }

    /// - Throws: `upload.not_found` for one that is none of the run.
    /// - Returns: whether all that the uploads held could be read.
    func areWhole(_ uploads: [ID<Upload>], of run: ID<Run>, tenant: ID<Tenant>) async throws -> Bool {
        let known = try await database.rows(
            .tenant(tenant), "select id, rejected from uploads where tenant_id = \(tenant) and run_id = \(run) and id = any(\(uploads.map(\.uuid)))"
        ) { (id: try $0.value("id", as: ID<Upload>.self), rejected: try $0.value("rejected", as: Int64.self)) }
        if let missing = uploads.first(where: { upload in !known.contains { $0.id == upload } }) { throw Fault.notFound("upload", missing) }
        return known.allSatisfy { $0.rejected == 0 }
    }

    func failing(in uploads: [ID<Upload>], of span: RunSpan, tenant: ID<Tenant>) async throws -> Failing {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            with answered as materialized (\(fragment: Self.answered(span.run, tenant: tenant))),
            failing as materialized (
                select coalesce(a.test_id, r.test_id) as test_id, r.id, r.attempt, r.duration_us, r.suite_name, r.class_name, r.name, r.file,
                    r.id not in (select id from answered) as stands
                from uploads u
                join results r on r.tenant_id = u.tenant_id and r.run_id = u.run_id and r.id between u.first_result_id and u.last_result_id
                    and r.recorded_at = u.created_at and r.outcome in (2, 3)
                left join test_aliases a on a.tenant_id = \(tenant) and a.project_id = \(span.project) and a.alias_id = r.test_id
                where u.tenant_id = \(tenant) and u.run_id = \(span.run) and u.id = any(\(uploads.map(\.uuid)))
            ),
            tests as materialized (select test_id, bool_or(stands) as stands from failing group by test_id)
            select f.*, c.standing, c.answered from (
                select count(*) filter (where stands) as standing, count(*) filter (where not stands) as answered from tests
            ) c
            left join (select test_id from tests where stands order by test_id limit \(RetryDecision.mostDecided)) t on true
            left join lateral (
                select * from failing where failing.test_id = t.test_id order by attempt desc, id desc limit \(RetryPolicy.mostAttempts)
            ) f on true
            order by f.test_id, f.attempt, f.id
            """
        ) { try Row(row: $0) }
        var found = Failing(tests: rows.first?.standing ?? 0, passedAgain: rows.first?.answered ?? 0)
        for row in rows {
            guard let candidate = row.candidate else { continue }
            if let last = found.candidates.indices.last, found.candidates[last].test == candidate.test {
                found.candidates[last] = found.candidates[last].failed(again: candidate)
            } else {
                found.candidates.append(candidate)
            }
        }
        return found
    }

    /// A failing result, or what there is when nothing fails.
    private struct Row {
        let standing: Int
        let answered: Int
        let candidate: RetryCandidate?

        init(row: Postgres.Row) throws {
            standing = try row.value("standing")
            answered = try row.value("answered")
            guard let test = try row.value("test_id", as: ID<TestIdentity>?.self) else {
                candidate = nil
                return
            }
            candidate = RetryCandidate(
                test: test, suiteName: try row.value("suite_name"), className: try row.value("class_name"), name: try row.value("name"),
                file: try row.value("file", as: String?.self) ?? "", attempts: Int(try row.value("attempt", as: Int16.self)),
                microseconds: try row.value("duration_us"), failures: [.init(result: try row.value("id"))])
        }
    }

    /// Failing results with the beginnings of their texts.
    func results(_ ids: [ID<TestResult>], in span: RunSpan, textLimit: Int, tenant: ID<Tenant>) async throws -> [TestResult] {
        let limit = Int32(textLimit)
        return try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: ResultStore.columns), left(d.message, \(limit)) as message, left(d.type, \(limit)) as type,
                left(d.trace, \(limit)) as trace, '' as system_out, left(d.system_err, \(limit)) as system_err, d.http
            from unnest(\(ids.map(\.uuid))::uuid[]) as u (id)
            join results r on r.tenant_id = \(tenant) and r.id = u.id and \(fragment: span.condition)
            left join result_details d on d.tenant_id = \(tenant) and d.result_id = r.id and d.recorded_at = r.recorded_at
            """
        ) { try TestResult(row: $0, isWhole: true) }
    }

    /// Microseconds that tries of a project's tests took on the day of `now` (UTC), as far as they count. Each lane has a purse of its own: what
    /// strangers say that their tries took must not keep the project from trying its own. The lane is the run's, one look-up for each upload of tries
    /// of the day.
    func spent(project: ID<Project>, in lane: Lane = .trusted, at now: Date, tenant: ID<Tenant>) async throws -> Int64 {
        let midnight = Date(timeIntervalSince1970: (now.timeIntervalSince1970 / 86_400).rounded(.down) * 86_400)
        return try await database.one(
            .tenant(tenant),
            """
            select coalesce(sum(least(u.retry_us, \(RetryPolicy.mostCounted))), 0)::bigint as spent from uploads u
            join runs r on r.tenant_id = u.tenant_id and r.id = u.run_id and r.lane = \(lane.rawValue)
            where u.tenant_id = \(tenant) and u.project_id = \(project) and u.created_at >= \(midnight) and u.retry_of is not null
            """
        ) { try $0.value("spent") }
    }
}

extension RetryCandidate {
    /// The same test after one more failing execution.
    fileprivate func failed(again later: RetryCandidate) -> RetryCandidate {
        var joined = later
        joined.failures = failures + later.failures
        return joined
    }
}
