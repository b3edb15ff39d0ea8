import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import GRPCInProcessTransport
import Jobs
import Postgres
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import ExecutionService

@Suite("runs, results and uploads over RPC", .database(ExecutionProgram.schema, JobSchema.schema))
struct ExecutionRPCTests {
    static let permissions: Set<String> = ["runs.read", "results.write", "runs.trigger"]

    struct Clients: Sendable {
        let runs: PBRuns.Client<InProcessTransport.Client>
        let results: PBResults.Client<InProcessTransport.Client>
        let uploads: PBUploads.Client<InProcessTransport.Client>
        let rules: PBReadingRules.Client<InProcessTransport.Client>
        let aliases: PBTestAliases.Client<InProcessTransport.Client>

        func upload(_ xml: Data, to project: ID<Project>, key: String = "") async throws -> PBUploadReceipt {
            let start = PBUploadStart.with {
                $0.project = project.description
                $0.ci.key = key
                $0.branch = "main"
            }
            return try await uploads.createUpload(
                request: StreamingClientRequest { writer in
                    try await writer.write(.with { $0.start = start })
                    try await writer.write(.with { $0.file.name = "report.xml" })
                    for offset in stride(from: 0, to: xml.count, by: 200_000) {
                        try await writer.write(.with { $0.data = Data(xml.dropFirst(offset).prefix(200_000)) })
                    }
                    try await writer.write(.with { $0.end = PBFileEnd() })
                })
        }
    }

