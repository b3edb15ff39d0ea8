import Contract
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import SwiftProtobuf

/// A route whose method has one request and one answer.
struct UnaryEndpoint<Request: SwiftProtobuf.Message, Answer: SwiftProtobuf.Message>: Sendable {
    private let call: RouteCall<Request, Answer>
    private let status: HTTPResponse.Status
    /// Path before the id of what was made, for the Location header.
    private let location: String?
    private let idempotency: Idempotency?
    private let isExportable: Bool

    /// - Parameter isExportable: the same address gives lists of the answer in other forms (`ListExport`).
    init(_ call: RouteCall<Request, Answer>, location: String?, idempotency: Idempotency?, isExportable: Bool) {
        self.call = call
        self.location = location
        self.idempotency = idempotency
        self.isExportable = isExportable
        status = HTTPResponse.Status(code: call.route.successStatus)
    }

    func respond(_ exchange: Exchange) async throws -> Response {
        let prepared = try await call.prepare(exchange, mayBeKnown: true)
        guard let idempotency, let header = exchange.head.idempotencyKey else {
            let answer = try await exchange.calling(as: exchange.principal.map { _ in try exchange.caller() }, limit: call.timeout) {
                try await call.unary(prepared.message)
            }
            let version = call.route.version?.read(answer) ?? 0
            return try response(to: exchange, prepared, try AnswerJSON.bytes(answer, lists: call.route.lists), version: version)
        }
        let key = try IdempotencyKey(header: header)
        let fingerprint = try Idempotency.fingerprint(of: prepared.message)
        let stored = try await idempotency.carryOut(
            exchange, key: key, route: "\(call.route.verb.rawValue) \(call.route.path)", fingerprint: fingerprint
        ) { forwarded in
            let answer = try await exchange.calling(as: try exchange.caller(idempotencyKey: forwarded), limit: call.timeout) {
                try await call.unary(prepared.message)
            }
            return (call.route.successStatus, try AnswerJSON.bytes(answer, lists: call.route.lists))
        }
        if stored.status >= 400 { return stored.problemResponse }
        var response = try response(to: exchange, prepared, stored.body, version: version(of: stored.body))
        if stored.isReplay { response.headers[.idempotentReplayed] = "true" }
        return response
    }

    /// A stored answer is read again for it.
    private func version(of json: [UInt8]) -> Int64 {
        guard let version = call.route.version else { return 0 }
        var options = JSONDecodingOptions()
        options.ignoreUnknownFields = true
        return (try? Answer(jsonUTF8Bytes: json, options: options)).map(version.read) ?? 0
    }

    private func response(
        to exchange: Exchange, _ prepared: RouteCall<Request, Answer>.Prepared, _ json: [UInt8], version: Int64
    ) throws -> Response {
        var headers = HTTPFields()
        prepared.deprecation?.write(to: &headers, of: call.route)
        if status == .noContent { return Response(status: .noContent, headers: headers) }
        var json = json
        headers.append(HTTPField(name: .contentType, value: "application/json"))
        if isExportable { headers.append(HTTPField(name: .vary, value: "Accept")) }
        if call.isList, let principal = exchange.principal {
            let binding = CursorSigner.Binding(tenant: principal.identity.tenant, path: prepared.path, filter: prepared.query)
            if let cursor = AnswerJSON.signCursor(in: &json, { call.cursors.sign($0, for: binding) }) {
                headers.append(HTTPField(name: .link, value: NextLink.text(path: prepared.path, query: prepared.query, cursor: cursor)))
            }
        }
        if call.route.verb == .get {
            // A service that was told what the client has answers with its revision and nothing else, and then the tag is the client's.
            let tag = call.revalidates && version > 0 ? prepared.tag(revision: version) : EntityTag.of(json, version: version)
            headers.append(HTTPField(name: .eTag, value: tag))
            headers.append(HTTPField(name: .cacheControl, value: "private, no-cache"))
            if let known = exchange.head.ifNoneMatch, known == "*" || known.split(separator: ",").contains(where: { $0.trimmed == tag }) {
                return Response(status: .notModified, headers: headers)
            }
        } else {
            headers.append(HTTPField(name: .cacheControl, value: "no-store"))
            if version > 0 { headers.append(HTTPField(name: .eTag, value: EntityTag.of(json, version: version))) }
            if let location, status == .created || status == .accepted, let id = AnswerJSON.leadingID(in: json) {
                headers.append(HTTPField(name: .location, value: location + id))
            }
        }
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }
}
