import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

/// Who is served when there is more to do than places to do it (R12, T36).
@Suite(.serialized, .database(Shop.schema, JobSchema.schema))
struct FairnessTests {
    private var current: TestDatabase { .current }

    /// Puts many jobs in one statement, all due for the same time already.
    private func flood(_ text: String, _ count: Int, tenant: ID<Tenant>, kind: String = Note.kind) async throws {
        let payload = try JSONText(encoding: Note(text: text))
        try await current.database.execute(
            .tenant(tenant),
            """
            insert into jobs (tenant_id, id, kind, payload, run_at)
            select \(tenant), gen_random_uuid(), \(kind), \(payload), now() - interval '1 minute' from generate_series(1, \(count))
            """)
    }

    private struct OneAtATime: JobHandler {
        typealias Payload = Note
        static let concurrency = 1

        let body: @Sendable (Note, Job) async throws -> Void
        func handle(_ payload: Note, _ job: Job) async throws { try await body(payload, job) }
    }

    private func clear() async throws { try await current.database.execute(.system, "delete from jobs") }

    @Test("a tenant with two thousand older jobs does not keep others waiting")
    func flooded() async throws {
        try await flood("loud", 2000, tenant: .new())
        for _ in 0..<2 { try await flood("quiet", 10, tenant: .new()) }
        let taken = Taken()
        try await JobRunner.with([Take { taken.add($0, $1) }]) { _ in
            try await eventually { taken.texts.filter { $0 == "quiet" }.count == 20 }
        }
        let last = try #require(taken.texts.lastIndex(of: "quiet"))
        #expect(last < 80)
        try await clear()
    }

    @Test("with a single place tenants take turns")
    func roundRobin() async throws {
        for name in ["a", "b", "c"] { try await flood(name, 6, tenant: .new()) }
        let taken = Taken()
        try await JobRunner.with([OneAtATime { taken.add($0, $1) }]) { _ in try await eventually { taken.all.count == 18 } }
        for round in 0..<6 { #expect(Set(taken.texts[(round * 3)..<(round * 3 + 3)]) == ["a", "b", "c"]) }
    }

    @Test("a tenant runs no more than its share at once, and others use the places that are left")
    func tenantLimit() async throws {
        let (greedy, modest) = (ID<Tenant>.new(), ID<Tenant>.new())
        let gate = Gate()
        let running = Taken()
        let handler = Take { note, job in
            running.add(note, job)
            if note.text == "greedy" { try await gate.pass() }
        }
        try await flood("greedy", 20, tenant: greedy)
        try await flood("modest", 30, tenant: modest)
        try await JobRunner.with([handler], tenantLimit: 3) { _ in
            try await eventually { running.texts.filter { $0 == "modest" }.count == 30 }
            #expect(running.texts.filter { $0 == "greedy" }.count == 3)
            #expect(try await current.jobs(of: greedy).filter { $0.state == "running" }.count == 3)
            gate.open()
            try await eventually { try await current.jobs(of: greedy).isEmpty }
        }
    }

    @Test("one kind that is stuck does not hold up another")
    func kinds() async throws {
        struct Letter: JobHandler {
            struct Payload: JobPayload {
                static let kind = "letter"
                let text: String
            }
            let gate: Gate
            func handle(_ payload: Payload, _ job: Job) async throws { try await gate.pass() }
        }
        let gate = Gate()
        let taken = Taken()
        let tenant = ID<Tenant>.new()
        try await flood("stuck", 50, tenant: tenant, kind: "letter")
        try await flood("free", 50, tenant: tenant)
        try await JobRunner.with([Take { taken.add($0, $1) }, Letter(gate: gate)]) { _ in
            try await eventually { try await current.jobs(of: tenant).count == 50 && taken.all.count == 50 }
            gate.open()
            try await eventually { try await current.jobs(of: tenant).isEmpty }
        }
    }

    @Test("jobs of a kind that nobody here handles stay for those who do")
    func unknownKinds() async throws {
        let tenant = ID<Tenant>.new()
        try await flood("x", 1, tenant: tenant, kind: "not-ours")
        try await flood("y", 1, tenant: tenant)
        try await JobRunner.with([Take { _, _ in }]) { _ in
            try await eventually { try await current.jobs(of: tenant).count == 1 }
        }
        #expect(try await current.jobs(of: tenant) == [.init(state: "waiting", attempt: 0, epoch: 0, losses: 0, error: nil)])
    }
}
