import ExecutionAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import ExecutionService

/// Runs of the past that are taken over from another system.
@Suite("imports", .database(ExecutionProgram.schema, JobSchema.schema))
struct ImportTests {
    private let fixture = UploadFixture()
    private let now = Date()
    private var yearAgo: Date { Date(timeIntervalSince1970: (now.timeIntervalSince1970 - 365 * 86_400).rounded()) }

    private func past(_ startedAt: Date, _ finishedAt: Date? = nil) throws -> PastRun {
        try #require(try PastRun(startedAt: startedAt, finishedAt: finishedAt, now: now))
    }

    private func xml(_ name: String = "a", at time: Date? = nil, seconds: Double = 2) -> Data {
        let stamp = time.map { " timestamp='\($0.formatted(.iso8601))'" } ?? ""
        return Data("<testsuite name='s'\(stamp)><testcase name='\(name)' time='\(seconds)'><failure message='no'/></testcase></testsuite>".utf8)
    }

    @Test("an imported run stands on its own day, is over, and only Analytics hears of it")
    func whole() async throws {
        let receipt = try await fixture.upload(xml(at: yearAgo.addingTimeInterval(60)), past: past(yearAgo))
        #expect(receipt.runState == .failed && receipt.upload.warnings.isEmpty)
        let run = try await fixture.run(receipt.upload.run)
        #expect(run.createdAt == yearAgo && run.startedAt == yearAgo && run.finishedAt == yearAgo.addingTimeInterval(2))
        #expect(run.importedAt.map { abs($0.timeIntervalSince(now)) < 60 } == true)
        #expect(try await fixture.waiting() == ["publish-batch analytics", "publish-run analytics"])
        // Its results are found although they were recorded long after it.
        let listed = try await fixture.listed(run.id)
        #expect(listed.map(\.startedAt) == [yearAgo.addingTimeInterval(60)])
        let result = try #require(listed.first)
        #expect(try await fixture.results.get(result.id, tenant: fixture.tenant).texts.message == "no")
        let message = PBRun(run, now: now)
        #expect(message.hasImportedAt && message.createdAt == Google_Protobuf_Timestamp(milliseconds: yearAgo) && message.durationMs == 2000)
    }

    @Test("times of its reports are held against its own, also when they are read again")
    func times() async throws {
        let receipt = try await fixture.upload(xml(at: yearAgo.addingTimeInterval(-2 * 86_400)), past: past(yearAgo))
        #expect(receipt.upload.warnings.map(\.code) == ["suite.timestamp_clamped"])
        let upload = try await fixture.upload(xml("b", at: yearAgo), past: past(yearAgo)).upload
        let reread = try await fixture.reread.compare(upload, tenant: fixture.tenant)
        #expect(reread.rereading.same == 1 && reread.warnings.isEmpty)
    }

    @Test("the same build again gives the first run; the same report of another build is another run")
    func again() async throws {
        let first = try await fixture.upload(xml(), past: past(yearAgo))
        let second = try await fixture.upload(xml(), past: past(yearAgo))
        #expect(second.duplicate && second.upload.id == first.upload.id)
        let other = try await fixture.upload(xml(), past: past(yearAgo.addingTimeInterval(3600)))
        let today = try await fixture.upload(xml())
        #expect(!other.duplicate && !today.duplicate)
        #expect(Set([first, other, today].map(\.upload.run)).count == 3)
    }

    @Test("runs are listed in the order in which they took place")
    func order() async throws {
        let today = try await fixture.upload(xml()).upload.run
        let newer = try await fixture.upload(xml(), past: past(yearAgo.addingTimeInterval(86_400))).upload.run
        let older = try await fixture.upload(xml(), past: past(yearAgo)).upload.run
        let page = try await fixture.runs.list(fixture.project, .init(), PageRequest(limit: 10, cursor: ""), tenant: fixture.tenant)
        #expect(page.items.map(\.id) == [today, newer, older])
    }

