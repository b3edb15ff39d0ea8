import Foundation
import Jobs
import Postgres
import Primitives
import ServiceKit
import TestSupport
import Testing

@testable import ExecutionService

@Suite("Taking artifacts", .database(ExecutionProgram.schema, JobSchema.schema))
struct ArtifactIntakeTests {
    private func with<R>(_ body: (ArtifactFixture) async throws -> R) async throws -> R {
        let fixture = ArtifactFixture()
        defer { fixture.remove() }
        return try await body(fixture)
    }

    @Test("each file is taken or refused by itself (T88)")
    func each() async throws {
        try await with { fixture in
            let run = try await fixture.run()
            let flood = Data(ArtifactKindTests.png(100_000, 100_000))
            let receipt = try await fixture.send(
                [
                    .init(name: "flood.png", type: "image/png", data: flood),
                    .init(name: "ok.png", type: "image/png", data: Data(ArtifactKindTests.png(9, 7))),
                    .init(name: "", data: Data("x".utf8)), .init(name: "large", data: Data(count: 200_001)), .init(name: "nul\0.log"),
                    .init(name: "r", result: "res_00000000000000000000000000"), .init(name: String(repeating: "n", count: 4_096)),
                ], to: run, maxBytes: 200_000)
            #expect(
                receipt.refused.map(\.fault.code) == ["artifact.image_too_large", "artifact.name_invalid", "artifact.too_large", "result.not_found"])
            #expect(receipt.taken.map(\.name) == ["ok.png", "nul\u{FFFD}.log", String(repeating: "n", count: 4_096)])
            #expect(receipt.taken[0].kind == ArtifactKind(mediaType: "image/png", size: PixelSize(width: 9, height: 7)))
            let listed = try await fixture.artifacts.list(run.id, result: nil, PageRequest(limit: 2, cursor: ""), tenant: fixture.tenant)
            let next = try await fixture.artifacts.list(
                run.id, result: nil, PageRequest(limit: 2, cursor: listed.next ?? ""), tenant: fixture.tenant)
            #expect((listed.items + next.items).map(\.id) == receipt.taken.map(\.id) && next.next == nil)
        }
    }

    @Test("a recording is looked at to its end, and refused when it says that it is too large (T88)")
    func recordings() async throws {
        try await with { fixture in
            let run = try await fixture.run()
            let media = RecordingTests.ftyp + RecordingTests.box("mdat", [UInt8](repeating: 7, count: ArtifactKind.headBytes + 100_000))
            let receipt = try await fixture.send(
                [
                    .init(name: "ok.mp4", type: "video/mp4", data: Data(media + RecordingTests.movie([RecordingTests.tkhd(640, 360)]))),
                    .init(name: "flood.mp4", type: "video/mp4", data: Data(media + RecordingTests.movie([RecordingTests.tkhd(60_000, 60_000)]))),
                    .init(name: "broken.mp4", type: "video/mp4", data: Data(media)),
                ], to: run)
            #expect(receipt.refused.map(\.fault.code) == ["artifact.video_too_large"])
            #expect(
                receipt.taken.map(\.kind) == [
                    ArtifactKind(mediaType: "video/mp4", size: PixelSize(width: 640, height: 360)), ArtifactKind(mediaType: ArtifactKind.unknown),
                ])
        }
    }

    @Test("what finds no room is refused and remembered with the run, and exactly as much as fits gets in (T91)")
    func quota() async throws {
        try await with { fixture in
            let run = try await fixture.run()
            let reports = try await fixture.usage.reports(of: fixture.tenant)
            let quota = StorageQuota(bytes: reports.bytes + 50, files: reports.files + 100)
            let refusals = try await withThrowingTaskGroup(of: [Fault].self) { group in
                for index in 0..<10 {
                    group.addTask {
                        let file = ArtifactFixture.File(name: "\(index)", type: "", data: Data("0123456\(100 + index)".utf8))
                        return try await fixture.send([file], to: run, quota: quota).refused.map(\.fault)
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(refusals.count == 5 && refusals.allSatisfy { $0.code == "quota_exceeded" && $0.kind == .invalid })
            let dropped = try await fixture.artifacts.dropped(of: run.id, tenant: fixture.tenant)
            #expect(dropped?.files == 5 && dropped?.bytes == 50)
            let usage = try await fixture.usage.usage(of: fixture.tenant)
            #expect(usage.storageBytes == quota.bytes)
            // The number of files is held by the same lock.
            let few = try await fixture.send(
                [.init(name: "more", data: Data())], to: run, quota: StorageQuota(bytes: nil, files: usage.storageFiles))
            #expect(few.refused.map(\.fault.fields.first?.detail) == ["storage_files"])
        }
    }

    @Test("a file belongs to the result that is named, or to the only one whose report names it")
    func attached() async throws {
        try await with { fixture in
            let report = """
                <testsuite name="s">
                <testcase name="a"><system-out>[[ATTACHMENT|/ci/work/shots/a.png]]\n[[ATTACHMENT|/ci/both.png]]</system-out></testcase>
                <testcase name="b"><system-out>[[ATTACHMENT|shots\\b.png]]\n[[ATTACHMENT|/other/both.png]]</system-out></testcase>
                </testsuite>
                """
            let run = try await fixture.run(report)
            let results = try await fixture.upload.listed(run.id)
            let (a, b) = (results[0].id, results[1].id)
            let receipt = try await fixture.send(
                [
                    .init(name: "a.png"), .init(name: "shots/a.png"), .init(name: "/ci/work/shots/a.png"), .init(name: "b.png"),
                    .init(name: "both.png"),
                    .init(name: "ci/both.png"), .init(name: "hots/a.png"), .init(name: "c.png"), .init(name: "c.png", result: b.description),
                ], to: run)
            #expect(receipt.taken.map(\.result) == [a, a, a, b, nil, a, nil, nil, b] && receipt.refused.isEmpty)
            let ofB = try await fixture.artifacts.list(run.id, result: b, PageRequest(limit: 10, cursor: ""), tenant: fixture.tenant).items
            #expect(ofB.map(\.name) == ["b.png", "c.png"])
            let other = try await fixture.run("<testsuite name=\"s\"><testcase name=\"z\"/></testsuite>")
            let foreign = try await fixture.send([.init(result: a.description)], to: other)
            #expect(foreign.refused.map(\.fault.code) == ["artifact.other_run"])
        }
    }

    @Test("parts that are not in order are refused")
    func order() async throws {
        try await with { fixture in
            let run = try await fixture.run()
            for count in [1, 2] {
                let parts = Truncated(parts: Array([.file(name: "a", mediaType: "", result: ""), .data(Data("x".utf8))].prefix(count)))
                await #expect(throws: Fault.artifactPartsOutOfOrder) {
                    _ = try await fixture.receive(parts, for: run)
                }
            }
            #expect(try await fixture.contents().isEmpty)
        }
    }

    private struct Truncated: AsyncIteratorProtocol {
        var parts: [ArtifactIntake.Input]

        mutating func next() async throws -> ArtifactIntake.Input? { try await next(isolation: nil) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> ArtifactIntake.Input? {
            parts.isEmpty ? nil : parts.removeFirst()
        }
    }
}
