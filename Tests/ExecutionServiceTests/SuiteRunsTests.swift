import ExecutionAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import ExecutionService

/// StartRun and CancelRun with a Projects that answers over the in-process transport.
@Suite(.database(ExecutionProgram.schema, JobSchema.schema)) struct SuiteRunsTests {
    /// Projects as far as a run needs it: plans by suite.
    final class FakeSuites: PBSuites.SimpleServiceProtocol {
        let plans = Mutex<[String: PBPlan]>([:])
        let calls = Atomic(0)

        func getPlan(request: PBGetPlanRequest, context: ServerContext) async throws -> PBPlan {
            calls.add(1, ordering: .relaxed)
            guard let plan = plans.withLock({ $0[request.suite] }) else { throw Fault.notFound("suite", request.suite) }
            return plan
        }

        func createSuite(request: PBCreateSuiteRequest, context: ServerContext) async throws -> PBSuite { throw unused }
        func getSuite(request: PBGetSuiteRequest, context: ServerContext) async throws -> PBSuite { throw unused }
        func listSuites(request: PBListSuitesRequest, context: ServerContext) async throws -> PBListSuitesResponse { throw unused }
        private var unused: Fault { Fault(.internal, "test.unused", "A run does not need this.") }
    }

    struct World {
        let fixture = CaseFixture()
        let projects = FakeSuites()
        let project = ID<Project>.new()
        let suite = ID<Suite>.new()

        func serve<R: Sendable>(key: String? = nil, limitedTo projectIDs: Set<UUID>? = nil, _ body: (SuiteRuns) async throws -> R) async throws -> R {
            let caller = Caller(
                tenant: fixture.tenant, actor: "key_test", permissions: ["runs.trigger"], projects: projectIDs, idempotencyKey: key)
            return try await InProcess.serve([projects], as: caller, signedBy: "execution") { client in
                try await body(
                    SuiteRuns(
                        database: fixture.database, runs: fixture.runs, cases: fixture.cases, record: fixture.record,
                        suites: PBSuites.Client(wrapping: client)))
            }
        }

        /// Puts a suite of `count` cases into the fake.
        func offer(_ count: Int, url: String, project other: ID<Project>? = nil) {
            var plan = PBPlan()
            plan.suite.id = suite.description
            plan.suite.project = (other ?? project).description
            plan.suite.name = "Checkout"
            plan.suite.variables = ["host": url, "path": "suite", "word": "suite"]
            plan.cases = (0..<count).map { number in
                var one = PBCase()
                one.id = ID<Case>.new().description
                one.suite = suite.description
                one.name = "case \(number)"
                one.http.url = "{{host}}/{{path}}/{{word}}"
                one.http.variables = ["path": "case", "word": "case"]
                var assertion = PBAssertion()
                (assertion.source, assertion.comparison, assertion.target) = (.status, .equals, "200")
                one.http.assertions = [assertion]
                return one
            }
            projects.plans.withLock { $0[suite.description] = plan }
        }

        func request(concurrency: Int32 = 0) -> PBStartRunRequest {
            var request = PBStartRunRequest()
            request.project = project.description
            request.suite = suite.description
            request.variables = ["word": "run"]
            request.branch = "main"
            request.concurrency = concurrency
            return request
        }
    }

    // With a database of its own: the worker would take the other tests' cases.
    @Test("a run starts with what the suite holds and is executed to its end", .database(ExecutionProgram.schema, JobSchema.schema))
    func endToEnd() async throws {
        let world = World()
        let server = try await LoopbackServer.start { _ in .text("ok") }
        defer { server.stop() }
        world.offer(12, url: server.url)
        let started = try await world.serve { try await $0.start(world.request()) }
        #expect(started.state == .queued)
        #expect(started.kind == .suite)
        #expect(started.name == "Checkout")
        #expect(started.counts == Counts(pending: 12))
        #expect(started.triggeredBy == "key_test")
        let worker = try world.fixture.worker(ExecuteCasesTests.quick)
        let task = Task { try await worker.run() }
        try await eventually(within: .seconds(30)) { try await world.fixture.run(started.id).state == .passed }
        worker.stop()
        try await task.value
        let result = try #require(try await world.fixture.details(started.id).first)
        #expect(result.exchange?.url == server.url + "/case/run")
        #expect(PBHTTPExchange(try #require(result.exchange)).totalUs > 0)
    }

    @Test("the same idempotency key starts one run, whatever becomes of the suite")
    func idempotent() async throws {
        let world = World()
        world.offer(2, url: "http://127.0.0.1:9")
        let first = try await world.serve(key: "firing-1") { try await $0.start(world.request()) }
        world.projects.plans.withLock { $0 = [:] }
        let again = try await world.serve(key: "firing-1") { try await $0.start(world.request()) }
        #expect(again.id == first.id)
        #expect(world.projects.calls.load(ordering: .relaxed) == 1)
        world.offer(2, url: "http://127.0.0.1:9")
        let other = try await world.serve(key: "firing-2") { try await $0.start(world.request()) }
        #expect(other.id != first.id)
        _ = try await world.fixture.record.end(first.id, early: .cancelled, tenant: world.fixture.tenant)
        _ = try await world.fixture.record.end(other.id, early: .cancelled, tenant: world.fixture.tenant)
    }

    @Test("a cancellation that is repeated under its idempotency key finds that it was carried out; another one is refused")
    func repeatedCancellation() async throws {
        let world = World()
        world.offer(2, url: "http://127.0.0.1:9")
        let run = try await world.serve { try await $0.start(world.request()) }
        let request = PBCancelRunRequest.with { $0.run = run.id.description }
        let first = try await world.serve(key: "cancel") { try await $0.cancel(request) }
        let again = try await world.serve(key: "cancel") { try await $0.cancel(request) }
        #expect(first.state == .cancelled && again.state == .cancelled && again.version == first.version)
        let other = try await world.serve(key: "other") { service in try await InProcess.fault { try await service.cancel(request) } }
        #expect(other.code == "runs.already_finished")
    }

    @Test("twenty starts at once with one key make one run")
    func idempotentRace() async throws {
        let world = World()
        world.offer(3, url: "http://127.0.0.1:9")
        let ids = try await world.serve(key: "once") { service in
            try await withThrowingTaskGroup(of: ID<Run>.self) { group in
                for _ in 0..<20 { group.addTask { try await service.start(world.request()).id } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
        }
        #expect(ids.count == 1)
        let id = try #require(ids.first)
        #expect(try await world.fixture.run(id).counts == Counts(pending: 3))
        _ = try await world.fixture.record.end(id, early: .cancelled, tenant: world.fixture.tenant)
    }

    @Test("a suite of another project, one that is unknown, and a project outside of the key are not found")
    func foreign() async throws {
        let world = World()
        let unknown = try await world.serve { service in try await InProcess.fault { try await service.start(world.request()) } }
        #expect(unknown.kind == .notFound)
        world.offer(1, url: "http://127.0.0.1:9", project: .new())
        let foreign = try await world.serve { service in try await InProcess.fault { try await service.start(world.request()) } }
        #expect(foreign.code == "suite.not_found")
        world.offer(1, url: "http://127.0.0.1:9")
        let outside = try await world.serve(limitedTo: [UUID()]) { service in try await InProcess.fault { try await service.start(world.request()) } }
        #expect(outside.kind == .notFound)
    }

    @Test("what is out of bounds is refused with its field")
    func bounds() async throws {
        let world = World()
        world.offer(1, url: "http://127.0.0.1:9")
        var variables = world.request()
        variables.variables = ["not a name": "x"]
        var branch = world.request()
        branch.branch = String(repeating: "x", count: 300)
        var suite = world.request()
        suite.suite = "ste_1"
        var timeout = world.request()
        timeout.timeoutMs = 999
        for (request, pointer) in [
            (world.request(concurrency: 65), "/concurrency"), (variables, "/variables/not a name"), (branch, "/branch"), (suite, "/suite"),
            (timeout, "/timeout_ms"),
        ] {
            let fault = try await world.serve { service in try await InProcess.fault { try await service.start(request) } }
            #expect(fault.kind == .invalid)
            #expect(fault.fields.map(\.pointer) == [pointer])
        }
    }

    @Test("cancelling asks whether the caller may use the run's project")
    func cancel() async throws {
        let world = World()
        world.offer(2, url: "http://127.0.0.1:9")
        let run = try await world.serve { try await $0.start(world.request()) }
        var request = PBCancelRunRequest()
        request.run = run.id.description
        let outside = try await world.serve(limitedTo: [UUID()]) { service in try await InProcess.fault { try await service.cancel(request) } }
        #expect(outside.kind == .notFound)
        #expect(try await world.serve(limitedTo: [world.project.uuid]) { try await $0.cancel(request) }.state == .cancelled)
        let again = try await world.serve { service in try await InProcess.fault { try await service.cancel(request) } }
        #expect(again.code == "runs.already_finished")
    }

    @Test("an assertion that only a newer Projects knows is refused instead of passed over")
    func unknownAssertion() async throws {
        let world = World()
        world.offer(1, url: "http://127.0.0.1:9")
        world.projects.plans.withLock { $0[world.suite.description]?.cases[0].http.assertions[0].source = .UNRECOGNIZED(99) }
        let fault = try await world.serve { service in try await InProcess.fault { try await service.start(world.request()) } }
        #expect(fault.code == "runs.case_unreadable")
    }
}
