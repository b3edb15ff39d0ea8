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
        let now = Date()
        let draft = try await UploadDraft(parts.start(), lane: caller.lane, now: now)
        try caller.require(project: draft.project.uuid)
        if draft.past != nil { try Self.requireImport(caller, draft) }
        let order = Ingest.Order(draft: draft, tenant: caller.tenant, actor: caller.actor, key: caller.idempotencyKey, now: now)
        return try await PBUploadReceipt(ingest.receive(order, &parts))
    }

    /// Whoever may change a project may say what its past was; keys of CI may not, and least of all what is not trusted.
    private static func requireImport(_ caller: Caller, _ draft: UploadDraft) throws(Fault) {
        let permission = "projects.write"
        guard caller.lane == .trusted, caller.identity.holds(permission),
            caller.identity.projects(holding: permission)?.contains(draft.project.uuid) ?? true
        else { throw .permissionMissing(permission) }
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
