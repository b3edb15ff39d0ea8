import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import ExecutionService

@Suite("logs on their way to be read", .database(ExecutionProgram.schema, JobSchema.schema))
struct MineLogTests {
    private final class Reader: PBLogIntake.SimpleServiceProtocol {
        let heard = Mutex<[PBSubmitLogRequest]>([])

        func submitLog(request: PBSubmitLogRequest, context: ServerContext) async throws -> PBEmpty {
            heard.withLock { $0.append(request) }
            return PBEmpty()
        }
    }

    /// Carries out the jobs that an artifact has brought about.
    private func mine(_ fixture: ArtifactFixture, _ artifact: Artifact) async throws -> [PBSubmitLogRequest] {
        let reader = Reader()
        let caller = Caller.service("execution", tenant: fixture.tenant)
        try await InProcess.serve([reader], rules: ValidationContract.rules, as: caller, signedBy: "execution") { client in
            let worker = MineLog(
                artifacts: fixture.artifacts, runs: fixture.upload.runs, storage: fixture.storage, logs: PBLogIntake.Client(wrapping: client),
                jobs: fixture.upload.jobs)
            var piece = 0
            while piece < 200 {
                try await worker.handle(
                    .init(artifact: artifact.id, piece: piece), Job(tenant: fixture.tenant, kind: MineLog.Payload.kind))
                if reader.heard.withLock({ $0.last?.isLast ?? true }) { break }
                piece += MineLog.pieces
            }
        }
        return reader.heard.withLock { $0 }
    }

