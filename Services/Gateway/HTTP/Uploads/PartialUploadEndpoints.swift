import CommonAPI
import Contract
import Crypto
import ExecutionAPI
import Foundation
import GRPCCore
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization

/// Uploads in pieces ("Resumable Uploads for HTTP", draft-ietf-httpbis-resumable-upload): `POST …/uploads` with `Upload-Complete: ?0` begins one,
/// `HEAD` says how much is here, `PATCH` adds to it, `DELETE` gives it up. The bytes are with Execution; the last one makes them an upload like any other.
struct PartialUploadEndpoints: Sendable {
    static let path = "/api/v1/partial-uploads/"
    private static let template = path + "{partial_upload}"
    /// Where Execution cuts: pieces that end there are written once.
    private static let piece = 1 << 20

    let uploads: UploadEndpoint

    private var pieces: PBPartialUploads.Client<ServiceTransport> { PBPartialUploads.Client(wrapping: uploads.client) }
    private var permission: String { uploads.route.rule.permission ?? "authenticated" }

    func add(to endpoints: inout HTTPEndpoints) {
        let access = HTTPEndpoint.Access(permission)
        endpoints.add(
            .get, Self.template,
            HTTPEndpoint(access: access, cost: 1) { exchange in
                let upload = try await find(exchange)
                return Self.progress(upload, .noContent)
            })
        endpoints.add(.patch, Self.template, uploads.endpoint(cost: 1) { try await append($0) })
        endpoints.add(
            .delete, Self.template,
            HTTPEndpoint(access: access, cost: 1, routeClass: .write) { exchange in
                let upload = try await find(exchange)
                _ = try await call(exchange) { try await $0.deletePartialUpload(.with { $0.partialUpload = upload.id }) }
                return Response(status: .noContent)
            })
    }

    // MARK: - Requests

