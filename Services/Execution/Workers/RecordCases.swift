import Audit
import Foundation
import Postgres
import Primitives

/// Writes down what was executed: results, the run's numbers, and with the last case the run's end, in one transaction.
///
/// Exactly once: a case leaves `run_cases` in the transaction that writes its result, and only whoever holds its latest lease can take it out.
struct RecordCases: Sendable {
    let database: Database
    let cases: CaseStore
    let runs: RunStore
    let results: ResultStore
    let tags: TagStore

    /// - Parameter finished: of one tenant, at most a few hundred.
    /// - Returns: how many were refused because their lease belongs to somebody else by now.
    func record(_ finished: [FinishedCase], tenant: ID<Tenant>) async throws -> Int {
        let writable = try finished.map { try WritableCase($0) }
        return try await database.transaction(.tenant(tenant)) { tx in
            let settled = try await cases.settle(finished.map(\.claimed.fence), tenant: tenant, in: tx)
            let accepted = writable.filter { settled.contains($0.finished.claimed.fence) }
            // In the order of their ids, so that two workers that write to the same runs do not wait for each other in a circle.
            let byRun = Dictionary(grouping: accepted, by: \.finished.claimed.run).sorted { $0.key < $1.key }
            for (run, cases) in byRun { try await write(cases, of: run, tenant: tenant, in: tx) }
            return finished.count - accepted.count
        }
    }

    /// The first case of a run is under way.
    func begin(_ id: ID<Run>, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            try await begin(id, tenant: tenant, in: tx)
        }
    }

    /// Drops what waits of a run. What is under way will be recorded, and the last of it ends the run.
    /// - Parameter key: the idempotency key; the same one again gives the run as it is.
    /// - Throws: `run.not_found`, `runs.already_finished` (also when it has been told to end before).
    func end(
        _ id: ID<Run>, early end: Run.EarlyEnd, key: String? = nil, tenant: ID<Tenant>, check: (Run) throws -> Void = { _ in }
    ) async throws -> Run {
        try await database.transaction(.tenant(tenant)) { tx in
            let (run, _) = try await runs.lock(id, tenant: tenant, in: tx)
            try check(run)
            if try await runs.isEnded(id, by: key, tenant: tenant, in: tx) {
                AuditedCall.changedNothing()
                return run
            }
            try await tx.audit(id, project: run.project)
            guard run.kind == .suite else { return try await runs.finish(id, early: end, tenant: tenant, in: tx) }
            guard let suiteName = try await cases.end(id, early: end, tenant: tenant, in: tx) else { throw Fault.alreadyFinished(id) }
            let dropped = try await cases.drop(id, tenant: tenant, in: tx)
            var batch = ResultBatch()
            var delta = RunDelta()
            var tests = TestIdentities(project: run.project)
            for dropped in dropped {
                let found = ReportedCase(suiteName: suiteName, name: dropped.name, outcome: .skipped, texts: CaseVerdict.dropped(end).texts)
                let test = tests.id(suite: suiteName, className: "", name: dropped.name)
                batch.append(found, id: .new(), test: test, caseID: dropped.id, attempt: dropped.attempt)
                delta.settle(.skipped, microseconds: 0)
            }
            try await results.insert(batch, run: id, project: run.project, tenant: tenant, in: tx)
            let changed = try await runs.apply(delta, to: id, tenant: tenant, in: tx)
            try await index(batch, of: changed, tenant: tenant, in: tx)
            guard changed.counts.pending == 0 else { return changed }
            _ = try await cases.close(id, tenant: tenant, in: tx)
            return try await runs.finish(id, early: end, tenant: tenant, in: tx)
        }
    }

    private func write(_ accepted: [WritableCase], of id: ID<Run>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        var batch = ResultBatch()
        var delta = RunDelta()
        var tests = TestIdentities(project: accepted[0].finished.claimed.project)
        for writable in accepted {
            let (finished, claimed) = (writable.finished, writable.finished.claimed)
            let found = ReportedCase(
                suiteName: claimed.suiteName, name: claimed.name, microseconds: finished.microseconds, startedAt: finished.startedAt,
                outcome: finished.verdict.outcome, texts: finished.verdict.texts)
            let test = tests.id(suite: claimed.suiteName, className: "", name: claimed.name)
            batch.append(found, id: .new(), test: test, caseID: claimed.id, attempt: claimed.attempt, exchange: writable.exchange)
            delta.settle(finished.verdict.outcome, microseconds: finished.microseconds)
        }
        try await results.insert(batch, run: id, project: accepted[0].finished.claimed.project, tenant: tenant, in: tx)
        let run = try await runs.apply(delta, to: id, tenant: tenant, in: tx)
        try await index(batch, of: run, tenant: tenant, in: tx)
        // Where the claim's own note of the beginning was lost.
        if run.state == .queued { try await begin(id, tenant: tenant, in: tx) }
        guard run.counts.pending == 0 else { return }
        let end = try await cases.close(id, tenant: tenant, in: tx)
        try await runs.finish(id, early: end, tenant: tenant, in: tx)
    }

    /// Cases are recorded a few at a time, so each is a row of the index by itself.
    private func index(_ batch: ResultBatch, of run: Run, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let index = TagIndex(project: run.project, ofAll: Tag.ofAll(tags: run.tags, branch: run.branch, environment: run.environment))
        try await tags.insert(TagSegments(index, each: batch), run: run.id, tenant: tenant, in: tx)
        try await tags.insert(index.offered, project: run.project, tenant: tenant, in: tx)
    }

    private func begin(_ id: ID<Run>, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let (run, now) = try await runs.lock(id, tenant: tenant, in: tx)
        guard run.state == .queued else { return }
        try await runs.save(run.started(at: now), tenant: tenant, in: tx)
    }
}

/// A finished case with its exchange as the column takes it, made before the transaction so that a retry does not make it again.
private struct WritableCase {
    let finished: FinishedCase
    let exchange: JSONText?

    init(_ finished: FinishedCase) throws {
        self.finished = finished
        exchange = try finished.verdict.exchange.map { try JSONText(encoding: $0) }
    }
}

extension CaseVerdict {
    fileprivate var texts: ResultTexts? {
        message.isEmpty && type.isEmpty ? nil : ResultTexts(message: message, type: type)
    }
}
