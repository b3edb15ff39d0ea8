import Foundation
import Jobs
import Postgres
import Primitives

/// What people say was the environment, for whoever keeps what tests did.
extension VerdictStore {
    struct EnvironmentWord: Sendable, Equatable {
        let result: ID<Result>
        /// `false`: the latest word is another, or the failure was given back.
        let isEnvironment: Bool
        let version: Int64
        let decidedAt: Date
    }

    /// Leaves the job that passes it on, in the transaction that writes the words down: one for all of them, and none without any. It has no key, since a
    /// word that is said while the job runs is to be told as well.
    /// - Parameter results: of which people say or said so until now, of trusted runs.
    func publish(_ results: [ID<Result>], _ scope: ProjectScope, in tx: Transaction) async throws {
        guard !results.isEmpty else { return }
        let payload = PublishFailureVerdicts.Payload(project: scope.project, results: results)
        try await JobQueue(database: database).enqueue(payload, tenant: scope.tenant, in: tx)
    }

    /// What holds of failures of which people have said something.
    func environmentWords(on results: [ID<Result>], tenant: ID<Tenant>) async throws -> [EnvironmentWord] {
        try await database.rows(
            .tenant(tenant),
            """
            select v.result_id, coalesce(v.category = \(Category.environment.rawValue), false) as is_environment, v.version, v.decided_at
            from unnest(\(results)::uuid[]) as u (id)
            join failures f on f.tenant_id = \(tenant) and f.result_id = u.id
            join failure_verdicts v on v.tenant_id = f.tenant_id and v.result_id = f.result_id and v.version = f.verdict_version
            order by v.result_id
            """
        ) { row in
            EnvironmentWord(
                result: try row.value("result_id"), isEnvironment: try row.value("is_environment"), version: try row.value("version"),
                decidedAt: try row.value("decided_at"))
        }
    }
}