    /// Takes what has come with the first request, which may be nothing, or all.
    func begin(_ exchange: Exchange, project: String) async throws -> Response {
        let head = exchange.head
        let isLast = head.uploadComplete.flatMap(StructuredField.boolean) == true
        let upload = if let announced = exchange.partialUpload { announced } else { try await open(exchange, project: project) }
        // Found by its key, it is complete already, and the answer was lost.
        if upload.isComplete, isLast { return try await finish(upload, exchange) }
        let begun = head.hasBody ? try await take(exchange, into: upload, at: 0, length: length(of: head)) : upload
        if isLast { return try await end(begun, exchange) }
        var response = Self.progress(begun, .created)
        response.headers[.location] = Self.path + begun.id
        response.headers[.contentType] = "application/json"
        response.body = ResponseBody(byteBuffer: ByteBuffer(string: #"{"id":"\#(begun.id)","offset":\#(begun.offset)}"#))
        return response
    }

    /// What the request says of the whole body.
    private func length(of head: RequestHead) -> Int64? {
        if let length = head.uploadLength.flatMap(StructuredField.integer) { return length }
        return head.uploadComplete.flatMap(StructuredField.boolean) == true ? head.contentLength.flatMap(Int64.init) : nil
    }

    /// Begins one, or finds the one of the same key.
    func open(_ exchange: Exchange, project: String) async throws -> PBPartialUpload {
        let head = exchange.head
        let key = try head.idempotencyKey.map(IdempotencyKey.init(header:))
        try requireProject(project, exchange) { Fault.notFound("project", project) }
        // A report in one piece can be recorded without being kept, pieces cannot.
        if let tenant = exchange.principal?.identity.tenant, let refusal = await uploads.quotas.refusal(.storageBytes, bytes: 0, of: tenant) {
            throw refusal.fault(now: Date())
        }
        let length = length(of: head)
        if let length, length > Int64(uploads.limit) { throw Fault.uploadTooLarge(limit: uploads.limit) }
        let digest = head.representationDigest.flatMap(StructuredField.sha256) ?? Data()
        let lane = try lane(of: exchange)
        return try await call(exchange) { pieces in
            try await pieces.openPartialUpload(
                .with {
                    $0.project = project
                    $0.lane = lane
                    $0.head = .with {
                        $0.contentType = head.contentType ?? ""
                        $0.contentEncoding = head.contentEncoding.joined(separator: ",")
                        $0.query = String(exchange.target.rawQuery)
                        $0.idempotencyKey = key?.text ?? ""
                        $0.sha256 = digest
                    }
                    if let length { $0.length = length }
                })
        }
    }

    /// For the interim answer.
    func place(of upload: PBPartialUpload) -> HTTPFields {
        var headers = Self.progress(upload, .created).headers
        headers[.location] = Self.path + upload.id
        return headers
    }

    private func append(_ exchange: Exchange) async throws -> Response {
        let head = exchange.head
        guard head.mediaType == "application/partial-upload", head.contentEncoding.isEmpty else { throw Fault.partialMediaType }
        guard let isLast = head.uploadComplete.flatMap(StructuredField.boolean) else { throw Fault.parameterInvalid("Upload-Complete", "?0 or ?1") }
        guard let offset = head.uploadOffset.flatMap(StructuredField.integer) else {
            throw Fault.parameterInvalid("Upload-Offset", "how many bytes were sent before")
        }
        let found = try await find(exchange)
        if found.isComplete, isLast, !head.hasBody, offset == found.offset { return try await finish(found, exchange) }
        var length = head.uploadLength.flatMap(StructuredField.integer)
        if isLast, let rest = head.hasBody ? head.contentLength.flatMap(Int64.init) : 0 {
            guard length == nil || length == offset + rest else { throw Fault.inconsistentLength }
            length = offset + rest
        }
        let upload = try await take(exchange, into: found, at: offset, length: length)
        return isLast ? try await end(upload, exchange) : Self.progress(upload, .noContent)
    }

    /// A body without a declared length has said by its end how long it is.
    /// - Throws: `upload.inconsistent_length` when it was to be longer.
    private func end(_ upload: PBPartialUpload, _ exchange: Exchange) async throws -> Response {
        let isWhole = upload.hasLength && upload.length == upload.offset
        return try await finish(isWhole ? upload : send(Data(), upload, length: upload.offset, exchange), exchange)
    }

    /// Reads the request's content and appends it. What has come before a line breaks is kept.
    private func take(_ exchange: Exchange, into upload: PBPartialUpload, at offset: Int64, length: Int64?) async throws -> PBPartialUpload {
        guard !upload.isComplete else { throw Fault.uploadCompleted }
        guard offset == upload.offset else { throw Fault.offsetMismatch(expected: upload.offset, provided: offset) }
        let limit = max(0, uploads.limit - Int(offset))
        let deadline = ContinuousClock.now + uploads.timeout
        var upload = upload
        if let length { upload = try await send(Data(), upload, length: length, exchange) }
        var waiting = ByteBuffer()
        while true {
            let more: ByteBuffer?
            do {
                guard ContinuousClock.now < deadline else { throw Fault.bodyTooSlow }
                more = try await exchange.body.next(limit: limit, tooLarge: .uploadTooLarge(limit: uploads.limit))
            } catch {
                // The client is gone, and this task with it perhaps; a task of its own is not.
                let (rest, last) = (Data(waiting.readableBytesView), upload)
                if !rest.isEmpty { _ = await Task { try await send(rest, last, length: nil, exchange) }.result }
                throw error
            }
            if var more { waiting.writeBuffer(&more) }
            while waiting.readableBytes > 0 {
                let wanted = Self.piece - Int(upload.offset % Int64(Self.piece))
                guard more == nil || waiting.readableBytes >= wanted, let bytes = waiting.readSlice(length: min(wanted, waiting.readableBytes)) else {
                    break
                }
                upload = try await send(Data(bytes.readableBytesView), upload, length: nil, exchange)
            }
            waiting.discardReadBytes()
            guard more != nil else { return upload }
        }
    }

    private func send(_ data: Data, _ upload: PBPartialUpload, length: Int64?, _ exchange: Exchange) async throws -> PBPartialUpload {
        try await call(exchange) { pieces in
            try await pieces.appendPartialUpload(
                .with {
                    $0.partialUpload = upload.id
                    $0.offset = upload.offset
                    $0.data = data
                    if let length { $0.length = length }
                })
        }
    }

    // MARK: - The end

    /// All of it is here: from now on it is an upload like any other. Whoever asks again for its end, because the answer was lost, gets the same one.
    /// - Throws: what may pass; the bytes stay, and an empty last piece asks for the end again.
    private func finish(_ upload: PBPartialUpload, _ exchange: Exchange) async throws -> Response {
        if !upload.isComplete, !upload.head.sha256.isEmpty { try await check(upload, exchange) }
        let next = reader(of: upload, exchange)
        let content = try UploadContent(
            contentType: upload.head.contentType, contentEncoding: upload.head.contentEncoding.split(separator: ",").map(String.init),
            length: String(upload.offset), query: RequestTarget("/?" + upload.head.query).query()
        ) {
            guard !upload.isComplete else { throw Fault.uploadCompleted }
            return try await next()
        }
        let key = try IdempotencyKey(header: upload.head.idempotencyKey.isEmpty ? "partial-upload/" + upload.id : upload.head.idempotencyKey)
        var response = try await uploads.carryOut(content, exchange, project: upload.project, key: key)
        response.headers[.uploadComplete] = "?1"
        response.headers[.uploadOffset] = String(upload.offset)
        // When this fails they are dropped a day later.
        if !upload.isComplete { _ = try? await call(exchange) { try await $0.completePartialUpload(.with { $0.partialUpload = upload.id }) } }
        return response
    }

    /// - Throws: `upload.digest_mismatch`; the bytes are of no use to anybody then.
    private func check(_ upload: PBPartialUpload, _ exchange: Exchange) async throws {
        let next = reader(of: upload, exchange)
        var hash = SHA256()
        while let bytes = try await next() { hash.update(data: bytes.readableBytesView) }
        let digest = Data(hash.finalize())
        guard digest != upload.head.sha256 else { return }
        _ = try? await call(exchange) { try await $0.deletePartialUpload(.with { $0.partialUpload = upload.id }) }
        throw Fault.digestMismatch(digest.map { String(format: "%02x", $0) }.joined())
    }

    /// What is kept, piece by piece, from the beginning.
    private func reader(of upload: PBPartialUpload, _ exchange: Exchange) -> @Sendable () async throws -> ByteBuffer? {
        let place = PiecePlace()
        return {
            let piece = place.next()
            let found = try await call(exchange) { pieces in
                try await pieces.readPartialUpload(
                    .with {
                        $0.partialUpload = upload.id
                        $0.piece = piece
                    })
            }
            return found.data.isEmpty ? nil : ByteBuffer(bytes: found.data)
        }
    }

    /// Counts; a closure may not hold a lock itself.
    private final class PiecePlace: Sendable {
        private let piece = Mutex<Int32>(0)

        func next() -> Int32 {
            piece.withLock { piece in
                defer { piece += 1 }
                return piece
            }
        }
    }

    // MARK: - Who may

    /// Execution does not know who asks, so all of it is checked here: another organization's upload, another project's, and one of the other
    /// lane look like none.
    private func find(_ exchange: Exchange) async throws -> PBPartialUpload {
        let id = try exchange.parameter("partial_upload")
        let found = try await call(exchange) { try await $0.getPartialUpload(.with { $0.partialUpload = id }) }
        guard found.lane == (try lane(of: exchange)) else { throw Fault.notFound("partial_upload", id) }
        try requireProject(found.project, exchange) { Fault.notFound("partial_upload", id) }
        return found
    }

    private func requireProject(_ project: String, _ exchange: Exchange, orThrow fault: () -> Fault) throws {
        guard let principal = exchange.principal else { throw Fault.keyMissing }
        guard let held = principal.caller.projects(holding: permission) else { return }
        guard held.contains(try ID<Project>(project).uuid) else { throw fault() }
    }

    private func lane(of exchange: Exchange) throws -> PBLane.Value {
        guard let principal = exchange.principal else { throw Fault.keyMissing }
        return PBLane.Value(principal.caller.lane)
    }

    private func call<R: Sendable>(
        _ exchange: Exchange, _ operation: (PBPartialUploads.Client<ServiceTransport>) async throws -> R
    ) async throws -> R {
        guard let tenant = exchange.principal?.identity.tenant else { throw Fault.keyMissing }
        return try await exchange.calling(as: .service("gateway", tenant: tenant, requestID: exchange.requestID), limit: .seconds(10)) {
            try await operation(pieces)
        }
    }

    /// How far an upload is.
    private static func progress(_ upload: PBPartialUpload, _ status: HTTPResponse.Status) -> Response {
        var headers: HTTPFields = [.cacheControl: "no-store"]
        headers[.uploadOffset] = String(upload.offset)
        headers[.uploadComplete] = upload.isComplete ? "?1" : "?0"
        if upload.hasLength { headers[.uploadLength] = String(upload.length) }
        let age = max(0, upload.expiresAt.seconds - Int64(Date().timeIntervalSince1970))
        headers[.uploadLimit] = "max-size=\(upload.maxBytes), max-age=\(age)"
        return Response(status: status, headers: headers)
    }
}
