import Crypto
import Foundation
import Jobs
import Postgres
import Primitives
import ServiceKit
import TestSupport
import Testing

@testable import ExecutionService

// The sweeper looks after all organizations: two of these at once would see each other's contents die.
@Suite("The life of artifacts and their contents", .serialized, .database(ExecutionProgram.schema, JobSchema.schema))
struct ArtifactStoreTests {
    private func with<R>(_ body: (ArtifactFixture) async throws -> R) async throws -> R {
        let fixture = ArtifactFixture()
        defer { fixture.remove() }
        return try await body(fixture)
    }

    @Test("a file is kept under its hash, known by what it is, and read in ranges")
    func kept() async throws {
        try await with { fixture in
            let run = try await fixture.run()
            let data = Data((0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
            let artifact = try #require(try await fixture.send([.init(name: "../../etc/x.bin", type: "", data: data)], to: run).taken.first)
            let hex = SHA256.hash(data: data).map { String(format: "%02x", $0) }.joined()
            #expect(artifact.content.hex == hex && artifact.name == "../../etc/x.bin" && artifact.content.bytes == 700_000)
            let path = fixture.folder.appending(path: artifact.content.key(of: fixture.tenant)).path
            #expect(FileManager.default.fileExists(atPath: path) && path.contains("/\(hex.prefix(2))/\(hex.dropFirst(2).prefix(2))/\(hex)-blb_"))
            let read = try await fixture.content(artifact)
            let part = try await fixture.content(artifact, 299_990..<600_010)
            #expect(read == data && part == data[299_990..<600_010])
            let usage = try await fixture.usage.usage(of: fixture.tenant)
            let reports = try await fixture.usage.reports(of: fixture.tenant)
            #expect(usage.storageBytes == reports.bytes + 700_000 && usage.storageFiles == reports.files + 1)
        }
    }

    @Test("the same bytes are one content, however many artifacts have them, and one artifact under the same name")
    func shared() async throws {
        try await with { fixture in
            let run = try await fixture.run()
            let twice = try await fixture.send([.init(name: "a.log"), .init(name: "b.log"), .init(name: "a.log")], to: run).taken
            #expect(twice[0].id == twice[2].id && twice[0].id != twice[1].id && twice[0].content == twice[1].content)
            let contents = try await fixture.contents()
            #expect(contents.count == 1 && contents[0].hasSuffix("|2|stored") && fixture.files().count == 1)
            let usage = try await fixture.usage.usage(of: fixture.tenant)
            let reports = try await fixture.usage.reports(of: fixture.tenant)
            #expect(usage.storageBytes - reports.bytes == 5 && usage.storageFiles - reports.files == 2)
            // Another organization's same bytes are its own.
            let other = ArtifactFixture(storage: fixture.storage)
            defer { other.remove() }
            _ = try await other.send([.init()], to: other.run())
            #expect(fixture.files().count == 2)
        }
    }

    @Test("32 at once with the same bytes are one content with 32 references, and all of it can be read (T90)")
    func concurrent() async throws {
        try await with { fixture in
            let run = try await fixture.run()
            let data = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 >> 4) })
            let taken = try await withThrowingTaskGroup(of: [Artifact].self) { group in
                for index in 0..<32 {
                    group.addTask { try await fixture.send([.init(name: "\(index).bin", type: "", data: data)], to: run).taken }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(Set(taken.map(\.id)).count == 32 && Set(taken.map(\.content.id)).count == 1)
            let contents = try await fixture.contents()
            #expect(contents.count == 1 && contents[0].hasSuffix("|32|stored") && fixture.files().count == 1)
            let read = try await fixture.content(taken[0])
            #expect(read == data)
            let left = try FileManager.default.contentsOfDirectory(atPath: fixture.incoming.path)
            #expect(left.isEmpty, "no incoming file is left")
        }
    }

    @Test("an upload that is cut off half-way leaves nothing that can be seen, and its file is swept after a day (T90)")
    func cutOff() async throws {
        try await with { fixture in
            let run = try await fixture.run()
            let parts = ArtifactFixture.Parts([.init(data: Data(count: 400_000))], breakingOffAfter: 3)
            await #expect(throws: UploadFixture.BrokenOff.self) {
                _ = try await fixture.receive(parts, for: run)
            }
            #expect(try await fixture.contents().isEmpty && fixture.files().isEmpty)
            // What a killed process leaves.
            try Data("half".utf8).write(to: fixture.incoming.appending(path: "left.part"))
            #expect(try await IncomingFile.sweep(fixture.incoming, olderThan: Date().addingTimeInterval(-86_400)) == 0)
            #expect(try await IncomingFile.sweep(fixture.incoming, olderThan: Date().addingTimeInterval(60)) == 1)
        }
    }

