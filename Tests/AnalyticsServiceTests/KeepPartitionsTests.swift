import Foundation
import Jobs
import Logging
import Postgres
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("upkeep", .database(AnalyticsProgram.schema, JobSchema.schema))
struct KeepPartitionsTests {
    private final class Names: Sendable {
        let all = Mutex<[String]>([])
    }

    private let tenant = ID<Tenant>.new()
    private var database: Database { TestDatabase.current.database }

    @Test("what fails keeps nothing behind it from its turn; the end of the process does")
    func round() async throws {
        let done = Names()
        func step(_ name: String, _ error: (any Error)? = nil) -> KeepPartitions.Step {
            KeepPartitions.Step(name) {
                if let error { throw error }
                done.all.withLock { $0.append(name) }
            }
        }
        let logger = Logger(label: "upkeep")
        try await KeepPartitions.round([step("a"), step("b", Fault.unavailable("x.slow", "Too slow.")), step("c")], logger: logger)
        #expect(done.all.withLock { $0 } == ["a", "c"])
        await #expect(throws: CancellationError.self) {
            try await KeepPartitions.round([step("d", CancellationError()), step("e")], logger: logger)
        }
        #expect(done.all.withLock { $0 } == ["a", "c"])
    }

    @Test("what is due leaves in batches until nothing is, and the rest stays")
    func batches() async throws {
        try await database.execute(
            .tenant(tenant),
            """
            insert into inbox (tenant_id, event, received_at)
            select \(tenant), n::text, now() - make_interval(days => n) from generate_series(10, 19) n
            """)
        try await database.execute(
            .tenant(tenant),
            """
            insert into environment_runs (tenant_id, project_id, run_id, host, zone, commit_sha, started_at, results)
            select \(tenant), gen_random_uuid(), gen_random_uuid(), '', '', '', now() - make_interval(days => n, hours => 1), 1
            from generate_series(3, 11) n
            """)
        let facts = FactStore(database: database, stabilities: StabilityStore(database: database))
        try await facts.sweepInbox(atOnce: 2)
        try await facts.sweepEnvironments(atOnce: 2)
        func count(_ table: SQL) async throws -> Int {
            try await database.one(.tenant(tenant), "select count(*) as n from \(fragment: table) where tenant_id = \(tenant)") {
                try $0.value("n", as: Int.self)
            }
        }
        #expect(try await count("inbox") == 4)
        #expect(try await count("environment_runs") == 4)
    }
}
