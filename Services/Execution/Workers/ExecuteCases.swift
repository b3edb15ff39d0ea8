import Foundation
import Logging
import Metrics
import Postgres
import Primitives
import ServiceLifecycle
import Synchronization

/// Executes the cases of suites: claims as many as there are free places, runs them side by side, and writes their results in batches.
///
/// Any number of these may run, in one process or many. A place is taken from claim to record, so that what is in memory is bounded by
/// `concurrency`, and a case whose result could not be written is executed again by somebody once its lease runs out.
actor ExecuteCases: Service {
    /// How much at once, and how patiently.
    struct Settings: Sendable {
        /// Cases at once in this process.
        var concurrency = 32
        /// Cases of one tenant at once in all processes.
        var tenantConcurrency = 20
        /// After this long a process that stops gives back what it has not finished.
        var stopping = Duration.seconds(30)
        var heartbeat = CaseQueue.heartbeat
        var reaping = CaseQueue.reaping
        /// Waiting cases are looked for at least this often; notifications are a hint only.
        var poll = Duration.seconds(1)
    }

    /// Whose leases these are.
    nonisolated let worker = UUID()

    let queue: CaseQueue
    private let execute: ExecuteCase
    let record: RecordCases
    private let listener: Listener?
    private let settings: Settings
    let logger: Logger

    /// Claimed and under way.
    var executing: [Fence: Task<Void, Never>] = [:]
    /// Executed and not yet taken up for recording.
    var finished: [FinishedCase] = []
    /// Being recorded.
    var recording: Set<Fence> = []

    private let claimable = Signal()
    let recordable = Signal()
    private let idle = Signal()
    private nonisolated let isStopping = Atomic(false)

    init(queue: CaseQueue, execute: ExecuteCase, record: RecordCases, listener: Listener?, settings: Settings = .init(), logger: Logger) {
        self.queue = queue
        self.execute = execute
        self.record = record
        self.listener = listener
        self.settings = settings
        self.logger = logger
    }

    /// Works until graceful shutdown, then finishes what is under way. Cancelled, it drops everything where it stands, as a crash would.
    func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.listen() }
                group.addTask { await self.every(self.settings.poll) { self.claimable.raise() } }
                group.addTask { await self.every(self.settings.heartbeat) { await self.renew() } }
                group.addTask {
                    await self.every(self.settings.reaping) {
                        await self.reap()
                        await self.endOverdue()
                    }
                }
                group.addTask { await self.recordLoop() }
                claimable.raise()
                await claimLoop()
                await drain()
                group.cancelAll()
            }
        } onCancelOrGracefulShutdown: {
            self.stop()
        }
    }

    /// Claims nothing more; `run` returns when what is under way is recorded or given back.
    nonisolated func stop() {
        isStopping.store(true, ordering: .releasing)
        claimable.finish()
    }

    // MARK: Claiming

    private var isFull: Bool { taken >= settings.concurrency }
    private var taken: Int { executing.count + finished.count + recording.count }

    private func claimLoop() async {
        for await _ in claimable.raised {
            while !isFull, !isStopping.load(ordering: .acquiring), !Task.isCancelled {
                let wanted = min(settings.concurrency - taken, CaseQueue.batch)
                guard await claim(wanted) == wanted else { break }
            }
        }
    }

    private func claim(_ wanted: Int) async -> Int {
        do {
            let claimed = try await queue.claim(wanted, tenantCap: settings.tenantConcurrency, worker: worker)
            for claimed in claimed { start(claimed) }
            for first in claimed where first.isFirst { await begin(first) }
            return claimed.count
        } catch {
            logger.warning("cases cannot be claimed", metadata: ["error": "\(error)"])
            return 0
        }
    }

    private func start(_ claimed: ClaimedCase) {
        executing[claimed.fence] = Task { [execute] in
            let result = await execute.execute(claimed)
            self.end(claimed.fence, result)
        }
    }

    /// The run shows as running from now on. If this fails, the first results say it.
    private func begin(_ claimed: ClaimedCase) async {
        do {
            try await record.begin(claimed.run, tenant: claimed.tenant)
        } catch {
            logger.warning("a run's beginning cannot be recorded", metadata: ["run": "\(claimed.run)", "error": "\(error)"])
        }
    }

    private func end(_ fence: Fence, _ result: FinishedCase?) {
        // Whoever is not in here any more has lost its lease, and its result is nobody's.
        guard executing.removeValue(forKey: fence) != nil else { return }
        if let result {
            finished.append(result)
            recordable.raise()
        } else {
            released()
        }
    }

    func released() {
        claimable.raise()
        if taken == 0 { idle.raise() }
    }

    // MARK: Recording

    private func recordLoop() async {
        for await _ in recordable.raised {
            while !finished.isEmpty, !Task.isCancelled {
                let batch = finished
                finished = []
                recording = Set(batch.map(\.claimed.fence))
                for (tenant, cases) in Dictionary(grouping: batch, by: \.claimed.tenant) { await write(cases, tenant) }
                recording = []
                released()
            }
        }
    }

    /// Tries until it is written: a database that is away for a while must not cost results. Leases that end meanwhile are refused by their fence.
    private func write(_ cases: [FinishedCase], _ tenant: ID<Tenant>) async {
        var delay = Duration.milliseconds(50)
        while !Task.isCancelled {
            do {
                let refused = try await record.record(cases, tenant: tenant)
                if refused > 0 { Counter(label: "assay_execution_fence_refusals").increment(by: refused) }
                return
            } catch  where Self.isPassing(error) {
                logger.warning("results cannot be written now", metadata: ["cases": "\(cases.count)", "error": "\(error)"])
                try? await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(2))
            } catch {
                logger.error("results cannot be stored", metadata: ["cases": "\(cases.count)", "error": "\(error)"])
                await isolate(cases, tenant)
                return
            }
        }
    }

    /// One result that cannot be stored must not take others with it. Alone, it is recorded as given up; should even that be refused, its lease runs
    /// out, since only what is held here is renewed.
    private func isolate(_ cases: [FinishedCase], _ tenant: ID<Tenant>) async {
        if cases.count > 1 {
            for single in cases { await write([single], tenant) }
        } else if let single = cases.first, single.verdict != .unstorable {
            await write([single.withVerdict(.unstorable)], tenant)
        }
    }

    /// Whether the moment is wrong and not the rows: no connection (08), no resources (53), no lock (55), stopped or cancelled (57), lost against
    /// another transaction (40), a full queue.
    private static func isPassing(_ error: any Error) -> Bool {
        switch error {
        case let error as PostgresError: error.sqlState.isEmpty || ["08", "40", "53", "55", "57"].contains(error.sqlState.prefix(2))
        case let fault as Fault: fault.kind.isPassing && fault.kind != .internal
        default: error is CancellationError
        }
    }

    // MARK: Waking

    private func listen() async {
        guard let listener else { return }
        for await _ in listener.notifications(on: CaseQueue.channel) { claimable.raise() }
    }

    private nonisolated func every(_ interval: Duration, _ body: @Sendable () async -> Void) async {
        while (try? await Task.sleep(for: interval)) != nil { await body() }
    }

    // MARK: Stopping

    private func drain() async {
        if taken > 0, !Task.isCancelled {
            let limit = Task { [settings, idle] in
                try? await Task.sleep(for: settings.stopping)
                idle.finish()
            }
            for await _ in idle.raised where taken == 0 { break }
            limit.cancel()
        }
        for task in executing.values { task.cancel() }
        executing = [:]
        guard !Task.isCancelled else { return }
        do {
            let count = try await queue.giveBack(worker: worker)
            if count > 0 { logger.info("unfinished cases went back into the queue", metadata: ["cases": "\(count)"]) }
        } catch {
            logger.warning("unfinished cases wait for the end of their leases", metadata: ["error": "\(error)"])
        }
    }
}