    @Test("shards of an imported run join it by key and time; what is of another time does not, in either direction")
    func shards() async throws {
        let ci = Run.CI(key: "build-7")
        let end = yearAgo.addingTimeInterval(600)
        let first = try await fixture.upload(xml("a"), ci: ci, past: past(yearAgo, end))
        let second = try await fixture.upload(xml("b"), ci: ci, past: past(yearAgo, end))
        #expect(second.upload.run == first.upload.run)
        let run = try await fixture.run(first.upload.run)
        #expect(run.counts.failed == 2 && run.state == .failed && run.finishedAt.map { $0 >= end && $0 < end.addingTimeInterval(1) } == true)
        for past in [nil, try past(yearAgo.addingTimeInterval(1))] {
            let fault = await #expect(throws: Fault.self) { try await fixture.upload(xml("c"), ci: ci, past: past) }
            #expect(fault?.code == "runs.import_mismatch")
        }
        let live = Run.CI(key: "build-8")
        _ = try await fixture.upload(xml("d"), ci: live)
        let fault = await #expect(throws: Fault.self) { try await fixture.upload(xml("e"), ci: live, past: past(yearAgo)) }
        #expect(fault?.code == "runs.import_mismatch")
        #expect(try await fixture.run(first.upload.run) == run)
    }

    @Test(
        "what no run of the past can be is refused",
        arguments: [
            (1.0, nil, "/started_at"), (-3654 * 86_400.0, nil, "/started_at"), (-100, -101, "/finished_at"), (-100, 1, "/finished_at"),
            (-40 * 86_400, -86_400, "/finished_at"), (nil, -1, "/started_at"),
        ] as [(Double?, Double?, String)])
    func bounds(start: Double?, end: Double?, field: String) {
        let fault = Report.fault {
            _ = try PastRun(startedAt: start.map(now.addingTimeInterval), finishedAt: end.map(now.addingTimeInterval), now: now)
        }
        #expect(fault?.code == "request.invalid" && fault?.fields.first?.pointer == field)
    }

    @Test("an imported run ends when it says, else after its tests' time, and never after now")
    func ends() throws {
        #expect(try past(yearAgo, yearAgo.addingTimeInterval(9)).end(microseconds: 5, now: now) == yearAgo.addingTimeInterval(9))
        #expect(try past(yearAgo).end(microseconds: 1_500_000, now: now) == yearAgo.addingTimeInterval(1.5))
        #expect(try past(now.addingTimeInterval(-10)).end(microseconds: 60_000_000, now: now) == now)
    }

    @Test("only whoever may change a project may say what its past was")
    func permission() async throws {
        let rpc = UploadsRPC(ingest: fixture.ingest, uploads: fixture.uploads, reread: fixture.reread)
        let started = Google_Protobuf_Timestamp(milliseconds: yearAgo)
        for (permissions, lane, isAllowed) in [
            (["results.write"], Lane.trusted, false), (["results.write", "projects.write"], .untrusted, false),
            (["results.write", "projects.write"], .trusted, true),
        ] as [(Set<String>, Lane, Bool)] {
            let identity = CallerIdentity(tenant: fixture.tenant, actor: "key_test", permissions: permissions, lane: lane)
            let project = fixture.project
            let xml = xml("p")
            func upload() async throws -> PBUploadReceipt {
                try await InProcess.serve([rpc], rules: ExecutionContract.rules, as: Caller(identity: identity)) { client in
                    try await PBUploads.Client(wrapping: client).createUpload { writer in
                        try await writer.write(
                            .with {
                                $0.start.project = project.description
                                $0.start.startedAt = started
                            })
                        try await writer.write(.with { $0.file.name = "report.xml" })
                        try await writer.write(.with { $0.data = xml })
                        try await writer.write(.with { $0.end = PBFileEnd() })
                    }
                }
            }
            if isAllowed {
                let receipt = try await upload()
                #expect(receipt.accepted == 1 && receipt.runState == .failed)
            } else {
                let fault = try await InProcess.fault { try await upload() }
                #expect(fault.code == "permission.missing")
            }
        }
    }
}
