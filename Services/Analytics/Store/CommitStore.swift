import Foundation
import Postgres
import Primitives

/// All SQL about when commits first ran.
struct CommitStore: Sendable {
    let database: Database

    /// Of one day and branch.
    static let most = 5

    /// What is new of the commits of some batches; one that is known is only read. In a transaction that holds the project's lock.
    static func writing(_ batches: [FactBatch], project: ID<Project>, tenant: ID<Tenant>) -> [SQL] {
        var first: [SeenCommit.Key: Date] = [:]
        for batch in batches where !batch.commit.isEmpty {
            let key = SeenCommit.Key(branch: String(batch.branch.prefix(RollupKey.mostCharacters)), commit: batch.commit)
            first[key] = min(first[key] ?? .distantFuture, batch.startedAt)
        }
        guard !first.isEmpty else { return [] }
        let (keys, times) = (Array(first.keys), Array(first.values))
        return [
            """
            insert into project_commits as c (tenant_id, project_id, branch, commit_sha, first_at)
            select \(tenant), \(project), u.branch, u.commit_sha, u.first_at
            from unnest(\(keys.map(\.branch))::text[], \(keys.map(\.commit))::text[], \(times)::timestamptz[]) as u (branch, commit_sha, first_at)
            where not exists (
                select from project_commits k where k.tenant_id = \(tenant) and k.project_id = \(project) and k.branch = u.branch
                    and k.commit_sha = u.commit_sha and k.first_at <= u.first_at)
            on conflict on constraint project_commits_pkey do update set first_at = least(c.first_at, excluded.first_at)
            """
        ]
    }

    /// Those that were first seen on a branch on one day (UTC), oldest first.
    func list(firstSeenOn day: String, branch: String, project: ID<Project>, tenant: ID<Tenant>) async throws -> [SeenCommit] {
        try await database.rows(
            .tenant(tenant),
            """
            select branch, commit_sha, first_at from project_commits
            where tenant_id = \(tenant) and project_id = \(project) and branch = \(branch)
              and first_at >= \(day)::date::timestamp at time zone 'UTC' and first_at < (\(day)::date + 1)::timestamp at time zone 'UTC'
            order by first_at, commit_sha
            limit \(Self.most)
            """
        ) { SeenCommit(key: .init(branch: try $0.value("branch"), commit: try $0.value("commit_sha")), firstAt: try $0.value("first_at")) }
    }

    /// As long as rollups are kept, since changes are found in these.
    func sweep(atOnce most: Int = 10_000) async throws {
        try await database.sweep(
            "project_commits", where: "first_at < now() - make_interval(days => \(Int32(RollupStore.retention)))", atOnce: most)
    }
}

/// A commit on a branch, and when it first ran there.
struct SeenCommit: Sendable, Equatable {
    struct Key: Sendable, Hashable {
        let branch: String
        let commit: String
    }

    let key: Key
    let firstAt: Date
}
