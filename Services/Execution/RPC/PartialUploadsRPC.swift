import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.PartialUploads`: the gateway keeps bodies here that come in pieces.
struct PartialUploadsRPC: PBPartialUploads.SimpleServiceProtocol {
    let uploads: PartialUploadStore

    func openPartialUpload(request: PBOpenPartialUploadRequest, context: ServerContext) async throws -> PBPartialUpload {
        let now = Date()
        let fresh = PartialUpload(
            id: .new(at: now), project: try ID(request.project, field: "project"), lane: try Lane(request.lane, field: "/lane") ?? .untrusted,
            head: try PartialUpload.Head(request.head), expiresAt: now.addingTimeInterval(PartialUpload.lifetime))
        let known = try fresh.knowing(length: request.hasLength ? request.length : nil)
        return try await PBPartialUpload(uploads.open(known, tenant: Caller.current.tenant))
    }

    func getPartialUpload(request: PBGetPartialUploadRequest, context: ServerContext) async throws -> PBPartialUpload {
        try await PBPartialUpload(uploads.get(ID(request.partialUpload, field: "partial_upload"), tenant: Caller.current.tenant))
    }

    func appendPartialUpload(request: PBAppendPartialUploadRequest, context: ServerContext) async throws -> PBPartialUpload {
        guard request.data.count <= PartialUpload.pieceBytes else { throw Fault.uploadTooLarge("a piece of more than a MiB") }
        let upload = try await uploads.append(
            request.data, at: request.offset, length: request.hasLength ? request.length : nil,
            to: ID(request.partialUpload, field: "partial_upload"), tenant: Caller.current.tenant)
        return PBPartialUpload(upload)
    }

    func readPartialUpload(request: PBReadPartialUploadRequest, context: ServerContext) async throws -> PBPartialUploadPiece {
        let data = try await uploads.piece(
            request.piece, of: ID(request.partialUpload, field: "partial_upload"), tenant: Caller.current.tenant)
        return .with { $0.data = data }
    }

    func completePartialUpload(request: PBCompletePartialUploadRequest, context: ServerContext) async throws -> PBPartialUpload {
        try await PBPartialUpload(uploads.complete(ID(request.partialUpload, field: "partial_upload"), tenant: Caller.current.tenant))
    }

    func deletePartialUpload(request: PBDeletePartialUploadRequest, context: ServerContext) async throws -> PBDeletePartialUploadResponse {
        try await uploads.delete(ID(request.partialUpload, field: "partial_upload"), tenant: Caller.current.tenant)
        return PBDeletePartialUploadResponse()
    }
}

extension PartialUpload.Head {
    init(_ message: PBUploadHead) throws(Fault) {
        try self.init(
            contentType: message.contentType, contentEncoding: message.contentEncoding, query: message.query,
            idempotencyKey: message.idempotencyKey, sha256: message.sha256)
    }
}

extension PBPartialUpload {
    init(_ upload: PartialUpload) {
        self.init()
        id = upload.id.description
        project = upload.project.description
        lane = PBLane.Value(upload.lane)
        head = .with {
            $0.contentType = upload.head.contentType
            $0.contentEncoding = upload.head.contentEncoding
            $0.query = upload.head.query
            $0.idempotencyKey = upload.head.idempotencyKey
            $0.sha256 = upload.head.sha256
        }
        offset = upload.received
        if let known = upload.length { length = known }
        isComplete = upload.isComplete
        expiresAt = Google_Protobuf_Timestamp(milliseconds: upload.expiresAt)
        maxBytes = PartialUpload.maxBytes
    }
}
