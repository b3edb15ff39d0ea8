import Audit
import Foundation
import Jobs
import Postgres
import Primitives
import ServiceKit

/// Takes an upload from its first byte to the commit: all of it, or nothing.
///
/// A small one is read whole before a connection is asked for. A large one streams: while one batch of rows is being inserted the next is parsed,
/// so at most two are in memory, and the client is slowed down to what the database takes.
struct Ingest: Sendable {
    private var retries: RetryStore { RetryStore(database: database) }

    /// Uploads' own pool; `slots` are its connections.
    let database: Database
    let slots: UploadSlots
    let runs: RunStore
    let results: ResultStore
    let uploads: UploadStore
    let rules: ReadingRulesStore
    let tags: TagStore
    let suites: RunSuiteStore
    let jobs: JobQueue
    /// After this long without a further shard a run with a CI key is finished.
    let quiet: Duration
    var limits = IngestLimits()
    /// How long an upload of few results that came when its organization was behind (`isBehind`) waits for its answer; `perResult` more for each result. It
    /// waits when it is stored, not before it is read: what a failure cuts off would have waited for nothing, and a repetition, which finds it stored, waits
    /// no more.
    var patience = Duration.zero

    private static let perResult = Duration.microseconds(100)
    private static let mostPatience = Duration.seconds(30)
    /// What is left for the answer of what the caller waits at most.
    private static let margin = Duration.seconds(5)
    /// How late Validation and Analytics may be told of an upload: a client that sends faster than they work is slowed down, else what it has sent last
    /// would be counted later and later.
    static let mostDelay = Duration.milliseconds(400)
    /// Those of a large upload, which takes long by itself and is nobody else's reason to wait.
    static let mostLate = PublishBatch.Receiver.allCases.count
    private static let look = Duration.milliseconds(50)

    /// What is known of an upload before its bytes.
    struct Order: Sendable {
        fileprivate(set) var draft: UploadDraft
        let tenant: ID<Tenant>
        let actor: String
        /// The idempotency key.
        let key: String?
        let now: Date
        /// Which try of its build the upload is.
        fileprivate(set) var attempt = 1

        fileprivate func identity(of reader: UploadReader) -> UploadStore.Identity {
            UploadStore.Identity(project: draft.project, content: draft.contentKey(files: reader.files, key: key), key: key)
        }
    }

    /// Rolls the transaction back: somebody else has stored the same upload.
    private struct Duplicate: Error {}

    /// - Parameter parts: what arrives; when it throws, nothing has been stored.
    /// - Throws: what `UploadReader` throws, `upload.busy`, `upload.interrupted`, `idempotency.key_reused`, `upload.retry_mismatch`.
    func receive(_ order: Order, _ parts: inout some AsyncIteratorProtocol<UploadInput, any Error>) async throws -> UploadReceipt {
        var order = order
        let wasBehind = await isBehind(order.tenant)
        let place = CodeOwnersVersion.Place(unchecked: order.draft.commit, order.draft.branch)
        let rules = try await self.rules.rules(of: order.draft.project, at: place, tenant: order.tenant)
        let problems = order.draft.read(rules.fields)
        let draft = order.draft
        let tags =
            draft.lane == .trusted
            ? TagIndex(project: draft.project, ofAll: Tag.ofAll(tags: draft.tags, branch: draft.branch, environment: draft.environment)) : nil
        let run = draft.runID()
        if !draft.retryOf.isEmpty { order.attempt = try await retries.attempt(after: draft.retryOf, of: run, tenant: order.tenant) }
        let reader = UploadReader(
            project: draft.project, format: draft.format, rules: rules, tags: tags, places: ReportedPlaces(tags: draft.tags), limits: limits,
            now: order.now, moment: draft.past?.startedAt, attempt: order.attempt)
        reader.warn("tags.value_invalid", problems)
        let upload = ID<Upload>.new(at: order.now)
        let isWhole = try await read(&parts, into: reader)
        if isWhole { try reader.finish(draft.ended, run: draft.name) }
        do {
            let receipt = try await slots.with {
                var tries = 0
                return try await database.transaction(.tenant(order.tenant)) { tx in
                    tries += 1
                    // What was streamed in the first try is gone.
                    guard tries == 1 || isWhole else { throw Fault.uploadInterrupted }
                    if !isWhole { try await stream(&parts, through: reader, order, upload, run, in: tx) }
                    return try await close(reader, order, upload, run, in: tx)
                }
            }
            if wasBehind { await keepPace(order.tenant, with: receipt.upload.accepted) }
            return receipt
        } catch is Duplicate {
            let identity = order.identity(of: reader)
            guard let first = try await uploads.find(identity, tenant: order.tenant) else { throw Fault.uploadInterrupted }
            AuditedCall.changedNothing()
            return first
        }
    }

