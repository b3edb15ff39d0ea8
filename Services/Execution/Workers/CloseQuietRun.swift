import Jobs
import Postgres
import Primitives

/// Finishes a run with a CI key when no shard has come for a while. Every upload enqueues one of these for later; all but the last find that the run
/// has changed since, and do nothing.
struct CloseQuietRun: JobHandler {
    struct Payload: JobPayload {
        static let kind = "close-quiet-run"

        let run: ID<Run>
        /// Of the run after the upload that this counts from.
        let version: Int64
    }

    let runs: RunStore

    func handle(_ payload: Payload, _ job: Job) async throws {
        try await close(payload, tenant: job.tenant)
    }

    func close(_ payload: Payload, tenant: ID<Tenant>) async throws {
        try await runs.database.transaction(.tenant(tenant)) { tx in
            let (run, _) = try await runs.lock(payload.run, tenant: tenant, in: tx)
            guard run.version == payload.version, !run.state.isFinal else { return }
            try await runs.finish(run.id, tenant: tenant, in: tx)
        }
    }
}
