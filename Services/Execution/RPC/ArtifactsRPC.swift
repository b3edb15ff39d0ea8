import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.Artifacts`
struct ArtifactsRPC: PBArtifacts.SimpleServiceProtocol {
    /// Bytes of one `ReadArtifact`.
    static let longestRead: Int64 = 4 << 20

    let artifacts: ArtifactStore
    let runs: RunStore
    let storage: any ArtifactStorage
    /// `nil` where the operator has named no place for artifacts.
    let intake: ArtifactIntake?

    func uploadArtifacts(request: RPCAsyncSequence<PBArtifactPart, any Error>, context: ServerContext) async throws -> PBUploadArtifactsResponse {
        let caller = Caller.current
        guard let intake else { throw Fault.artifactsNotConfigured }
        var parts = Parts(request.makeAsyncIterator())
        let start = try await parts.start()
        let run = try await runs.get(ID(start.run, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        // A build of a fork must not leave files with a run that counts.
        guard caller.lane == .trusted || run.lane == .untrusted else { throw Fault.laneMismatch(run.id) }
        let quota = StorageQuota(
            bytes: start.hasStorageBytes ? start.storageBytes : nil, files: start.hasStorageFiles ? start.storageFiles : nil)
        let receipt = try await intake.receive(.init(run: run, tenant: caller.tenant, quota: quota), &parts)
        if receipt.taken.isEmpty, let first = receipt.refused.first { throw first.fault }
        return PBUploadArtifactsResponse(receipt)
    }

    func listArtifacts(request: PBListArtifactsRequest, context: ServerContext) async throws -> PBListArtifactsResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let result: ID<TestResult>? = request.result.isEmpty ? nil : try ID(request.result, field: "result")
        let run = try await runs.get(ID(request.run, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        let found = try await artifacts.list(run.id, result: result, page, tenant: caller.tenant)
        let dropped = try await artifacts.dropped(of: run.id, tenant: caller.tenant)
        return PBListArtifactsResponse(found, dropped)
    }

    func getArtifact(request: PBGetArtifactRequest, context: ServerContext) async throws -> PBArtifact {
        PBArtifact(try await find(request.artifact))
    }

    func deleteArtifact(request: PBDeleteArtifactRequest, context: ServerContext) async throws -> PBDeleteArtifactResponse {
        let artifact = try await find(request.artifact)
        try await artifacts.delete(artifact, tenant: Caller.current.tenant)
        return PBDeleteArtifactResponse()
    }

    func readArtifact(request: PBReadArtifactRequest, response: RPCWriter<PBArtifactChunk>, context: ServerContext) async throws {
        guard request.offset >= 0, (0...Self.longestRead).contains(request.length) else {
            throw Fault.invalidField("length", "out_of_range", "offset is from 0, length is 0 to \(Self.longestRead).")
        }
        let artifact = try await find(request.artifact)
        let end = min(request.offset + request.length, artifact.content.bytes)
        guard request.offset < end else { return }
        try await storage.read(artifact.content.key(of: Caller.current.tenant), request.offset..<end) { data in
            try await response.write(.with { $0.data = data })
        }
    }

    private func find(_ id: String) async throws -> Artifact {
        let caller = Caller.current
        let artifact = try await artifacts.get(ID(id, field: "artifact"), tenant: caller.tenant)
        try caller.require(project: artifact.project.uuid)
        return artifact
    }

    /// The stream's messages as what they mean.
    private struct Parts: AsyncIteratorProtocol {
        private var messages: RPCAsyncSequence<PBArtifactPart, any Error>.AsyncIterator

        init(_ messages: RPCAsyncSequence<PBArtifactPart, any Error>.AsyncIterator) { self.messages = messages }

        mutating func start() async throws -> PBArtifactStart {
            guard case .start(let start)? = try await messages.next()?.part else { throw Fault.artifactPartsOutOfOrder }
            return start
        }

        mutating func next() async throws -> ArtifactIntake.Input? { try await next(isolation: nil) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> ArtifactIntake.Input? {
            guard let message = try await messages.next(isolation: actor) else { return nil }
            switch message.part {
            case .file(let file): return .file(name: file.name, mediaType: file.mediaType, result: file.result)
            case .data(let data): return .data(data)
            case .end: return .end
            case .start, nil: throw Fault.artifactPartsOutOfOrder
            }
        }
    }
}
