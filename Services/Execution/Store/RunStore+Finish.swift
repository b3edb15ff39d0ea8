import Foundation
import Jobs
import Postgres
import Primitives

extension RunStore {
    /// Ends a run and puts into the outbox what others have to hear of it, in the caller's transaction.
    /// - Throws: `run.not_found`, `runs.already_finished`, `runs.pending_cases`.
    @discardableResult
    func finish(_ id: ID<Run>, early end: Run.EarlyEnd? = nil, tenant: ID<Tenant>, in tx: Transaction) async throws -> Run {
        let (run, now) = try await lock(id, tenant: tenant, in: tx)
        let finished = if let end { try run.ended(early: end, at: now) } else { try run.finished(at: now) }
        try await save(finished, tenant: tenant, in: tx)
        try await announce(finished, tenant: tenant, in: tx)
        return finished
    }

    /// Whether the request with this idempotency key has ended the locked run before; notes that it does so now where it has not.
    func isEnded(_ id: ID<Run>, by key: String?, tenant: ID<Tenant>, in tx: Transaction) async throws -> Bool {
        guard let key else { return false }
        return try await tx.execute(
            "update runs set end_key = \(key) where tenant_id = \(tenant) and id = \(id) and end_key is distinct from \(key)") == 0
    }

    /// The same for a run that is already finished when it is inserted, as an upload without a key is.
    func announce(_ run: Run, tenant: ID<Tenant>, in tx: Transaction) async throws {
        // The past is counted, but nobody has to act on it: it is not judged, and rings no bell.
        guard run.importedAt == nil else { return try await publish(run, to: .analytics, tenant: tenant, in: tx) }
        switch run.kind {
        case .suite:
            // The results of a suite are published when it ends, as one batch; CompleteRun follows the batch of failures.
            for receiver in [PublishBatch.Receiver.analytics, .validation] {
                try await enqueue(PublishBatch.Payload(run: run.id, upload: nil, receiver: receiver), tenant: tenant, in: tx)
            }
        case .upload:
            // Uploads that are still on their way to Validation bring CompleteRun behind them (see `markJudged`).
            if try await !hasUnjudgedUploads(run.id, tenant: tenant, in: tx) { try await publish(run, to: .validation, tenant: tenant, in: tx) }
        }
        try await publish(run, to: .analytics, tenant: tenant, in: tx)
        // Strangers must not be able to ring anybody's bell.
        if run.lane == .trusted { try await publish(run, to: .notifications, tenant: tenant, in: tx) }
    }

    /// Validation has the failures of an upload, or of a whole suite when `upload` is nil. When that was the last thing it waited for, it hears that
    /// the run is complete. Locking the run keeps this and `finish` from each leaving it to the other.
    func markJudged(_ upload: ID<Upload>?, of id: ID<Run>, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let (run, _) = try await lock(id, tenant: tenant, in: tx)
            if let upload {
                try await tx.execute("update uploads set judged_at = now() where tenant_id = \(tenant) and id = \(upload) and judged_at is null")
            }
            guard run.state.isFinal, try await !hasUnjudgedUploads(id, tenant: tenant, in: tx) else { return }
            try await publish(run, to: .validation, tenant: tenant, in: tx)
        }
    }

    private func hasUnjudgedUploads(_ run: ID<Run>, tenant: ID<Tenant>, in tx: Transaction) async throws -> Bool {
        try await tx.one(
            "select exists (select from uploads where tenant_id = \(tenant) and run_id = \(run) and judged_at is null) as found"
        ) { try $0.value("found") }
    }

    private func publish(_ run: Run, to receiver: PublishRun.Receiver, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let payload = PublishRun.Payload(run: run.id, version: run.version, receiver: receiver)
        try await jobs.enqueue(payload, tenant: tenant, key: "\(run.id)/\(receiver.rawValue)/\(run.version)", in: tx)
    }

    private func enqueue(_ payload: PublishBatch.Payload, tenant: ID<Tenant>, in tx: Transaction) async throws {
        try await jobs.enqueue(payload, tenant: tenant, key: payload.key, in: tx)
    }
}