    func serve<R: Sendable>(
        _ fixture: UploadFixture, permissions: Set<String> = permissions, projects: Set<UUID>? = nil, _ body: (Clients) async throws -> R
    ) async throws -> R {
        let listener = Listener(try DatabaseConfiguration(url: TestDatabase.current.appURL, searchPath: ExecutionProgram.name), logger: .silent)
        listener.start()
        defer { listener.stop() }
        // The poll is slower than the tests' patience: what wakes them is the notification.
        let watcher = RunWatcher(listener: listener, poll: .seconds(30))
        let record = RecordCases(database: fixture.database, cases: CaseStore(), runs: fixture.runs, results: fixture.results, tags: fixture.tags)
        // Nothing here starts a suite.
        let nobody = GRPCClient(transport: InProcessTransport().client)
        let suites = SuiteRuns(
            database: fixture.database, runs: fixture.runs, cases: CaseStore(), record: record, suites: PBSuites.Client(wrapping: nobody))
        let caller = Caller(tenant: fixture.tenant, actor: "key_test", permissions: permissions, projects: projects)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watcher.run() }
            defer { group.cancelAll() }
            return try await InProcess.serve(
                [
                    RunsRPC(runs: fixture.runs, watcher: watcher, suites: suites),
                    ResultsRPC(
                        runs: fixture.runs, results: fixture.results, tags: fixture.tags, suites: fixture.suites,
                        comparisons: ComparisonStore(database: fixture.database)),
                    UploadsRPC(
                        ingest: fixture.ingest, uploads: fixture.uploads,
                        reread: fixture.reread),
                    ReadingRulesRPC(rules: fixture.rules, owners: fixture.owners),
                    TestAliasesRPC(aliases: fixture.aliases, runs: fixture.runs, comparisons: ComparisonStore(database: fixture.database)),
                ], rules: ExecutionContract.rules, as: caller
            ) { client in
                try await body(
                    Clients(
                        runs: .init(wrapping: client), results: .init(wrapping: client), uploads: .init(wrapping: client),
                        rules: .init(wrapping: client), aliases: .init(wrapping: client)))
            }
        }
    }

    @Test("what reports say of whole suites is listed with the run, page by page, and a page is no larger than a message")
    func suites() async throws {
        let fixture = UploadFixture()
        try await serve(fixture) { clients in
            let suites = (0..<60).map {
                "<testsuite name=\"s\($0)\"><properties><property name=\"n\" value=\"\($0)\"/></properties><testcase name=\"t\"/></testsuite>"
            }
            let receipt = try await clients.upload(Data("<testsuites>\(suites.joined())</testsuites>".utf8), to: fixture.project)
            let first = try await clients.results.listRunSuites(.with { $0.run = receipt.runID })
            let second = try await clients.results.listRunSuites(
                .with {
                    $0.run = receipt.runID; $0.cursor = first.page.nextCursor
                })
            #expect((first.data + second.data).map { $0.properties.map(\.value) } == (0..<60).map { ["\($0)"] })
            #expect(first.data.count == 50 && first.data[0].name == "s0" && first.data[0].upload == receipt.uploadID && !second.page.hasMore_p)
            let fault = try await InProcess.fault {
                try await clients.results.listRunSuites(
                    .with {
                        $0.run = receipt.runID; $0.limit = 51
                    })
            }
            #expect(fault.code == "page.limit_out_of_range")
        }
    }

    @Test("an upload, its run, its results page by page, one result and the upload itself can be read")
    func read() async throws {
        let fixture = UploadFixture()
        try await serve(fixture) { clients in
            let receipt = try await clients.upload(Report.generated(450), to: fixture.project)
            #expect(receipt.accepted == 450 && receipt.hasRejected && receipt.runState == .failed)
            let run = try await clients.runs.getRun(.with { $0.run = receipt.runID })
            #expect(
                run.state == .failed && run.counts.total == 450 && run.counts.hasPending && run.hasDurationMs && run.version == 2 && run.hasFinishedAt
            )

            var names: [String] = []
            var cursor = ""
            repeat {
                let page = try await clients.results.listResults(
                    .with {
                        $0.run = run.id; $0.limit = 200; $0.cursor = cursor
                    })
                names += page.data.map(\.name)
                cursor = page.page.nextCursor
            } while !cursor.isEmpty
            #expect(names == (0..<450).map { "test number \($0)" })

            let failed = try await clients.results.listResults(
                .with {
                    $0.run = run.id; $0.outcome = [.failed]; $0.search = "NUMBER 19"
                })
            #expect(failed.data.map(\.name) == ["test number 199"])
            #expect(failed.data[0].message == "expected 199" && failed.data[0].trace.isEmpty)
            let result = try await clients.results.getResult(.with { $0.result = failed.data[0].id })
            #expect(
                result.trace == "at line 199" && result.type == "AssertionError" && result.durationUs == 29_000
                    && result.project == fixture.project.description)
            let same = try await clients.results.listResults(
                .with {
                    $0.run = run.id; $0.test = result.test
                })
            #expect(same.data.map(\.id) == [result.id])
            #expect(
                try await clients.results.listResults(
                    .with {
                        $0.run = run.id; $0.search = "%"
                    }
                ).data.isEmpty)

            let upload = try await clients.uploads.getUpload(.with { $0.upload = receipt.uploadID })
            #expect(upload.accepted == 450 && upload.state == .stored && upload.files[0].sha256.count == 64 && upload.run == run.id)
            #expect(try await clients.upload(Report.generated(450), to: fixture.project).duplicate)
        }
    }

    @Test("runs are listed newest first, by state, branch and kind, over pages")
    func listRuns() async throws {
        let fixture = UploadFixture()
        try await serve(fixture) { clients in
            var ids: [String] = []
            for index in 0..<7 { ids.insert(try await clients.upload(Report.generated(10 + index), to: fixture.project).runID, at: 0) }
            let running = try await clients.upload(Report.generated(9), to: fixture.project, key: "build").runID
            var listed: [String] = []
            var cursor = ""
            repeat {
                let page = try await clients.runs.listRuns(
                    .with {
                        $0.project = fixture.project.description; $0.limit = 3; $0.cursor = cursor
                    })
                listed += page.data.map(\.id)
                cursor = page.page.nextCursor
            } while !cursor.isEmpty
            #expect(listed == [running] + ids)
            func list(_ change: (inout PBListRunsRequest) -> Void) async throws -> [String] {
                var request = PBListRunsRequest.with { $0.project = fixture.project.description }
                change(&request)
                return try await clients.runs.listRuns(request).data.map(\.id)
            }
            #expect(try await list { $0.state = .running } == [running])
            #expect(try await list { $0.branch = "main" }.count == 8)
            #expect(try await list { $0.branch = "other" }.isEmpty)
            #expect(try await list { $0.kind = .suite }.isEmpty)
        }
    }

    @Test("an untrusted caller has runs of its own: it joins, ends and forestalls no trusted one, and what it sends is marked")
    func lanes() async throws {
        let fixture = UploadFixture()
        let stranger = Caller(
            identity: CallerIdentity(tenant: fixture.tenant, actor: "upt_test", permissions: ["results.write"], lane: .untrusted))
        try await serve(fixture) { clients in
            // First, so that it could be in the way.
            let first = try await Caller.with(stranger) { try await clients.upload(Report.generated(10), to: fixture.project, key: "build") }
            let trusted = try await clients.upload(Report.generated(10), to: fixture.project, key: "build")
            #expect(trusted.runID != first.runID && !trusted.duplicate && trusted.accepted == 10)
            let before = try await clients.runs.getRun(.with { $0.run = trusted.runID })
            #expect(before.lane == .trusted && before.counts.total == 10)

            let joining = try await InProcess.fault {
                try await Caller.with(stranger) { try await clients.upload(Report.generated(11), to: fixture.project, key: "build") }
            }
            #expect(joining.kind == .forbidden && joining.code == "runs.lane_mismatch")
            let ending = try await InProcess.fault {
                try await Caller.with(stranger) { try await clients.runs.finishRun(.with { $0.run = trusted.runID }) }
            }
            #expect(ending.code == "runs.lane_mismatch")
            let after = try await clients.runs.getRun(.with { $0.run = trusted.runID })
            #expect(after.counts == before.counts && after.version == before.version && after.state == .running)

            // The same report without a key: one run in each lane.
            let alone = try await Caller.with(stranger) { try await clients.upload(Report.generated(12), to: fixture.project) }
            let counted = try await clients.upload(Report.generated(12), to: fixture.project)
            #expect(!counted.duplicate && counted.runID != alone.runID)
            #expect(try await Caller.with(stranger) { try await clients.upload(Report.generated(12), to: fixture.project) }.runID == alone.runID)
            let ended = try await Caller.with(stranger) { try await clients.runs.finishRun(.with { $0.run = first.runID }) }
            #expect(ended.lane == .untrusted && ended.state == .passed)

            func list(_ lane: PBLane.Value) async throws -> Set<String> {
                let request = PBListRunsRequest.with {
                    $0.project = fixture.project.description
                    $0.lane = lane
                }
                return Set(try await clients.runs.listRuns(request).data.map(\.id))
            }
            #expect(try await list(.trusted) == [trusted.runID, counted.runID])
            #expect(try await list(.untrusted) == [first.runID, alone.runID])
            #expect(try await list(.laneUnspecified).count == 4)
        }
    }

    @Test("waiting for a run ends when it finishes, long before the time is up")
    func wait() async throws {
        let fixture = UploadFixture()
        try await serve(fixture) { clients in
            let id = try await clients.upload(Report.generated(9), to: fixture.project, key: "build").runID
            let start = ContinuousClock.now
            async let waited = clients.runs.getRun(
                .with {
                    $0.run = id; $0.wait = 25
                })
            async let watched = clients.runs.watchRun(.with { $0.run = id }) { response in
                try await response.messages.reduce(into: [PBRunEvent]()) { $0.append($1) }
            }
            _ = try await clients.upload(Report.generated(100), to: fixture.project, key: "build")
            let finished = try await clients.runs.finishRun(.with { $0.run = id })
            #expect(finished.state == .failed && finished.counts.total == 109)
            #expect(try await waited.state == .failed)
            let events = try await watched
            #expect(ContinuousClock.now - start < .seconds(20))
            #expect(events.last?.type == .finished && events.last?.id == finished.version && events.last?.run.state == .failed)
            #expect(events.map(\.id) == events.map(\.id).sorted() && Set(events.map(\.id)).count == events.count)
            // Who knows the last version already hears nothing more, and the stream ends.
            let rest = try await clients.runs.watchRun(
                .with {
                    $0.run = id; $0.lastEventID = finished.version
                }
            ) { response in
                try await response.messages.reduce(into: 0) { count, _ in count += 1 }
            }
            #expect(rest == 0)
            let fault = try await InProcess.fault { try await clients.runs.finishRun(.with { $0.run = id }) }
            #expect(fault.code == "runs.already_finished")
        }
    }

    @Test("waiting ends with the run as it is when the time is up")
    func waitInVain() async throws {
        let fixture = UploadFixture()
        try await serve(fixture) { clients in
            let id = try await clients.upload(Report.generated(9), to: fixture.project, key: "build").runID
            let run = try await clients.runs.getRun(
                .with {
                    $0.run = id; $0.wait = 1
                })
            #expect(run.state == .running && !run.hasFinishedAt && run.hasDurationMs == run.hasStartedAt)
        }
    }

    @Test("foreign and unknown objects are not found, for other tenants and for keys of other projects")
    func foreign() async throws {
        let fixture = UploadFixture()
        let receipt = try await fixture.upload(Report.generated(3))
        let run = receipt.upload.run
        let result = try #require(try await fixture.listed(run).first).id
        for (caller, projects) in [(UploadFixture(), nil), (fixture, Set([UUID()]))] as [(UploadFixture, Set<UUID>?)] {
            try await serve(caller, projects: projects) { clients in
                let faults = [
                    try await InProcess.fault { try await clients.runs.getRun(.with { $0.run = run.description }) },
                    try await InProcess.fault { try await clients.runs.finishRun(.with { $0.run = run.description }) },
                    try await InProcess.fault { try await clients.results.listResults(.with { $0.run = run.description }) },
                    try await InProcess.fault { try await clients.results.listRunSuites(.with { $0.run = run.description }) },
                    try await InProcess.fault { try await clients.results.getResult(.with { $0.result = result.description }) },
                    try await InProcess.fault { try await clients.uploads.getUpload(.with { $0.upload = receipt.upload.id.description }) },
                ]
                #expect(faults.map(\.kind) == Array(repeating: .notFound, count: faults.count))
            }
        }
        try await serve(fixture, projects: [UUID()]) { clients in
            let first = try await InProcess.fault { try await clients.upload(Report.generated(3), to: fixture.project) }
            #expect(first.kind == .notFound)
            let second = try await InProcess.fault { try await clients.runs.listRuns(.with { $0.project = fixture.project.description }) }
            #expect(second.kind == .notFound)
        }
    }

    @Test("bad requests name what is wrong")
    func invalid() async throws {
        let fixture = UploadFixture()
        try await serve(fixture) { clients in
            let id = try await clients.upload(Report.generated(3), to: fixture.project).runID
            let project = fixture.project.description
            let codes = [
                try await InProcess.fault { try await clients.runs.getRun(.with { $0.run = "run_x" }) },
                try await InProcess.fault {
                    try await clients.runs.getRun(
                        .with {
                            $0.run = id; $0.wait = 61
                        })
                },
                try await InProcess.fault {
                    try await clients.runs.listRuns(
                        .with {
                            $0.project = project; $0.cursor = "x"
                        })
                },
                try await InProcess.fault {
                    try await clients.runs.listRuns(
                        .with {
                            $0.project = project; $0.limit = 201
                        })
                },
                try await InProcess.fault {
                    try await clients.results.listResults(
                        .with {
                            $0.run = id; $0.cursor = "res_x"
                        })
                },
                try await InProcess.fault {
                    try await clients.results.listResults(
                        .with {
                            $0.run = id; $0.outcome = [.outcomeUnspecified]
                        })
                },
                try await InProcess.fault { try await clients.upload(Data("nothing".utf8), to: fixture.project) },
            ].map(\.code)
            #expect(
                codes == [
                    "request.invalid_id", "request.invalid", "page.invalid_cursor", "page.limit_out_of_range", "page.invalid_cursor",
                    "request.invalid",
                    "report.unknown_format",
                ])
        }
        try await serve(fixture, permissions: ["runs.read"]) { clients in
            let refused = try await InProcess.fault { try await clients.upload(Report.generated(3), to: fixture.project) }
            #expect(refused.kind == .forbidden)
        }
    }
}
