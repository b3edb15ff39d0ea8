import Foundation
import Jobs
import Logging
import Postgres
import Primitives
import ServiceLifecycle
import Synchronization
import TestSupport

/// The payload of every job in these tests.
struct Note: JobPayload, Equatable {
    static let kind = "note"

    let text: String
    var number = 0
}

/// A handler that does what a test says.
struct Take: JobHandler {
    typealias Payload = Note

    static let concurrency = 8
    static let maxAttempts = 4
    static let backoff = Backoff(first: .milliseconds(1), limit: .milliseconds(2))
    static let timeLimit = Duration.seconds(60)

    let body: @Sendable (Note, Job) async throws -> Void

    func handle(_ payload: Note, _ job: Job) async throws { try await body(payload, job) }
}

/// What a test's handler was given, in order.
final class Taken: Sendable {
    private let state = Mutex<[(note: Note, job: Job)]>([])

    var all: [(note: Note, job: Job)] { state.withLock { $0 } }
    var texts: [String] { all.map(\.note.text) }
    func add(_ note: Note, _ job: Job) { state.withLock { $0.append((note, job)) } }
}

extension JobTiming {
    /// Seconds become some tens of milliseconds.
    static var brisk: JobTiming {
        var timing = JobTiming()
        timing.lease = .milliseconds(1500)
        timing.heartbeat = .milliseconds(200)
        timing.reap = .milliseconds(100)
        timing.poll = .milliseconds(50)
        timing.measure = .milliseconds(100)
        timing.grace = .seconds(5)
        timing.farewell = .milliseconds(200)
        return timing
    }
}

extension JobRunner {
    /// A runner with a pool and a listener of its own, as in another process, that works while `body` runs and then shuts down gracefully.
    static func with<R: Sendable>(
        _ handlers: [any JobHandler], timing: JobTiming = .brisk, tenantLimit: Int = 20, around: @escaping Around = { _, work in try await work() },
        isolation: isolated (any Actor)? = #isolation, _ body: (ServiceGroup) async throws -> R
    ) async throws -> R {
        let current = TestDatabase.current
        let database = try current.pool()
        let listener = Listener(try DatabaseConfiguration(url: current.appURL, searchPath: current.schema), logger: .silent)
        let runner = JobRunner(
            database: database, listener: listener, handlers: handlers, around: around, timing: timing, tenantLimit: tenantLimit, logger: .silent)
        let group = ServiceGroup(services: [database, listener, runner], logger: .silent)
        let running = Task { try await group.run() }
        do {
            let result = try await body(group)
            await group.triggerGracefulShutdown()
            try await running.value
            return result
        } catch {
            await group.triggerGracefulShutdown()
            _ = try? await running.value
            throw error
        }
    }
}

extension TestDatabase {
    var queue: JobQueue { JobQueue(database: database) }

    /// One row of the table, as far as tests look at it.
    struct JobRow: Equatable, Sendable {
        var state: String
        var attempt: Int
        var epoch: Int
        var losses: Int
        var error: String?
    }

    func jobs(of tenant: ID<Tenant>) async throws -> [JobRow] {
        try await database.rows(
            .tenant(tenant),
            "select state, attempt, lease_epoch, lease_losses, last_error from jobs where tenant_id = \(tenant) order by enqueued_at, id"
        ) { row in
            try JobRow(
                state: row.value("state"), attempt: row.value("attempt"), epoch: row.value("lease_epoch"), losses: row.value("lease_losses"),
                error: row.value("last_error"))
        }
    }

    /// What time and a crash do: the lease of whatever runs for this tenant is over.
    func expireLeases(of tenant: ID<Tenant>) async throws {
        try await database.execute(
            .tenant(tenant), "update jobs set lease_until = now() - interval '1 second' where tenant_id = \(tenant) and state = 'running'")
    }
}

/// A schema for the jobs to be in, with a table of its own for facts.
enum Shop {
    static let schema = Schema(
        name: "shop",
        files: [
            SchemaFile(
                name: "0001_sales.sql",
                sql: """
                    create table sales (tenant_id uuid not null, name text not null, constraint sales_pkey primary key (tenant_id, name));
                    alter table sales enable row level security;
                    alter table sales force row level security;
                    create policy sales_tenant on sales using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
                    """)
        ])
}
