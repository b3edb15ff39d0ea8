import Foundation
import Jobs
import Postgres
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import ExecutionService

/// Workers against a target on loopback. Each test has a database of its own, since workers take from all tenants.
@Suite struct ExecuteCasesTests {
    static let quick: ExecuteCases.Settings = {
        var settings = ExecuteCases.Settings()
        settings.poll = .milliseconds(20)
        settings.heartbeat = .milliseconds(20)
        settings.reaping = .milliseconds(20)
        return settings
    }()

    @Test("a suite is executed to its end, with timings, excerpts and our headers", .database(ExecutionProgram.schema, JobSchema.schema))
    func wholeRun() async throws {
        let fixture = CaseFixture()
        let server = try await LoopbackServer.start { _ in .json(#"{"id": 7}"#) }
        defer { server.stop() }
        let http = CaseFixture.http(
            "{{host}}/item?x=1", assertions: [Assertion(.status, .equals, "200"), Assertion(.json, "$.id", .equals, "7")],
            variables: ["host": server.url])
        let run = try await fixture.start(30, http: http)
        let worker = try fixture.worker(Self.quick)
        let task = Task { try await worker.run() }
        try await eventually(within: .seconds(30)) { try await fixture.run(run.id).state.isFinal }
        worker.stop()
        try await task.value

        let finished = try await fixture.run(run.id)
        #expect(finished.state == .passed)
        #expect(finished.counts == Counts(passed: 30))
        #expect(finished.testMicroseconds > 0)
        #expect(server.count == 30)
        let results = try await fixture.details(run.id)
        #expect(Set(results.compactMap(\.caseID)).count == 30)
        let exchange = try #require(results.first?.exchange)
        #expect(exchange.method == "GET")
        #expect(exchange.url == server.url + "/item?x=1")
        #expect(exchange.status == 200)
        #expect(exchange.address == "127.0.0.1")
        #expect(exchange.bodyExcerpt == #"{"id": 7}"#)
        #expect(exchange.bodyBytes == 9)
        #expect(exchange.assertions.map(\.passed) == [true, true])
        let timing = try #require(exchange.timing)
        #expect(timing.total > 0 && timing.dns + timing.connect + timing.tls + timing.firstByte <= timing.total)
        let request = try #require(server.requests.first)
        #expect(request.header("user-agent") == "Assay/1 (test)")
        #expect(request.header("assay-run-id") == run.id.description)
        #expect(request.header("assay-attempt") == "1")
        #expect(Set(server.requests.compactMap { $0.header("assay-case-id") }) == Set(results.compactMap { $0.caseID?.description }))
    }

    @Test("what keeps a case from being carried out is named", .database(ExecutionProgram.schema, JobSchema.schema))
    func errors() async throws {
        let fixture = CaseFixture()
        let server = try await LoopbackServer.start(delay: .milliseconds(500)) { _ in .text("late") }
        defer { server.stop() }
        let cases: [(HTTPCase, Outcome, String)] = [
            (CaseFixture.http("http://127.0.0.1:\(FreePort.next())/"), .errored, "connect_failed"),
            (CaseFixture.http("http://10.1.2.3/"), .errored, "blocked_target"),
            (CaseFixture.http("http://{{unknown}}/"), .errored, "unknown_variable"),
            (CaseFixture.http("http://exa mple/"), .errored, "invalid_request"),
            (CaseFixture.http(server.url, timeout: 50), .errored, "timeout"),
            (CaseFixture.http(server.url, assertions: [Assertion(.status, .equals, "404")]), .failed, "assertion"),
        ]
        var runs: [(Run, Outcome, String)] = []
        for (http, outcome, code) in cases { runs.append((try await fixture.start(1, http: http), outcome, code)) }
        let worker = try fixture.worker(Self.quick)
        let task = Task { try await worker.run() }
        for (run, outcome, code) in runs {
            try await eventually(within: .seconds(30)) { try await fixture.run(run.id).state.isFinal }
            #expect(try await fixture.run(run.id).state == (outcome == .failed ? .failed : .error))
            let result = try #require(try await fixture.details(run.id).first)
            #expect(result.outcome == outcome)
            #expect(result.texts.type == code)
            #expect(!result.texts.message.isEmpty)
        }
        worker.stop()
        try await task.value
    }

    @Test("several workers execute each case exactly once", .database(ExecutionProgram.schema, JobSchema.schema))
    func severalWorkers() async throws {
        let fixture = CaseFixture()
        let server = try await LoopbackServer.start { _ in .text("ok") }
        defer { server.stop() }
        var runs: [Run] = []
        for _ in 0..<3 { runs.append(try await fixture.start(40, http: CaseFixture.http(server.url))) }
        let workers = try (0..<3).map { _ in try fixture.worker(Self.quick) }
        let tasks = workers.map { worker in Task { try await worker.run() } }
        for run in runs { try await eventually(within: .seconds(20)) { try await fixture.run(run.id).state == .passed } }
        for worker in workers { worker.stop() }
        for task in tasks { try await task.value }
        #expect(server.count == 120)
        #expect(Set(server.requests.compactMap { $0.header("assay-case-id") }).count == 120)
    }

    @Test("when a worker dies another one executes its cases again, with the next attempt", .database(ExecutionProgram.schema, JobSchema.schema))
    func crash() async throws {
        let fixture = CaseFixture()
        let isHanging = Atomic(true)
        let server = try await LoopbackServer.start { _ in
            while isHanging.load(ordering: .relaxed) { try? await Task.sleep(for: .milliseconds(5)) }
            return .text("ok")
        }
        defer { server.stop() }
        let run = try await fixture.start(4, http: CaseFixture.http(server.url))
        let dying = try fixture.worker(Self.quick, lease: .seconds(2))
        let death = Task { try await dying.run() }
        try await eventually(within: .seconds(30)) { server.count == 4 }
        death.cancel()
        try await death.value
        isHanging.store(false, ordering: .relaxed)
        let next = try fixture.worker(Self.quick)
        let task = Task { try await next.run() }
        try await eventually(within: .seconds(30)) { try await fixture.run(run.id).state == .passed }
        next.stop()
        try await task.value
        #expect(try await fixture.listed(run.id).map(\.attempt) == [2, 2, 2, 2])
        #expect(server.count == 8)
        #expect(server.requests.compactMap { $0.header("assay-attempt") }.sorted() == ["1", "1", "1", "1", "2", "2", "2", "2"])
    }

    @Test("a case that takes three workers with it ends as errored, and the run still finishes", .database(ExecutionProgram.schema, JobSchema.schema))
    func givenUp() async throws {
        let fixture = CaseFixture()
        let run = try await fixture.start(1)
        for attempt in 1...3 {
            #expect(try await fixture.lapsing.claim(1, tenantCap: 20, worker: UUID()).map(\.attempt) == [attempt])
            if attempt < 3 { #expect(try await fixture.queue.requeueExpired() == 1) }
        }
        let worker = try fixture.worker(Self.quick)
        let task = Task { try await worker.run() }
        try await eventually(within: .seconds(30)) { try await fixture.run(run.id).state == .error }
        worker.stop()
        try await task.value
        let result = try #require(try await fixture.details(run.id).first)
        #expect(result.outcome == .errored)
        #expect(result.texts.type == "infra_lost")
        #expect(result.attempt == 3)
    }

    @Test(
        "a run whose time is up drops what waits and ends as timed out with its last case under way",
        .database(ExecutionProgram.schema, JobSchema.schema))
    func timedOut() async throws {
        let fixture = CaseFixture()
        let isHanging = Atomic(true)
        let server = try await LoopbackServer.start { _ in
            while isHanging.load(ordering: .relaxed) { try? await Task.sleep(for: .milliseconds(5)) }
            return .text("ok")
        }
        defer { server.stop() }
        let run = try await fixture.start(5, http: CaseFixture.http(server.url), concurrency: 2, timeout: 1_000)
        let worker = try fixture.worker(Self.quick)
        let task = Task { try await worker.run() }
        try await eventually(within: .seconds(30)) { try await fixture.run(run.id).counts == Counts(skipped: 3, pending: 2) }
        isHanging.store(false, ordering: .relaxed)
        try await eventually(within: .seconds(30)) { try await fixture.run(run.id).state == .timedOut }
        worker.stop()
        try await task.value
        #expect(try await fixture.run(run.id).counts == Counts(passed: 2, skipped: 3))
        let dropped = try await fixture.details(run.id).filter { $0.outcome == .skipped }
        #expect(dropped.count == 3 && dropped.allSatisfy { $0.texts.type == "run_timed_out" })
        #expect(server.count == 2)
    }

    @Test("a worker that stops finishes what is under way and takes nothing new", .database(ExecutionProgram.schema, JobSchema.schema))
    func finishes() async throws {
        let fixture = CaseFixture()
        let server = try await LoopbackServer.start(delay: .milliseconds(200)) { _ in .text("ok") }
        defer { server.stop() }
        let run = try await fixture.start(10, http: CaseFixture.http(server.url), concurrency: 3)
        let worker = try fixture.worker(Self.quick)
        let task = Task { try await worker.run() }
        try await eventually(within: .seconds(30)) { server.count == 3 }
        worker.stop()
        try await task.value
        #expect(server.count == 3)
        #expect(try await fixture.run(run.id).counts == Counts(passed: 3, pending: 7))
        #expect(try await fixture.queue.giveBack(worker: worker.worker) == 0)
    }

    @Test(
        "what is not finished in time when a worker stops is given back without counting an attempt",
        .database(ExecutionProgram.schema, JobSchema.schema))
    func givesBack() async throws {
        let fixture = CaseFixture()
        let server = try await LoopbackServer.start(delay: .seconds(20)) { _ in .text("ok") }
        defer { server.stop() }
        let run = try await fixture.start(2, http: CaseFixture.http(server.url, timeout: 60_000))
        var settings = Self.quick
        settings.stopping = .milliseconds(100)
        let worker = try fixture.worker(settings)
        let task = Task { try await worker.run() }
        try await eventually(within: .seconds(30)) { server.count == 2 }
        worker.stop()
        try await task.value
        #expect(try await fixture.run(run.id).counts == Counts(pending: 2))
        let again = try await fixture.queue.claim(5, tenantCap: 20, worker: UUID())
        #expect(again.map(\.attempt) == [1, 1])
    }

    @Test("a worker whose lease was taken drops its result", .database(ExecutionProgram.schema, JobSchema.schema))
    func loses() async throws {
        let fixture = CaseFixture()
        let isHanging = Atomic(true)
        let server = try await LoopbackServer.start { _ in
            while isHanging.load(ordering: .relaxed) { try? await Task.sleep(for: .milliseconds(5)) }
            return .text("ok")
        }
        defer { server.stop() }
        let run = try await fixture.start(1, http: CaseFixture.http(server.url))
        var settings = Self.quick
        settings.reaping = .seconds(60)
        let paused = try fixture.worker(settings)
        let task = Task { try await paused.run() }
        try await eventually(within: .seconds(30)) { server.count == 1 }
        // As after a pause in which the lease ran out and somebody else got on with it.
        let taken = try await TestDatabase.current.database.rows(
            .system,
            "update run_cases set epoch = epoch + 1, attempt = 2, worker_id = \(UUID()), lease_until = now() + interval '30 s' returning case_id"
        ) { try $0.value("case_id", as: ID<Case>.self) }
        #expect(taken.count == 1)
        isHanging.store(false, ordering: .relaxed)
        try await eventually(within: .seconds(30)) { server.count == 1 }
        paused.stop()
        try await task.value
        #expect(try await fixture.run(run.id).counts == Counts(pending: 1))
        #expect(try await fixture.listed(run.id).isEmpty)
    }

    @Test("a result that the database refuses gives up its own case and no other", .database(ExecutionProgram.schema, JobSchema.schema))
    func unstorable() async throws {
        let fixture = CaseFixture()
        let server = try await LoopbackServer.start { _ in .text("ok") }
        defer { server.stop() }
        let run = try await fixture.start(8, http: CaseFixture.http(server.url))
        try await TestDatabase.current.administer { database in
            try await database.executeOutsideTransaction(
                "alter table results add constraint results_refusal_check check (name <> 'case 3' or outcome <> 1)")
        }
        let worker = try fixture.worker(Self.quick)
        let task = Task { try await worker.run() }
        try await eventually(within: .seconds(30)) { try await fixture.run(run.id).state == .error }
        worker.stop()
        try await task.value
        #expect(try await fixture.run(run.id).counts == Counts(passed: 7, errored: 1))
        let refused = try #require(try await fixture.details(run.id).first { $0.outcome == .errored })
        #expect(refused.name == "case 3")
        #expect(refused.texts.type == "result_unstorable")
    }
}
