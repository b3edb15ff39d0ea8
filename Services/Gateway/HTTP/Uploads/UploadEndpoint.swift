import Contract
import ExecutionAPI
import GRPCCore
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `POST …/uploads`: the one route whose body is files. Raw, compressed and multipart bodies become one client stream to Execution.
struct UploadEndpoint: Sendable {
    /// Bytes on the wire (T04).
    let limit: Int
    /// For one request from its head to its answer, and for reading again what several have brought.
    let timeout: Duration
    let route: Route
    let client: GRPCClient<ServiceTransport>
    let projects: ProjectResolver
    let idempotency: Idempotency
    let quotas: Quotas
    let quota: Quota.Kind?

    func add(to endpoints: inout HTTPEndpoints) {
        var whole = endpoint { try await respond(to: $0) }
        whole.announce = { try await announce(&$0) }
        endpoints.add(HTTPRequest.Method(route.verb), route.path.description, whole)
        PartialUploadEndpoints(uploads: self).add(to: &endpoints)
    }

    /// An endpoint that takes what is uploaded, or a piece of it.
    /// - Parameter cost: as the contract says when it is not given.
    func endpoint(cost: Int? = nil, _ respond: @escaping @Sendable (Exchange) async throws -> Response) -> HTTPEndpoint {
        HTTPEndpoint(
            access: HTTPEndpoint.Access(route.rule.permission), cost: cost ?? route.rule.cost, routeClass: route.routeClass, quota: quota,
            produces: "application/json"
        ) { exchange in
            // Whatever has come was carried, and whatever is taken is one more.
            let tenant = exchange.principal?.identity.tenant
            defer { if let tenant { quotas.recordUpload(bytes: exchange.body.taken, of: tenant) } }
            return try await respond(exchange)
        }
    }

    private func respond(to exchange: Exchange) async throws -> Response {
        let (head, reader, limit) = (exchange.head, exchange.body, limit)
        let content = try UploadContent(
            contentType: head.contentType, contentEncoding: head.contentEncoding, length: head.contentLength ?? "", query: exchange.target.query()
        ) {
            try await reader.next(limit: limit, tooLarge: .uploadTooLarge(limit: limit))
        }
        let project = try await projects.resolve(exchange.parameter("project"), for: exchange).description
        if head.uploadComplete.flatMap(StructuredField.boolean) != nil {
            return try await PartialUploadEndpoints(uploads: self).begin(exchange, project: project)
        }
        return try await carryOut(content, exchange, project: project, key: try head.idempotencyKey.map(IdempotencyKey.init(header:)))
    }

    /// A client that sends all at once, and may have to go on later, learns where before its first byte. One that sends a part learns it from the
    /// answer, like every client that takes the first answer for the last.
    private func announce(_ exchange: inout Exchange) async throws -> HTTPFields? {
        // Programs that do not know of interim answers take one for the answer: only whoever speaks the draft's language gets it.
        guard exchange.head.uploadComplete.flatMap(StructuredField.boolean) == true, exchange.head.uploadDraft != nil else { return nil }
        _ = try UploadBody(contentType: exchange.head.contentType, contentEncoding: exchange.head.contentEncoding)
        let project = try await projects.resolve(exchange.parameter("project"), for: exchange).description
        let pieces = PartialUploadEndpoints(uploads: self)
        let upload = try await pieces.open(exchange, project: project)
        exchange.partialUpload = upload
        return pieces.place(of: upload)
    }

    /// Sends it to Execution, once for each key.
    /// - Throws: what may pass, if there is a key: the rest is an answer then.
    func carryOut(_ content: UploadContent, _ exchange: Exchange, project: String, key: IdempotencyKey?) async throws -> Response {
        guard let key else {
            let (status, json, upload) = try await upload(exchange, content, project: project)
            recordUpload(exchange)
            return Self.response(status, json, location: upload)
        }
        let stored = try await idempotency.carryOut(
            exchange, key: key, route: "\(route.verb.rawValue) \(route.path)",
            fingerprint: Idempotency.fingerprint(of: content.fingerprint(project: project))
        ) { _ in
            let (status, json, _) = try await upload(exchange, content, project: project)
            return (status, json)
        }
        if stored.status >= 400 { return stored.problemResponse }
        var response = Self.response(stored.status, stored.body, location: nil)
        if stored.isReplay { response.headers[.idempotentReplayed] = "true" } else { recordUpload(exchange) }
        return response
    }

    private func recordUpload(_ exchange: Exchange) {
        if let tenant = exchange.principal?.identity.tenant { quotas.recordUpload(of: tenant) }
    }

    private static func response(_ status: Int, _ json: [UInt8], location: String?) -> Response {
        var headers: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
        if let location { headers[.location] = location }
        return Response(status: HTTPResponse.Status(code: status), headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }

    // MARK: - Upstream

    private func upload(
        _ exchange: Exchange, _ content: UploadContent, project: String
    ) async throws -> (status: Int, json: [UInt8], location: String) {
        let source = UploadSource(content: content, deadline: .now + timeout)
        // Whoever may keep no more files still has their runs recorded (T91).
        var isFull = false
        if let tenant = exchange.principal?.identity.tenant { isFull = await quotas.refusal(.storageBytes, bytes: 0, of: tenant) != nil }
        var receipt: PBUploadReceipt
        switch content.body {
        case .report(let name, let encoding):
            let start = content.fields.start(project: project, storageExhausted: isFull)
            receipt = try await send(exchange, timeout) { writer in
                try await source.sendReport(named: name, encoding: encoding, start: start, to: writer)
            }
        case .multipart(let boundary):
            let read = try await source.readMultipart(boundary: boundary, fields: content.fields)
            let start = read.fields.start(project: project, storageExhausted: isFull)
            receipt = try await send(exchange, timeout) { writer in
                try await UploadSource.sendFiles(read.files, from: read.spool, start: start, to: writer)
            }
        }
        receipt.statusURL = "/api/v1/uploads/\(receipt.uploadID)"
        var status = route.successStatus
        if content.wait > 0, let state = try await waitForEnd(of: receipt.runID, exchange, seconds: content.wait) {
            receipt.runState = state
            if ![.queued, .running, .unspecified].contains(state) { status = 200 }
        }
        return (status, try AnswerJSON.bytes(receipt, lists: route.lists), receipt.statusURL)
    }

    /// Streams the parts. When the client's side fails (too large, malformed, too slow), that is the answer, not the cancelled call.
    private func send(
        _ exchange: Exchange, _ timeout: Duration, _ produce: @escaping @Sendable (RPCWriter<PBUploadPart>) async throws -> Void
    ) async throws -> PBUploadReceipt {
        let own = FirstFault()
        do {
            return try await exchange.calling(as: try exchange.caller(), limit: timeout) {
                try await PBUploads.Client(wrapping: client).createUpload { writer in
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

    /// A CI key may upload but not read; of the run it has just fed it may learn how it ended.
    /// - Returns: `nil` when the run cannot be asked after: the upload is stored all the same.
    private func waitForEnd(of run: String, _ exchange: Exchange, seconds: Int) async throws -> PBRun.State? {
        let caller = try exchange.caller()
        let reader = Caller(identity: caller.identity.adding("runs.read", wherever: "results.write"), requestID: caller.requestID)
        let found = try? await exchange.calling(as: reader, limit: .seconds(seconds + 5)) {
            try await PBRuns.Client(wrapping: client).getRun(
                .with {
                    $0.run = run
                    $0.wait = Int32(seconds)
                })
        }
        return found?.state
    }
}
