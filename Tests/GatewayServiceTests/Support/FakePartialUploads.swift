import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization

@testable import GatewayService

/// Keeps the pieces of uploads in memory, for everybody's tenants apart.
final class FakePartialUploads: PBPartialUploads.SimpleServiceProtocol {
    private enum Kept: Identified { static let idPrefix = "pup" }
    private let kept = Mutex<[String: (upload: PBPartialUpload, tenant: ID<Tenant>, bytes: Data)]>([:])

    private func change(_ id: String, _ body: (inout PBPartialUpload, inout Data) throws -> Void) throws -> PBPartialUpload {
        try kept.withLock { kept in
            guard var entry = kept[id], entry.tenant == Caller.current.tenant else { throw Fault.notFound("partial_upload", id) }
            try body(&entry.upload, &entry.bytes)
            entry.upload.offset = entry.upload.isComplete ? entry.upload.offset : Int64(entry.bytes.count)
            kept[id] = entry
            return entry.upload
        }
    }

    func openPartialUpload(request: PBOpenPartialUploadRequest, context: ServerContext) async throws -> PBPartialUpload {
        let upload = PBPartialUpload.with {
            $0.id = ID<Kept>.new().description
            $0.project = request.project
            $0.lane = request.lane
            $0.head = request.head
            if request.hasLength { $0.length = request.length }
            $0.maxBytes = 256 << 20
        }
        let tenant = Caller.current.tenant
        return kept.withLock { kept in
            let key = request.head.idempotencyKey
            if !key.isEmpty, let known = kept.values.first(where: { $0.tenant == tenant && $0.upload.head.idempotencyKey == key }) {
                return known.upload
            }
            kept[upload.id] = (upload, tenant, Data())
            return upload
        }
    }

    func getPartialUpload(request: PBGetPartialUploadRequest, context: ServerContext) async throws -> PBPartialUpload {
        try change(request.partialUpload) { _, _ in }
    }

    func appendPartialUpload(request: PBAppendPartialUploadRequest, context: ServerContext) async throws -> PBPartialUpload {
        try change(request.partialUpload) { upload, bytes in
            guard request.offset == Int64(bytes.count) else {
                throw Fault.offsetMismatch(expected: Int64(bytes.count), provided: request.offset)
            }
            if request.hasLength {
                guard !upload.hasLength || upload.length == request.length else { throw Fault.inconsistentLength }
                upload.length = request.length
            }
            bytes.append(request.data)
        }
    }

    func readPartialUpload(request: PBReadPartialUploadRequest, context: ServerContext) async throws -> PBPartialUploadPiece {
        var data = Data()
        _ = try change(request.partialUpload) { _, bytes in data = Data(bytes.dropFirst(Int(request.piece) << 20).prefix(1 << 20)) }
        return .with { $0.data = data }
    }

    func completePartialUpload(request: PBCompletePartialUploadRequest, context: ServerContext) async throws -> PBPartialUpload {
        try change(request.partialUpload) { upload, bytes in
            upload.isComplete = true
            bytes = Data()
        }
    }

    func deletePartialUpload(request: PBDeletePartialUploadRequest, context: ServerContext) async throws -> PBDeletePartialUploadResponse {
        _ = try change(request.partialUpload) { _, _ in }
        kept.withLock { $0[request.partialUpload] = nil }
        return PBDeletePartialUploadResponse()
    }
}
