import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit

/// `assay.execution.v1.Uploads`
struct UploadsRPC: PBUploads.SimpleServiceProtocol {
    let ingest: Ingest
    let uploads: UploadStore
    let reread: Reread

    func createUpload(request: RPCAsyncSequence<PBUploadPart, any Error>, context: ServerContext) async throws -> PBUploadReceipt {
        let caller = Caller.current
        var parts = Parts(request.makeAsyncIterator())
        let draft = try await UploadDraft(parts.start(), lane: caller.lane)
        try caller.require(project: draft.project.uuid)
        let order = Ingest.Order(draft: draft, tenant: caller.tenant, actor: caller.actor, key: caller.idempotencyKey, now: Date())
        return try await PBUploadReceipt(ingest.receive(order, &parts))
    }

    func getUpload(request: PBGetUploadRequest, context: ServerContext) async throws -> PBUpload {
        let caller = Caller.current
        let upload = try await uploads.get(ID(request.upload, field: "upload"), tenant: caller.tenant)
        try caller.require(project: upload.project.uuid)
        return PBUpload(upload)
    }

    func rereadUpload(request: PBRereadUploadRequest, context: ServerContext) async throws -> PBRereading {
        let caller = Caller.current
        let upload = try await uploads.get(ID(request.upload, field: "upload"), tenant: caller.tenant)
        try caller.require(project: upload.project.uuid)
        let (rereading, warnings) = try await reread.compare(upload, tenant: caller.tenant)
        return PBRereading(rereading, warnings: warnings)
    }

    /// The stream's messages as what they mean.
    private struct Parts: AsyncIteratorProtocol {
        private var messages: RPCAsyncSequence<PBUploadPart, any Error>.AsyncIterator

        init(_ messages: RPCAsyncSequence<PBUploadPart, any Error>.AsyncIterator) {
            self.messages = messages
        }

        mutating func start() async throws -> PBUploadStart {
            guard case .start(let start)? = try await messages.next()?.part else { throw Fault.partsOutOfOrder }
            return start
        }

        mutating func next() async throws -> UploadInput? {
            try await next(isolation: nil)
        }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> UploadInput? {
            guard let message = try await messages.next(isolation: actor) else { return nil }
            return try UploadInput(message)
        }
    }
}
