import Contract
import ExecutionAPI
import Foundation
import GRPCCore
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `POST …/runs/{run}/artifacts`: files on their way to Execution, each piece as it comes. Nothing is kept here, and a slow service slows the client down.
struct ArtifactUpload: Sendable {
    /// Bytes of the body (T04).
    let limit: Int
    /// For the whole of it.
    let timeout: Duration
    let route: Route
    let client: GRPCClient<ServiceTransport>
    let quotas: Quotas
    let quota: Quota.Kind?

    /// Of a field beside the files: the id of a result.
    private static let maxFieldBytes = 200

    func add(to endpoints: inout HTTPEndpoints) {
        endpoints.add(
            HTTPRequest.Method(route.verb), route.path.description,
            HTTPEndpoint(
                access: HTTPEndpoint.Access(route.rule.permission), cost: route.rule.cost, routeClass: route.routeClass, quota: quota,
                produces: "application/json"
            ) { exchange in
                let tenant = exchange.principal?.identity.tenant
                defer { if let tenant { quotas.recordUpload(bytes: exchange.body.taken, of: tenant) } }
                return try await respond(to: exchange)
            })
    }

    private func respond(to exchange: Exchange) async throws -> Response {
        guard exchange.head.contentEncoding.allSatisfy({ $0 == "identity" }) else { throw Fault.artifactEncoding }
        var query: [String: String] = [:]
        for (name, value) in try exchange.target.query() {
            guard name == "result" || name == "name" else { throw Fault.unknownParameter(name) }
            query[name] = value
        }
        guard let tenant = exchange.principal?.identity.tenant else { throw Fault.keyMissing }
        let start = PBArtifactStart.with { [run = try exchange.parameter("run")] in $0.run = run }
        let limits = (try? await quotas.limit(.storageBytes, of: tenant).hard, try? await quotas.limit(.storageFiles, of: tenant).hard)
        let first = PBArtifactPart.with {
            $0.start = start
            if let bytes = limits.0 { $0.start.storageBytes = bytes }
            if let files = limits.1 { $0.start.storageFiles = files }
        }
        let body = Body(reader: exchange.body, limit: limit, deadline: .now + timeout)
        let answer: PBUploadArtifactsResponse
        if exchange.head.mediaType == "multipart/form-data" {
            guard query["name"] == nil else { throw Fault.unknownParameter("name") }
            guard
                case .multipart(let boundary) = try UploadBody(contentType: exchange.head.contentType, contentEncoding: exchange.head.contentEncoding)
            else { throw Fault.uploadMediaType }
            let result = query["result"] ?? ""
            answer = try await send(exchange, timeout) { writer in
                try await writer.write(first)
                try await Self.sendParts(of: body, boundary: boundary, result: result, to: writer)
            }
        } else {
            let file = PBArtifactFile.with { [type = exchange.head.contentType ?? ""] in
                $0.name = query["name"] ?? ""
                $0.mediaType = type
                $0.result = query["result"] ?? ""
            }
            answer = try await send(exchange, timeout) { writer in
                try await writer.write(first)
                try await writer.write(.with { $0.file = file })
                while let piece = try await body.next() { try await Self.send(piece, to: writer) }
                try await writer.write(.with { $0.end = PBArtifactFileEnd() })
            }
        }
        return Response(
            status: HTTPResponse.Status(code: route.successStatus), headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try AnswerJSON.bytes(answer, lists: route.lists))))
    }

    // MARK: - Bodies

    private struct Body: Sendable {
        let reader: BodyReader
        let limit: Int
        let deadline: ContinuousClock.Instant

        /// - Throws: `upload.too_large`, `request.too_slow`.
        func next() async throws -> ByteBuffer? {
            guard ContinuousClock.now < deadline else { throw Fault.bodyTooSlow }
            return try await reader.next(limit: limit, tooLarge: .uploadTooLarge(limit: limit))
        }
    }

    /// - Parameter result: that files belong to until a field says otherwise.
    private static func sendParts(of body: Body, boundary: String, result: String, to writer: RPCWriter<PBArtifactPart>) async throws {
        var parser = MultipartParser(boundary: boundary)
        var result = result
        var field: ByteBuffer?
        var files = 0
        while let piece = try await body.next() {
            parser.append(piece)
            while let event = try parser.next() {
                switch event {
                case .part(let headers) where headers.isReport:
                    guard ["", "identity"].contains(headers.contentEncoding) else { throw Fault.artifactEncoding }
                    files += 1
                    let owner = result
                    try await writer.write(
                        .with {
                            $0.file = .with {
                                $0.name = headers.filename ?? headers.name
                                $0.mediaType = headers.contentType
                                $0.result = owner
                            }
                        })
                case .part(let headers):
                    guard headers.name == "result" else { throw Fault.unknownParameter(headers.name) }
                    field = ByteBuffer()
                case .data(var bytes):
                    guard field != nil else {
                        try await send(bytes, to: writer)
                        continue
                    }
                    guard (field?.readableBytes ?? 0) + bytes.readableBytes <= maxFieldBytes else {
                        throw Fault.parameterInvalid("result", "the id of a result")
                    }
                    field?.writeBuffer(&bytes)
                case .endOfPart:
                    if let value = field {
                        result = String(buffer: value)
                        field = nil
                    } else {
                        try await writer.write(.with { $0.end = PBArtifactFileEnd() })
                    }
                case .end: break
                }
            }
        }
        try parser.finish()
        guard files > 0 else { throw Fault.uploadEmpty }
    }

    private static func send(_ piece: ByteBuffer, to writer: RPCWriter<PBArtifactPart>) async throws {
        var piece = piece
        while piece.readableBytes > 0, let slice = piece.readSlice(length: min(UploadSource.chunk, piece.readableBytes)) {
            try await writer.write(.with { $0.data = Data(slice.readableBytesView) })
        }
    }

    // MARK: - Upstream

    private func send(
        _ exchange: Exchange, _ timeout: Duration, _ produce: @escaping @Sendable (RPCWriter<PBArtifactPart>) async throws -> Void
    ) async throws -> PBUploadArtifactsResponse {
        let own = FirstFault()
        do {
            return try await exchange.calling(as: try exchange.caller(), limit: timeout) {
                try await PBArtifacts.Client(wrapping: client).uploadArtifacts { writer in
                    do {
                        try await produce(writer)
                    } catch let fault as Fault {
                        own.record(fault)
                        throw fault
                    }
                }
            }
        } catch {
            throw own.fault ?? error
        }
    }
}
