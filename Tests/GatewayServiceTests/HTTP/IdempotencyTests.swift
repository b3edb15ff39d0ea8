import Foundation
import Postgres
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Idempotency over HTTP", .database(GatewayProgram.schema))
struct IdempotencyTests {
    private func start(_ stand: GatewayStand, _ key: String, suite: String = "ste_1", api: APIClient? = nil) async throws -> APIAnswer {
        try await (api ?? stand.api).post("/projects/web/runs", ["suite": suite], headers: ["Idempotency-Key": key])
    }

    @Test("the same request again gets the same answer and does nothing")
    func replay() async throws {
        try await GatewayStand.with { stand in
            let first = try await start(stand, "k")
            let second = try await start(stand, "\"k\"")
            #expect(first.status == 202 && second.status == 202 && second.body == first.body)
            #expect(first.headers["idempotent-replayed"] == nil && second.headers["idempotent-replayed"] == "true")
            #expect(second.headers["location"] == first.headers["location"])
            #expect(stand.fake.seen.withLock { $0.runs.count } == 1)
        }
    }

    @Test("another payload is refused; another route, key or tenant is another request")
    func scope() async throws {
        try await GatewayStand.with { stand in
            _ = try await start(stand, "k")
            let other = try await start(stand, "k", suite: "ste_2")
            #expect(other.status == 422 && other.string("code") == "idempotency_mismatch")
            let colleague = stand.api(try await stand.makeKey([.runsTrigger]))
            #expect(try await start(stand, "k", suite: "ste_2", api: colleague).status == 202)
            let route = try await stand.api.post("/projects", ["name": "p"], headers: ["Idempotency-Key": "k"])
            #expect(route.status == 201)
            #expect(stand.fake.seen.withLock { $0.runs.count } == 2)
            #expect(stand.fake.plan.withLock { $0.runsByKey.count } == 2)
        }
    }

    @Test("of fifty at once one runs, the others are told to wait")
    func parallel() async throws {
        try await GatewayStand.with { stand in
            let (gate, open) = AsyncStream<Void>.makeStream()
            stand.fake.plan.withLock { $0.gate = gate }
            let answers = (0..<40).map { _ in Task { try await start(stand, "k") } }
            try await eventually { stand.fake.seen.withLock { $0.runs.count } == 1 }
            let waiting = try await start(stand, "k")
            #expect(waiting.status == 409 && waiting.string("code") == "idempotency.running" && waiting.headers["retry-after"] == "1")
            open.finish()
            stand.fake.plan.withLock { $0.gate = nil }
            var statuses: [Int] = []
            for answer in answers { statuses.append(try await answer.value.status) }
            #expect(statuses.filter { $0 == 202 }.count >= 1 && statuses.allSatisfy { $0 == 202 || $0 == 409 || $0 == 429 })
            #expect(stand.fake.seen.withLock { $0.runs.count } == 1)
        }
    }

    @Test("a refusal is repeated, a failure that may pass is tried again under the same forwarded key")
    func failures() async throws {
        try await GatewayStand.with { stand in
            stand.fake.plan.withLock { $0.faults = [Fault(.precondition, "suites.empty", "Nothing to run.")] }
            let refused = try await start(stand, "refused")
            let again = try await start(stand, "refused")
            #expect(refused.status == 409 && again.status == 409 && again.body == refused.body)
            #expect(again.headers["idempotent-replayed"] == "true" && again.headers["content-type"] == "application/problem+json")
            stand.fake.plan.withLock { plan in
                plan.runsByKey = [:]
                plan.faults = Array(repeating: Fault(.internal, "internal", ""), count: 1)
            }
            let failed = try await start(stand, "failed")
            let retried = try await start(stand, "failed")
            #expect(failed.status == 500 && retried.status == 202)
            #expect(stand.fake.plan.withLock { $0.runsByKey.count } == 1)
        }
    }

    @Test("a gateway that died between the work and the answer is replaced, and the service finds its first run")
    func crash() async throws {
        try await GatewayStand.with { stand in
            let first = try await start(stand, "k")
            // As if the process had been killed before the answer was stored, a lease ago.
            try await TestDatabase.current.database.execute(
                .tenant(stand.tenant),
                """
                update idempotency_keys set state = 'running', status = null, body = null, lease_until = now() - interval '1 second'
                where tenant_id = \(stand.tenant)
                """
            )
            let second = try await start(stand, "k")
            #expect(second.status == 202 && second.body == first.body)
            #expect(stand.fake.seen.withLock { $0.runs.count } == 2)
            #expect(stand.fake.plan.withLock { $0.runsByKey.count } == 1)
        }
    }

    @Test("a key that is empty or too long is refused", arguments: ["\"\"", String(repeating: "k", count: 256)])
    func malformed(key: String) async throws {
        try await GatewayStand.with { stand in
            let answer = try await start(stand, key)
            #expect(answer.status == 400 && answer.string("code") == "idempotency.invalid_key")
        }
    }
}
