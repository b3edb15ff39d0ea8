import Logging
import Postgres
import Primitives
import ServiceLifecycle
import Synchronization

/// Runs the jobs of a service, in every process of it.
///
/// One loop writes how jobs ended and claims new ones; it turns when a job ends, when a notification comes, and every second. Jobs that ended
/// together are written together. Heartbeat, reaper and measuring run beside it.
package final class JobRunner: Service {
    /// Wraps every handler: binds who is calling, turns errors of other layers into `Fault`s (only those can bury a job).
    package typealias Around = @Sendable (Job, @Sendable () async throws -> Void) async throws -> Void

    private let store: JobStore
    private let listener: Listener
    private let handlers: [String: BoundHandler]
    private let around: Around
    private let timing: JobTiming
    private let tenantLimit: Int
    private let logger: Logger
    private let metrics: JobMetrics
    private let running: RunningJobs
    /// A turn that is already due is not made due twice.
    private let turns = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    /// When the jobs that still run are cancelled; nil until shutdown begins.
    private let stopAt = Mutex<ContinuousClock.Instant?>(nil)

    /// - Parameters:
    ///   - handlers: one for each kind; two for a kind is a programming error.
    ///   - tenantLimit: jobs of one tenant that run at once in all processes (R12).
    package init(
        database: Database, listener: Listener, handlers: [any JobHandler], around: @escaping Around = { _, work in try await work() },
        timing: JobTiming = JobTiming(), tenantLimit: Int = 20, logger: Logger
    ) {
        let bound = handlers.map { BoundHandler($0) }
        self.handlers = Dictionary(
            bound.map { ($0.kind, $0) }, uniquingKeysWith: { first, _ in preconditionFailure("two handlers for \(first.kind)") })
        store = JobStore(database: database)
        self.listener = listener
        self.around = around
        self.timing = timing
        self.tenantLimit = tenantLimit
        self.logger = logger
        metrics = JobMetrics(kinds: self.handlers.keys)
        running = RunningJobs(concurrency: self.handlers.mapValues(\.concurrency))
    }

    /// Runs jobs until graceful shutdown, then lets them end or gives them back. Cancelling it does the same without waiting for them.
    package func run() async throws {
        // Apart from the task that may be cancelled: giving jobs back still needs the database.
        let work = Task { await self.work() }
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await work.value
            } onGracefulShutdown: {
                self.stop(within: self.timing.grace)
            }
        } onCancel: {
            self.stop(within: .zero)
        }
    }

    private func stop(within grace: Duration) {
        stopAt.withLock { $0 = min($0 ?? .now + grace, .now + grace) }
        turn()
    }

    private func turn() { turns.continuation.yield() }

    private func work() async {
        await withDiscardingTaskGroup { group in
            let hints = listener.notifications(on: JobQueue.channel(schema: store.database.schemaName))
            group.addTask { for await _ in hints { self.turn() } }
            group.addTask { await self.every(self.timing.poll) { self.turn() } }
            group.addTask { await self.every(self.timing.heartbeat) { try await self.renew() } }
            group.addTask { await self.every(self.timing.reap) { try await self.reap() } }
            group.addTask { await self.every(self.timing.measure) { try await self.metrics.record(self.store.measure()) } }
            turn()
            for await _ in turns.stream where await isLastTurn() { break }
            group.cancelAll()
        }
    }

    private func every(_ interval: Duration, _ body: @escaping @Sendable () async throws -> Void) async {
        while (try? await Task.sleep(for: interval)) != nil {
            await logging { try await body() }
        }
    }

    /// The database may be away for a while; whatever failed comes again.
    private func logging(_ body: () async throws -> Void) async {
        do {
            try await body()
        } catch is CancellationError {
            return
        } catch {
            logger.warning("the job queue is not reachable", metadata: ["error": "\(error)"])
        }
    }

    // MARK: - Turns

    private func isLastTurn() async -> Bool {
        await logging { try await settle(running.ended()) }
        guard let stopAt = stopAt.withLock({ $0 }) else {
            await logging { try await claim() }
            return false
        }
        if running.isEmpty { return true }
        guard ContinuousClock.now >= stopAt else { return false }
        running.interrupt(running.atWork(), .stopping)
        guard ContinuousClock.now >= stopAt + timing.farewell else { return false }
        // These do not listen. The process is about to end; if the database is away too, their leases run out.
        await logging { try await settle(running.ended() + running.atWork().map { ($0, .givenBack) }) }
        return true
    }

    private func claim() async throws {
        let wanted = running.wanted()
        guard !wanted.isEmpty else { return }
        let (claims, raced) = try await store.claim(wanted, lease: timing.lease, tenantLimit: tenantLimit)
        // Shutdown may have begun while the claim was under way.
        let isStopping = stopAt.withLock { $0 != nil }
        for claim in claims {
            guard let handler = handlers[claim.job.kind] else { continue }
            running.add(claim.job, timeLimit: handler.timeLimit)
            if isStopping {
                _ = running.end(claim.job.lease) { _ in .givenBack }
            } else {
                running.start(claim.job.lease, Task { await self.perform(claim.job, claim.payload, handler) })
            }
        }
        if raced || isStopping { turn() }
    }

    private func perform(_ job: Job, _ payload: JSONText, _ handler: BoundHandler) async {
        let start = ContinuousClock.now
        var failure: (any Error)?
        do {
            try await around(job) { try await handler.handle(payload, job) }
        } catch {
            failure = error
        }
        metrics.record(.now - start, kind: job.kind)
        let outcome = running.end(job.lease) { interruption in
            guard let failure else { return .done }
            // A cancelled handler throws all sorts of things, so the reason counts and not the error.
            if interruption == .stopping { return .givenBack }
            let error = interruption == .overdue ? Overdue(limit: handler.timeLimit) : failure
            var random = SystemRandomNumberGenerator()
            return JobOutcome(error, attempt: job.attempt, handler: handler, using: &random)
        }
        log(outcome, job)
        turn()
    }

    private struct Overdue: Error, CustomStringConvertible {
        let limit: Duration
        var description: String { "it took longer than \(limit)" }
    }

    private func log(_ outcome: JobOutcome?, _ job: Job) {
        let metadata: Logger.Metadata = ["job": "\(job.id)", "kind": "\(job.kind)", "tenant": "\(job.tenant)", "attempt": "\(job.attempt)"]
        switch outcome {
        case .done, .givenBack, nil: break
        case .retry(let delay, let error):
            logger.info("a job failed and is tried again", metadata: metadata.merging(["after": "\(delay)", "error": "\(error)"]) { $1 })
        case .dead(let error):
            logger.error("a job failed for good", metadata: metadata.merging(["error": "\(error)"]) { $1 })
        }
    }

    /// Writes how jobs ended. An end that was refused belongs to a job that somebody else has taken over: it is counted and forgotten.
    private func settle(_ ended: [(lease: JobLease, outcome: JobOutcome)]) async throws {
        let done = ended.filter { $0.outcome == .done }
        let others = ended.filter { $0.outcome != .done }
        if !done.isEmpty { account(for: done, written: try await store.finish(done.map(\.lease))) }
        if !others.isEmpty { account(for: others, written: try await store.release(others)) }
    }

    private func account(for ended: [(lease: JobLease, outcome: JobOutcome)], written: Set<JobLease>) {
        for (lease, outcome) in ended {
            let kind = running.remove(lease)
            metrics.count(written.contains(lease) ? outcome.name : "lost", kind: kind)
        }
    }

    // MARK: - Beside the turns

    private func renew() async throws {
        let held = running.renewable(now: .now)
        guard !held.isEmpty else { return }
        let kept = try await store.renew(held, for: timing.lease)
        // A job that ended meanwhile is missing too, but is not at work any more and so not interrupted.
        for kind in running.interrupt(Set(held).subtracting(kept), .lost) { metrics.count("lost", kind: kind) }
    }

    private func reap() async throws {
        for loss in try await store.reap(lease: timing.lease) {
            let metadata: Logger.Metadata = ["job": "\(loss.id)", "kind": "\(loss.kind)"]
            if loss.isQuarantined {
                metrics.count("quarantined", kind: loss.kind)
                logger.error("a job lost its lease for the last time and is quarantined", metadata: metadata)
            } else {
                logger.warning("a job lost its lease and is tried again", metadata: metadata)
            }
        }
    }
}
