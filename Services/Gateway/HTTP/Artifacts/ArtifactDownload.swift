import ExecutionAPI
import GRPCCore
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `GET /api/v1/artifacts/{artifact}/content`: the bytes of an artifact, whole or one range. Written by hand because its body is no message.
struct ArtifactDownload: Sendable {
    static let path = "/api/v1/artifacts/{artifact}/content"
    /// What is asked of Execution at once: a client that reads slowly keeps no call open for longer than this takes it.
    private static let window: Int64 = 1 << 20
    private static let windowTime = Duration.seconds(60)

    let client: GRPCClient<ServiceTransport>
    let publicURL: String

    func add(to endpoints: inout HTTPEndpoints) {
        endpoints.add(.get, Self.path, HTTPEndpoint(access: .permission("runs.read"), cost: 2) { try await respond($0) })
    }

    private func respond(_ exchange: Exchange) async throws -> Response {
        if let (name, _) = try exchange.target.query().first { throw Fault.unknownParameter(name) }
        let id = try exchange.parameter("artifact")
        let artifact = try await exchange.calling(as: try exchange.caller(), limit: .seconds(10)) {
            try await PBArtifacts.Client(wrapping: client).getArtifact(.with { $0.artifact = id })
        }
        let tag = "\"\(artifact.sha256)\""
        let delivery = ArtifactDelivery(mediaType: artifact.mediaType, name: artifact.name)
        var headers: HTTPFields = [
            .eTag: tag, .acceptRanges: "bytes", .cacheControl: "private, no-cache", .contentSecurityPolicy: ArtifactDelivery.policy,
            .contentDisposition: delivery.disposition, .crossOriginResourcePolicy: "same-origin",
        ]
        if let known = exchange.head.ifNoneMatch, Self.matches(known, tag) { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = delivery.contentType
        // A range of what has changed since is of no use (RFC 9110, section 13.1.5).
        let range = exchange.head.ifRange.map { $0.trimmed == tag } ?? true ? exchange.head.range : nil
        switch ByteRange(range, length: artifact.bytes) {
        case .whole: return Response(status: .ok, headers: headers, body: body(of: artifact, 0..<artifact.bytes, exchange))
        case .part(let part):
            headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(artifact.bytes)"
            return Response(status: .partialContent, headers: headers, body: body(of: artifact, part, exchange))
        case .unsatisfiable:
            var response = Problem(.artifactRange(artifact.bytes), publicURL: publicURL)
                .response(instance: exchange.target.path, requestID: exchange.requestID)
            response.headers[.contentRange] = "bytes */\(artifact.bytes)"
            return response
        }
    }

    /// Comparison is weak (RFC 9110, section 13.1.2).
    private static func matches(_ header: String, _ tag: String) -> Bool {
        header.split(separator: ",").map(\.trimmed).contains { $0 == "*" || $0 == tag || $0 == "W/" + tag }
    }

    /// When Execution fails on the way, the connection ends before the length that was promised: no client takes that for the whole.
    private func body(of artifact: PBArtifact, _ range: Range<Int64>, _ exchange: Exchange) -> ResponseBody {
        // The permission was checked when the artifact was read; the bytes are Execution's to give to services only.
        guard let tenant = exchange.principal?.identity.tenant else { return ResponseBody() }
        let caller = Caller.service("gateway", tenant: tenant, requestID: exchange.requestID)
        return ResponseBody(contentLength: range.count) { writer in
            var offset = range.lowerBound
            while offset < range.upperBound {
                let request = PBReadArtifactRequest.with {
                    $0.artifact = artifact.id
                    $0.offset = offset
                    $0.length = min(Self.window, range.upperBound - offset)
                }
                let chunks = try await exchange.calling(as: caller, limit: Self.windowTime) {
                    try await PBArtifacts.Client(wrapping: client).readArtifact(request) { response in
                        var buffer = ByteBuffer()
                        for try await chunk in response.messages { buffer.writeBytes(chunk.data) }
                        return buffer
                    }
                }
                guard Int64(chunks.readableBytes) == request.length else { throw Fault.artifactCutOff }
                offset += request.length
                try await writer.write(chunks)
            }
            try await writer.finish(nil)
        }
    }
}
