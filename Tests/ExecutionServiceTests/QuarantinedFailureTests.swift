import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Jobs
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import ExecutionService

@Suite("quarantined failures of a run", .database(ExecutionProgram.schema, JobSchema.schema))
struct QuarantinedFailureTests {
    let fixture = UploadFixture()

    private static func report(_ cases: String) -> Data { Data("<testsuite name='s'>\(cases)</testsuite>".utf8) }

    private static let failing = """
        <testcase classname='c' name='a'><failure/></testcase><testcase classname='c' name='a'><error/></testcase>\
        <testcase classname='c' name='b'><error/></testcase><testcase classname='c' name='good'/>
        """

    private func test(_ name: String) -> ID<TestIdentity> { TestIdentity.id(project: fixture.project, suite: "s", className: "c", name: name) }

    private func check(
        _ run: ID<Run>, _ quarantined: [ID<TestIdentity>], lane: Lane = .trusted, limit: Int32 = 0, cursor: String = ""
    ) async throws -> PBQuarantinedFailures {
        let held = PublishTests.Held()
        held.tests.withLock { $0 = quarantined.map(\.description) }
        let runs = fixture.runs
        let failures = QuarantinedFailureStore(database: fixture.database)
        let caller = Caller(
            identity: CallerIdentity(tenant: fixture.tenant, actor: "key_a", permissions: ["verdicts.read"], projects: nil, lane: lane))
        return try await InProcess.serve([held], as: .service("execution", tenant: fixture.tenant), signedBy: "execution") { analytics in
            let rpc = QuarantineChecksRPC(
                runs: runs, quarantine: Quarantine(failures: failures, analytics: PBQuarantinedTests.Client(wrapping: analytics)))
            return try await InProcess.serve([rpc], rules: ExecutionContract.rules, as: caller) { client in
                try await PBQuarantineChecks.Client(wrapping: client).getQuarantinedFailures(
                    .with { ($0.run, $0.limit, $0.cursor) = (run.description, limit, cursor) })
            }
        }
    }

    @Test("a test counts once however often it failed, and a build is excused when all that failed are quarantined")
    func counts() async throws {
        let run = try await fixture.upload(Self.report(Self.failing)).upload.run
        let none = try await check(run, [])
        #expect(none.failingTests == 2 && none.quarantinedTests == 0 && !none.excused && none.data.isEmpty)
        let some = try await check(run, [test("a"), test("good"), .new()])
        #expect(some.quarantinedTests == 1 && !some.excused && some.data.map(\.name) == ["a"] && some.data.first?.outcome == .failed)
        let all = try await check(run, [test("a"), test("b")])
        #expect(all.quarantinedTests == 2 && all.excused && Set(all.data.map(\.name)) == ["a", "b"])
    }

    @Test("the quarantined ones come page by page, each once, and every page says the same of the whole run")
    func pages() async throws {
        let names = (0..<205).map { "t\($0)" }
        let report = Self.report(names.map { "<testcase classname='c' name='\($0)'><failure/></testcase>" }.joined())
        let run = try await fixture.upload(report).upload.run
        let all = names.map { test($0) }
        var listed: [String] = []
        var cursor = ""
        for count in [100, 100, 5] {
            let page = try await check(run, all, cursor: cursor)
            #expect(page.data.count == count && page.page.hasMore_p == (count == 100))
            #expect(page.excused && page.failingTests == 205 && page.quarantinedTests == 205)
            listed += page.data.map(\.test)
            cursor = page.page.nextCursor
        }
        #expect(cursor.isEmpty && listed == all.sorted().map(\.description))
        // One that is not quarantined stands on no page, and is no reason to excuse any of them.
        let last = try await check(run, Array(all.sorted().dropLast()), limit: 3, cursor: listed[201])
        #expect(last.data.map(\.test) == Array(listed[202..<204]) && !last.excused && last.quarantinedTests == 204 && !last.page.hasMore_p)
        for (quarantined, limit, cursor) in [(all, 201, ""), (all, 3, "x"), ([], 3, "x")] as [([ID<TestIdentity>], Int32, String)] {
            let fault = try await InProcess.fault { _ = try await check(run, quarantined, limit: limit, cursor: cursor) }
            #expect(fault.code == (limit > 200 ? "page.limit_out_of_range" : "page.invalid_cursor"))
        }
    }

    @Test("a test that was renamed is known by either name")
    func alias() async throws {
        let run = try await fixture.upload(Self.report("<testcase classname='c' name='new'><failure/></testcase>")).upload.run
        _ = try await fixture.aliases.insert(
            test("new"), of: test("old"), note: "", by: "key_a", project: fixture.project, tenant: fixture.tenant)
        let found = try await check(run, [test("old")])
        #expect(found.excused && found.data.map(\.test) == [test("old").description])
    }

    @Test("a build that is not trusted is excused as any, and learns nothing of other runs")
    func untrusted() async throws {
        let own = try await fixture.upload(Self.report(Self.failing), lane: .untrusted).upload.run
        let other = try await fixture.upload(Self.report(Self.failing)).upload.run
        let all = [test("a"), test("b")]
        let found = try await check(own, all, lane: .untrusted)
        #expect(found.excused)
        let fault = try await InProcess.fault { try await check(other, all, lane: .untrusted) }
        #expect(fault.code == "run.not_found")
    }

    @Test("a run that passed, one that is under way and one of which something is missing are not excused")
    func others() async throws {
        let passed = try await fixture.upload(Self.report("<testcase name='good'/>")).upload.run
        let none = try await check(passed, [])
        #expect(none.hasFailingTests && none.failingTests == 0 && !none.excused)
        let open = try await fixture.upload(Self.report(Self.failing), ci: Run.CI(key: "build"), name: "open").upload.run
        let all = [test("a"), test("b")]
        let under = try await check(open, all)
        #expect(under.quarantinedTests == 2 && !under.excused)
        let cut = try await fixture.upload(Data("<testsuite name='s'>\(Self.failing)<testcase".utf8), name: "cut").upload.run
        let half = try await check(cut, all)
        #expect(half.quarantinedTests == 2 && !half.excused)
    }
}