    /// Whether uploads of an organization come faster than they are passed on. Asked when one comes: of many that come at once none waits for the rest.
    private func isBehind(_ tenant: ID<Tenant>) async -> Bool {
        guard patience > .zero, let delay = try? await jobs.delay(of: PublishBatch.Payload.self, tenant: tenant, but: Self.mostLate)
        else { return false }
        return delay > Self.mostDelay
    }

    /// Whatever happens here, the upload is stored.
    private func keepPace(_ tenant: ID<Tenant>, with results: Int) async {
        var end = ContinuousClock.now + min(patience + Self.perResult * results, Self.mostPatience)
        if let deadline = CallContext.current?.deadline { end = min(end, deadline - Self.margin) }
        while ContinuousClock.now < end, await isBehind(tenant) {
            guard (try? await Task.sleep(for: Self.look)) != nil else { return }
        }
    }

    /// Reads until a batch is full.
    /// - Returns: `true` at the end of the upload.
    private func read(_ parts: inout some AsyncIteratorProtocol<UploadInput, any Error>, into reader: UploadReader) async throws -> Bool {
        while true {
            while try reader.step() {
                if reader.isFull { return false }
            }
            guard let part = try await parts.next(isolation: #isolation) else { return true }
            try reader.take(part)
        }
    }

    /// Reads the rest, inserting batch after batch.
    private func stream(
        _ parts: inout some AsyncIteratorProtocol<UploadInput, any Error>, through reader: UploadReader, _ order: Order, _ upload: ID<Upload>,
        _ run: ID<Run>, in tx: Transaction
    ) async throws {
        var insertion: Task<Void, any Error>?
        do {
            repeat {
                try await insertion?.value
                let batch = reader.takeBatch()
                insertion = Task { [order] in try await insert(batch, upload, run, order, in: tx) }
            } while try await !read(&parts, into: reader)
            try await insertion?.value
        } catch {
            // The transaction is rolled back next, on the connection that the insertion uses.
            insertion?.cancel()
            _ = await insertion?.result
            throw error
        }
        try reader.finish(order.draft.ended, run: order.draft.name)
    }

    private func insert(_ batch: UploadBatch, _ upload: ID<Upload>, _ run: ID<Run>, _ order: Order, in tx: Transaction) async throws {
        try await results.insert(batch.results, run: run, project: order.draft.project, tenant: order.tenant, in: tx)
        try await suites.insert(batch.suites, from: batch.firstSuite, of: upload, run: run, tenant: order.tenant, in: tx)
        if order.draft.keepsReports { try await uploads.insert(batch.raw, of: upload, tenant: order.tenant, in: tx) }
    }

    /// Everything that is known only at the end. The run comes last: from then on other shards of it wait for this transaction.
    private func close(_ reader: UploadReader, _ order: Order, _ id: ID<Upload>, _ run: ID<Run>, in tx: Transaction) async throws -> UploadReceipt {
        let draft = order.draft
        let tenant = order.tenant
        if let twin = draft.trustedTwin, try await runs.exists(twin, tenant: tenant, in: tx) { throw Fault.laneMismatch(twin) }
        var log = reader.log
        if !draft.keepsReports {
            log.add("upload.not_kept", file: "", line: 0, "the organization's storage is used up: the reports were read, but are not kept")
        }
        let upload = Upload(
            id: id, project: draft.project, run: run, accepted: reader.accepted, rejected: reader.rejected, warnings: log.warnings,
            files: reader.files, createdAt: order.now, codeOwners: reader.codeOwners, attempt: order.attempt, retryOf: draft.retryOf)
        let identity = order.identity(of: reader)
        let troubles = draft.past == nil ? reader.delta.counts.failed + reader.delta.counts.errored : 0
        guard
            try await uploads.insert(
                upload, identity, ids: reader.ids, microseconds: reader.delta.testMicroseconds, places: reader.places, isJudged: troubles == 0,
                tenant: tenant, in: tx)
        else { throw Duplicate() }
        try await insert(reader.batch, id, run, order, in: tx)
        if let index = reader.tags, reader.accepted > 0 {
            try await tags.insert(TagSegments(index, reader.delta.counts, reader.ids), run: run, tenant: tenant, in: tx)
            try await tags.insert(index.offered, project: draft.project, tenant: tenant, in: tx)
        }
        let payloads = (troubles > 0 ? [PublishBatch.Receiver.validation] : []) + (reader.accepted > 0 ? [.analytics] : [])
        for receiver in payloads {
            let payload = PublishBatch.Payload(run: run, upload: id, receiver: receiver)
            try await jobs.enqueue(payload, tenant: tenant, key: payload.key, in: tx)
        }
        if reader.hasSuiteOutput, draft.past == nil {
            try await jobs.enqueue(MineSuiteOutput.Payload(upload: id, run: run), tenant: tenant, in: tx)
        }
        var details = [
            "run": run.description, "accepted": "\(reader.accepted)", "files": "\(reader.files.count)", "lane": draft.lane.rawValue,
        ]
        if let past = draft.past { details["started_at"] = past.startedAt.formatted(.iso8601) }
        try await tx.audit(id, project: draft.project, details: details)
        let state = try await add(reader.delta, to: run, order, in: tx)
        return UploadReceipt(upload: upload, duplicate: false, runState: state)
    }

    /// Counts the upload into its run, which the first upload makes.
    private func add(_ delta: RunDelta, to id: ID<Run>, _ order: Order, in tx: Transaction) async throws -> Run.State {
        let draft = order.draft
        let tenant = order.tenant
        let now = try await runs.now(in: tx)
        if let past = draft.past { return try await add(delta, to: id, of: past, order, now: now, in: tx) }
        let first = Run(
            id: id, project: draft.project, kind: .upload, state: .running, counts: delta.counts, incomplete: delta.incomplete, suite: nil,
            name: draft.name, branch: draft.branch, commit: draft.commit, environment: draft.environment, ci: draft.ci, tags: draft.tags,
            triggeredBy: order.actor, createdAt: now, startedAt: Run.start(named: [delta.startedAt], createdAt: now), finishedAt: nil,
            testMicroseconds: delta.testMicroseconds, version: 1, lane: draft.lane)
        guard !draft.ci.key.isEmpty else {
            // A run of its own: it is over with this upload.
            let run = try first.finished(at: Date())
            _ = try await runs.insert(run, tenant: tenant, in: tx)
            try await runs.announce(run, tenant: tenant, in: tx)
            return run.state
        }
        var run = first
        if try await !runs.insert(first, tenant: tenant, in: tx) {
            let known = try await runs.lock(id, tenant: tenant, in: tx).run
            guard known.importedAt == nil else { throw Fault.importMismatch(id) }
            run = try known.adding(delta)
            try await runs.save(run, tenant: tenant, in: tx)
        }
        try await jobs.enqueue(CloseQuietRun.Payload(run: id, version: run.version), tenant: tenant, after: quiet, in: tx)
        return run.state
    }

    /// The same for a run of the past: it is over, whether there is more of it or not.
    private func add(_ delta: RunDelta, to id: ID<Run>, of past: PastRun, _ order: Order, now: Date, in tx: Transaction) async throws -> Run.State {
        let draft = order.draft
        let tenant = order.tenant
        var delta = delta
        delta.startedAt = past.startedAt
        var run = Run(
            id: id, project: draft.project, kind: .upload, state: .running, counts: delta.counts, incomplete: delta.incomplete, suite: nil,
            name: draft.name, branch: draft.branch, commit: draft.commit, environment: draft.environment, ci: draft.ci, tags: draft.tags,
            triggeredBy: order.actor, createdAt: past.startedAt, startedAt: past.startedAt, finishedAt: nil, testMicroseconds: delta.testMicroseconds,
            version: 1, lane: draft.lane, importedAt: now)
        run = try run.finished(at: past.end(microseconds: run.testMicroseconds, now: now))
        if try await !runs.insert(run, tenant: tenant, in: tx) {
            let known = try await runs.lock(id, tenant: tenant, in: tx).run
            guard past.isSame(as: known), let before = known.finishedAt else { throw Fault.importMismatch(id) }
            run = try known.adding(delta)
            // Later than before, or Analytics would take it for what it knows.
            run = try run.finished(at: max(past.end(microseconds: run.testMicroseconds, now: now), before.addingTimeInterval(0.001)))
            try await runs.save(run, tenant: tenant, in: tx)
        }
        try await runs.announce(run, tenant: tenant, in: tx)
        return run.state
    }
}