    @Test("a content lives as long as an artifact has it, then for the grace, then its bytes and its row are gone")
    func swept() async throws {
        try await with { fixture in
            let run = try await fixture.run()
            let taken = try await fixture.send([.init(name: "a"), .init(name: "b")], to: run).taken
            let later = Date().addingTimeInterval(7_200)
            try await fixture.artifacts.delete(taken[0], tenant: fixture.tenant)
            try await fixture.sweep().round(now: later)
            #expect(fixture.files().count == 1)
            try await fixture.artifacts.delete(taken[1], tenant: fixture.tenant)
            await #expect { try await fixture.artifacts.delete(taken[1], tenant: fixture.tenant) } throws: {
                ($0 as? Fault)?.code == "artifact.not_found"
            }
            let usage = try await fixture.usage.usage(of: fixture.tenant)
            let reports = try await fixture.usage.reports(of: fixture.tenant)
            #expect(usage.storageBytes == reports.bytes && usage.storageFiles == reports.files)
            try await fixture.sweep().round(now: Date())
            #expect(fixture.files().count == 1, "within the grace")
            try await fixture.sweep().round(now: later)
            let contents = try await fixture.contents()
            #expect(fixture.files().isEmpty && contents.isEmpty)
        }
    }

    @Test("artifacts that are too old go with their contents")
    func expired() async throws {
        try await with { fixture in
            let run = try await fixture.run()
            _ = try await fixture.send([.init(name: "a"), .init(name: "b"), .init(name: "c", data: Data("other".utf8))], to: run)
            try await fixture.sweep().round(now: Date().addingTimeInterval(89 * 86_400))
            let kept = try await fixture.artifacts.list(run.id, result: nil, PageRequest(limit: 10, cursor: ""), tenant: fixture.tenant).items
            #expect(kept.count == 3)
            try await fixture.sweep().round(now: Date().addingTimeInterval(91 * 86_400))
            let left = try await fixture.artifacts.list(run.id, result: nil, PageRequest(limit: 10, cursor: ""), tenant: fixture.tenant).items
            #expect(left.isEmpty && fixture.files().isEmpty)
        }
    }

    @Test("what comes again while its old copy is being deleted is another copy, and the sweeper deletes the old one only")
    func reborn() async throws {
        try await with { fixture in
            let run = try await fixture.run()
            let first = try await fixture.send([.init()], to: run).taken[0]
            try await fixture.artifacts.delete(first, tenant: fixture.tenant)
            let now = Date().addingTimeInterval(7_200)
            let dying = try await fixture.artifacts.condemn(unreferencedSince: now, stale: Date().addingTimeInterval(-600), limit: 10)
            #expect(dying.map(\.content) == [first.content])
            // The sweeper stands still here; its bytes are there yet, and nobody may have them.
            let second = try await fixture.send([.init()], to: run).taken[0]
            #expect(second.content.id != first.content.id && fixture.files().count == 2)
            // It dies, and another one ends what it began, but not before it is known to be dead.
            #expect(try await fixture.artifacts.condemn(unreferencedSince: now, stale: Date().addingTimeInterval(-600), limit: 10).isEmpty)
            let again = try await fixture.artifacts.condemn(unreferencedSince: now, stale: now, limit: 10)
            #expect(again.map(\.content) == [first.content])
            for content in again {
                try await fixture.storage.delete(content.content.key(of: content.tenant))
                try await fixture.artifacts.forget(content)
            }
            let read = try await fixture.content(second)
            let contents = try await fixture.contents()
            #expect(read == Data("hello".utf8) && contents.count == 1 && contents[0].hasSuffix("|1|stored"))
        }
    }

    @Test("uploads, deletions and sweepers at once: every artifact that is left can be read, and every count is exact")
    func racing() async throws {
        try await with { fixture in
            let run = try await fixture.run()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<6 {
                    group.addTask {
                        for turn in 0..<12 {
                            let file = ArtifactFixture.File(name: "\(writer).\(turn)", type: "", data: Data("content \(turn % 3)".utf8))
                            let taken = try await fixture.send([file], to: run).taken
                            if (writer + turn) % 3 != 0 { try await fixture.artifacts.delete(taken[0], tenant: fixture.tenant) }
                        }
                    }
                }
                for _ in 0..<2 {
                    group.addTask {
                        // A sweeper without any grace for what was let go; contents on their way in are young by the same clock, so they must win by their locks.
                        for _ in 0..<40 {
                            let now = Date().addingTimeInterval(3_600.005)
                            try await fixture.sweep().round(now: now)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let left = try await fixture.artifacts.list(run.id, result: nil, PageRequest(limit: 200, cursor: ""), tenant: fixture.tenant).items
            #expect(left.count == 24)
            for artifact in left {
                let read = try await fixture.content(artifact)
                #expect(read == Data("content \((Int(artifact.name.split(separator: ".")[1]) ?? 0) % 3)".utf8))
            }
            let counted = try await fixture.upload.database.one(
                .tenant(fixture.tenant),
                """
                select count(*) as n from artifact_blobs b
                where b.refs <> (select count(*) from artifacts a where a.tenant_id = b.tenant_id and a.blob_id = b.id)
                """
            ) { try $0.value("n", as: Int.self) }
            let usage = try await fixture.usage.usage(of: fixture.tenant)
            let reports = try await fixture.usage.reports(of: fixture.tenant)
            #expect(counted == 0 && usage.storageFiles - reports.files == 24 && usage.storageBytes - reports.bytes == 27)
        }
    }
}
