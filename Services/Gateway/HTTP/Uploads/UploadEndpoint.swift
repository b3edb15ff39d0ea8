import Contract
import ExecutionAPI
import GRPCCore
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization

/// `POST …/uploads`: the one route whose body is files. Raw, compressed and multipart bodies become one client stream to Execution.
struct UploadEndpoint: Sendable {
    /// Bytes on the wire (T04).
    let limit: Int
    let route: Route
    let client: GRPCClient<ServiceTransport>
    let projects: ProjectResolver
    let idempotency: Idempotency
    let quotas: Quotas
    let quota: Quota.Kind?

    func add(to endpoints: inout HTTPEndpoints) {
        let endpoint = HTTPEndpoint(
            access: HTTPEndpoint.Access(route.rule.permission), cost: route.rule.cost, routeClass: route.routeClass, quota: quota,
            produces: "application/json"
        ) { exchange in
            // Whatever has come was carried, and whatever is taken is one more.
            let tenant = exchange.principal?.identity.tenant
            defer { if let tenant { quotas.recordUpload(bytes: exchange.body.taken, of: tenant) } }
            let response = try await respond(to: exchange)
            if let tenant, response.status.code < 400, response.headers[.idempotentReplayed] == nil { quotas.recordUpload(of: tenant) }
            return response
        }
        endpoints.add(HTTPRequest.Method(route.verb), route.path.description, endpoint)
    }

    private func respond(to exchange: Exchange) async throws -> Response {
        let body = try UploadBody(exchange.head)
        var fields = UploadFields()
        var wait = 0
        for (name, value) in try exchange.target.query() {
            if name == "wait" {
                guard let seconds = Int(value), (0...60).contains(seconds) else { throw Fault.parameterInvalid(name, "0 to 60 seconds") }
                wait = seconds
            } else {
                try fields.set(name, to: value)
            }
        }
        let project = try await projects.resolve(exchange.parameter("project"), for: exchange).description
        guard let header = exchange.head.idempotencyKey else {
            let (status, json, upload) = try await upload(exchange, body, fields, project: project, wait: wait)
            return Self.response(status, json, location: upload)
        }
        let key = try IdempotencyKey(header: header)
        // The content is not part of it: it would have to be read before it is known whether it is wanted. Execution compares contents.
        let declared = [("project", project), ("type", exchange.head.mediaType), ("length", exchange.head.contentLength ?? "")]
        let fingerprint = Idempotency.fingerprint(of: try exchange.target.query() + declared)
        let stored = try await idempotency.carryOut(
            exchange, key: key, route: "\(route.verb.rawValue) \(route.path)", fingerprint: fingerprint
        ) { _ in
            let (status, json, _) = try await upload(exchange, body, fields, project: project, wait: wait)
            return (status, json)
        }
        if stored.status >= 400 { return stored.problemResponse }
        var response = Self.response(stored.status, stored.body, location: nil)
        if stored.isReplay { response.headers[.idempotentReplayed] = "true" }
        return response
    }

    private static func response(_ status: Int, _ json: [UInt8], location: String?) -> Response {
        var headers: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
        if let location { headers[.location] = location }
        return Response(status: HTTPResponse.Status(code: status), headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }

    // MARK: - Upstream

    private func upload(
        _ exchange: Exchange, _ body: UploadBody, _ fields: UploadFields, project: String, wait: Int
    ) async throws -> (status: Int, json: [UInt8], location: String) {
        let timeout = route.timeout ?? .seconds(60)
        let source = UploadSource(body: exchange.body, limit: limit, deadline: .now + timeout)
        var receipt: PBUploadReceipt
        switch body {
        case .report(let name, let encoding):
            let start = fields.start(project: project)
            receipt = try await send(exchange, timeout) { writer in
                try await source.sendReport(named: name, encoding: encoding, start: start, to: writer)
            }
        case .multipart(let boundary):
            let read = try await source.readMultipart(boundary: boundary, fields: fields)
            let start = read.fields.start(project: project)
            receipt = try await send(exchange, timeout) { writer in
                try await UploadSource.sendFiles(read.files, from: read.spool, start: start, to: writer)
            }
        }
        receipt.statusURL = "/api/v1/uploads/\(receipt.uploadID)"
        var status = route.successStatus
        if wait > 0, let state = try await waitForEnd(of: receipt.runID, exchange, seconds: wait) {
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

    private final class FirstFault: Sendable {
        private let first = Mutex<Fault?>(nil)

        var fault: Fault? { first.withLock { $0 } }

        func record(_ fault: Fault) {
            first.withLock { $0 = $0 ?? fault }
        }
    }
}