    @Test("a log is sent in pieces of whole lines, each line once, however it is cut")
    func pieces() async throws {
        let fixture = ArtifactFixture()
        defer { fixture.remove() }
        let run = try await fixture.run()
        let line = String(repeating: "word ", count: 30)
        let log = Data((0..<60_000).map { "\($0) \(line)\n" }.joined().utf8)
        let artifact = try #require(try await fixture.send([.init(name: "app.log", data: log)], to: run).taken.first)
        #expect(try await fixture.upload.waiting().contains { $0.hasPrefix("mine-log") })
        let heard = try await mine(fixture, artifact)
        #expect(heard.count > MineLog.pieces && heard.map(\.piece) == Array(0..<Int32(heard.count)))
        #expect(heard.map(\.isLast) == Array(repeating: false, count: heard.count - 1) + [true])
        let lines = heard.flatMap { String(decoding: $0.text, as: UTF8.self).split(separator: "\n") }
        #expect(lines.count == 60_000 && lines.enumerated().allSatisfy { $1.hasPrefix("\($0) ") })
        #expect(
            heard.allSatisfy {
                $0.run == run.id.description && $0.branch == "main" && !$0.isCut && $0.text.count <= LogWindow.piece + LogWindow.beyond
            })
    }

    @Test("what suites put out is a log of their run, in pieces, and an upload whose suites say nothing brings none")
    func suites() async throws {
        let fixture = UploadFixture()
        func report(_ count: Int) -> Data {
            let suites = (0..<count).map {
                "<testsuite name=\"s\($0)\"><testcase name=\"t\"/><system-out>out of \($0)</system-out><system-err>err</system-err></testsuite>"
            }
            return Data("<testsuites>\(suites.joined())</testsuites>".utf8)
        }
        let receipt = try await fixture.upload(report(40))
        #expect(try await fixture.waiting().contains { $0.hasPrefix("mine-suite-output") })
        let reader = Reader()
        try await InProcess.serve(
            [reader], rules: ValidationContract.rules, as: .service("execution", tenant: fixture.tenant), signedBy: "execution"
        ) { client in
            let worker = MineSuiteOutput(suites: fixture.suites, runs: fixture.runs, logs: PBLogIntake.Client(wrapping: client))
            try await worker.handle(
                .init(upload: receipt.upload.id, run: receipt.upload.run), Job(tenant: fixture.tenant, kind: MineSuiteOutput.Payload.kind))
        }
        let heard = reader.heard.withLock { $0 }
        #expect(heard.map(\.piece) == [0, 1, 2] && heard.map(\.isLast) == [false, false, true])
        #expect(Set(heard.map(\.artifact)) == ["art_\(receipt.upload.id.description.dropFirst(4))"])
        let lines = heard.flatMap { String(decoding: $0.text, as: UTF8.self).split(separator: "\n").map(String.init) }
        #expect(lines == (0..<40).flatMap { ["out of \($0)", "err"] })

        let quiet = UploadFixture()
        _ = try await quiet.upload(
            Data("<testsuite name=\"s\"><testcase name=\"t\"><system-out>of the test</system-out></testcase></testsuite>".utf8))
        #expect(try await !quiet.waiting().contains { $0.hasPrefix("mine-suite-output") })
    }

    @Test("what is called a log and is no text is told of; text ends where it is none; pictures are no logs")
    func unreadable() async throws {
        let fixture = ArtifactFixture()
        defer { fixture.remove() }
        let run = try await fixture.run()
        let files: [ArtifactFixture.File] = [
            .init(name: "core.log", type: "application/octet-stream", data: Data([0x7F, 0x45, 0, 1])),
            .init(name: "data.bin", type: "application/octet-stream", data: Data([0x7F, 0x45, 0, 2])),
        ]
        let taken = try await fixture.send(files, to: run).taken
        #expect(taken.map(\.isLog) == [true, false])
        let heard = try await mine(fixture, taken[0])
        #expect(heard.map(\.isUnreadable) == [true] && heard.map(\.isLast) == [true] && heard[0].text.isEmpty)
        let claimed = try await fixture.send([.init(name: "app.log", type: "application/octet-stream", data: Data("ERROR a\n".utf8))], to: run).taken
        let read = try await mine(fixture, try #require(claimed.first))
        #expect(read.map(\.text) == [Data("ERROR a\n".utf8)] && read.map(\.isUnreadable) == [false], "what a client claims is not what it is")
        let text = String(repeating: "line\n", count: 60_000)
        let mixed = try await fixture.send([.init(name: "mixed.log", data: Data(text.utf8) + [0, 10] + Data(text.utf8))], to: run).taken
        let pieces = try await mine(fixture, try #require(mixed.first))
        #expect(pieces.count == 1 && pieces[0].isUnreadable && pieces[0].text.count == text.utf8.count)
    }

    @Test("a run's log that is deleted before it is read is no failure")
    func deleted() async throws {
        let fixture = ArtifactFixture()
        defer { fixture.remove() }
        let run = try await fixture.run()
        let artifact = try #require(try await fixture.send([.init(name: "a.log")], to: run).taken.first)
        let gone = Artifact(
            id: .new(), project: artifact.project, run: artifact.run, result: nil, name: "b.log", kind: artifact.kind, content: artifact.content,
            createdAt: artifact.createdAt)
        #expect(try await mine(fixture, gone).isEmpty)
    }

    @Test("each line is in the piece in which it begins, at every border")
    func windows() {
        let size = LogWindow.piece
        func lines(_ data: Data) -> [Data] {
            var all: [Data] = []
            var number = 0
            while let range = LogWindow.range(of: number, bytes: Int64(data.count)) {
                all += LogWindow.lines(data[Int(range.lowerBound)..<Int(range.upperBound)], of: number).split(separator: UInt8(ascii: "\n"))
                number += 1
            }
            return all
        }
        for end in [size - 2, size - 1, size, size + 1] {
            let data = Data(repeating: UInt8(ascii: "a"), count: end) + Data("\nsecond\n".utf8)
            #expect(lines(data).map(\.count).suffix(1) == [6] && lines(data).count == 2, "\(end)")
        }
        // Of a line without an end the beginning is read, and nothing twice.
        let endless = lines(Data(repeating: UInt8(ascii: "a"), count: 3 * size))
        #expect(endless.map(\.count) == [size + LogWindow.beyond])
        #expect(LogWindow.range(of: 0, bytes: 0) == nil && LogWindow.range(of: 64, bytes: .max) == nil)
    }
}
