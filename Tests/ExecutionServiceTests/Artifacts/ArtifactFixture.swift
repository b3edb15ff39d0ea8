import Foundation
import Postgres
import Primitives
import TestSupport

@testable import ExecutionService

/// A run with a folder of artifacts of its own.
struct ArtifactFixture: Sendable {
    let upload: UploadFixture
    let folder: URL
    let storage: any ArtifactStorage

    init(_ upload: UploadFixture = UploadFixture(), storage: (any ArtifactStorage)? = nil) {
        self.upload = upload
        folder = FileManager.default.temporaryDirectory.appending(path: "assay-artifacts-\(UUID().uuidString)")
        self.storage = storage ?? DiskStorage(root: folder)
    }

    var tenant: ID<Tenant> { upload.tenant }
    var artifacts: ArtifactStore { ArtifactStore(database: upload.database) }
    var incoming: URL { folder.appending(path: "incoming") }
    var usage: UsageStore { UsageStore(database: upload.database) }

    func intake(maxBytes: Int64 = 1 << 30) -> ArtifactIntake {
        ArtifactIntake(
            artifacts: artifacts, storage: storage, results: upload.results, usage: usage, jobs: upload.jobs, incoming: incoming,
            maxBytes: maxBytes)
    }

    func sweep(retention: Duration = .seconds(90 * 86_400)) -> SweepArtifacts {
        SweepArtifacts(artifacts: artifacts, storage: storage, incoming: incoming, retention: retention, grace: .seconds(3_600))
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    func run(_ report: String = "<testsuite name=\"s\"><testcase name=\"a\"/></testsuite>") async throws -> Run {
        try await upload.run(upload.upload(Data(report.utf8)).upload.run)
    }

    struct File {
        var name = "a.log"
        var type = "text/plain"
        var result = ""
        var data = Data("hello".utf8)
    }

    func send(
        _ files: [File], to run: Run, quota: StorageQuota = StorageQuota(), maxBytes: Int64 = 1 << 30
    ) async throws -> ArtifactIntake.Receipt {
        var parts = Parts(files)
        return try await intake(maxBytes: maxBytes).receive(.init(run: run, tenant: tenant, quota: quota), &parts)
    }

    func receive(_ parts: some AsyncIteratorProtocol<ArtifactIntake.Input, any Error>, for run: Run) async throws -> ArtifactIntake.Receipt {
        var parts = parts
        return try await intake().receive(.init(run: run, tenant: tenant, quota: StorageQuota()), &parts)
    }

    /// The content as it can be read.
    func content(_ artifact: Artifact, _ range: Range<Int64>? = nil) async throws -> Data {
        var read = Data()
        try await storage.read(artifact.content.key(of: tenant), range ?? 0..<artifact.content.bytes) { read += $0 }
        return read
    }

    /// What is in the folder, without its incoming files.
    func files() -> [String] {
        let found = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])?.compactMap { $0 as? URL } ?? []
        return found.filter { (try? $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true && $0.pathExtension != "part" }
            .map(\.lastPathComponent).sorted()
    }

    /// `id|refs|state` of every content.
    func contents() async throws -> [String] {
        try await upload.database.rows(
            .tenant(tenant), "select encode(sha256, 'hex') || '|' || refs || '|' || state as line from artifact_blobs order by 1"
        ) { try $0.value("line") }
    }

    /// Files as the gateway sends them.
    struct Parts: AsyncIteratorProtocol {
        private var parts: [ArtifactIntake.Input]
        private let breaksOff: Bool

        init(_ files: [File], piece: Int = 100_000, breakingOffAfter count: Int? = nil) {
            parts = files.flatMap { file in
                [.file(name: file.name, mediaType: file.type, result: file.result)]
                    + stride(from: 0, to: file.data.count, by: piece).map { .data(file.data.dropFirst($0).prefix(piece)) } + [.end]
            }
            breaksOff = count != nil
            if let count { parts = Array(parts.prefix(count)) }
            parts.reverse()
        }

        mutating func next() async throws -> ArtifactIntake.Input? { try await next(isolation: nil) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> ArtifactIntake.Input? {
            guard let part = parts.popLast() else {
                if breaksOff { throw UploadFixture.BrokenOff() }
                return nil
            }
            return part
        }
    }
}
