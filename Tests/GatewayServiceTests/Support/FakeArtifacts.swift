import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization

struct FakeArtifacts: PBArtifacts.SimpleServiceProtocol {
    let fake: FakeServices

    func uploadArtifacts(request: RPCAsyncSequence<PBArtifactPart, any Error>, context: ServerContext) async throws -> PBUploadArtifactsResponse {
        var parts: [PBArtifactPart] = []
        for try await part in request {
            parts.append(part)
            if let fault = fake.plan.withLock({ $0.uploadFault }) { throw fault }
        }
        fake.record { $0.artifacts.append(parts) }
        return .with { response in
            response.data = parts.compactMap { part in
                guard case .file(let file)? = part.part else { return nil }
                return .with {
                    $0.id = "art_1"
                    $0.name = file.name
                }
            }
        }
    }

    func listArtifacts(request: PBListArtifactsRequest, context: ServerContext) async throws -> PBListArtifactsResponse { .init() }

    func getArtifact(request: PBGetArtifactRequest, context: ServerContext) async throws -> PBArtifact {
        guard request.artifact != "art_gone" else { throw Fault.notFound("artifact", request.artifact) }
        return fake.plan.withLock { $0.artifact }
    }

    func deleteArtifact(request: PBDeleteArtifactRequest, context: ServerContext) async throws -> PBDeleteArtifactResponse {
        fake.record { _ in }
        return .init()
    }

    func readArtifact(request: PBReadArtifactRequest, response: RPCWriter<PBArtifactChunk>, context: ServerContext) async throws {
        fake.record { _ in }
        let content = fake.plan.withLock { $0.content }
        let part = content.dropFirst(Int(request.offset)).prefix(Int(request.length))
        for start in stride(from: 0, to: part.count, by: 250_000) {
            try await response.write(.with { $0.data = part.dropFirst(start).prefix(250_000) })
        }
    }
}
