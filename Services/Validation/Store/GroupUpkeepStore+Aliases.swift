import Jobs
import Postgres
import Primitives

/// Tests that are one, and are counted as two all the same: a replica of an earlier release, which knows no aliases, filed failures of one, or a job
/// that joined them failed for good.
extension GroupUpkeepStore {
    /// Aliases that are joined after one look.
    static let maxRejoined = 200

    private var jobs: JobQueue { JobQueue(database: database) }

    /// Leaves the jobs that join them.
    /// - Returns: how many tests they join.
    func rejoin(_ scope: ProjectScope) async throws -> Int {
        try await database.transaction(.tenant(scope.tenant)) { tx in
            try await scope.lock(in: tx)
            let found = try await AliasStore().unjoined(limit: Self.maxRejoined, scope, in: tx)
            for alias in found {
                try await jobs.enqueue(
                    JoinTests.Payload(project: scope.project, alias: alias.alias, episode: alias.episode, place: nil), tenant: scope.tenant,
                    key: alias.alias.description, in: tx)
            }
            return found.count
        }
    }
}
