import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import SwiftProtobuf

/// A fault as `application/problem+json` (RFC 9457): the only place in the product that turns a fault into an HTTP answer.
///
/// What a fault says is meant for people and holds no internals; causes are in the log under the same request id.
struct Problem: Sendable {
    static let mediaType = "application/problem+json"
    let status: HTTPResponse.Status
    let fault: Fault
    /// How clients reach us: every code has its page there (`ErrorPages`).
    private let publicURL: String

    init(_ fault: Fault, publicURL: String) {
        self.fault = fault
        self.publicURL = publicURL
        status = Self.status(of: fault)
    }

    /// `instance`: path of the request, without its query, which may hold what must not be repeated.
    /// `requestID`: also in the `X-Request-Id` header; repeated here because bodies are what gets pasted into reports.
    func response(instance: String, requestID: String) -> Response {
        var headers: HTTPFields = [.contentType: Self.mediaType]
        if fault.kind == .unauthenticated {
            headers[.wwwAuthenticate] = fault.code == Fault.keyMissing.code ? "Bearer" : "Bearer error=\"invalid_token\""
        }
        if let delay = fault.retryAfter ?? (status == .serviceUnavailable ? .seconds(1) : nil) {
            headers[.retryAfter] = String(max(1, delay.components.seconds + (delay.components.attoseconds > 0 ? 1 : 0)))
        }
        if let expected = fault.offsets.first(where: { $0.name == "expected-offset" }) { headers[.uploadOffset] = String(expected.offset) }
        return Response(
            status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: json(instance: instance, requestID: requestID))))
    }

    func json(instance: String, requestID: String) -> String {
        var members = [
            "\"type\":\(JSONText.quoted(type))", "\"title\":\(JSONText.quoted(title))", "\"status\":\(status.code)",
            "\"detail\":\(JSONText.quoted(fault.kind == .internal ? Self.internalDetail : fault.detail))",
            "\"instance\":\(JSONText.quoted(instance))", "\"code\":\(JSONText.quoted(fault.code))", "\"request_id\":\(JSONText.quoted(requestID))",
        ]
        if !fault.fields.isEmpty, fault.kind != .internal {
            let errors = fault.fields.map { field in
                "{\"pointer\":\(JSONText.quoted(field.pointer)),\"code\":\(JSONText.quoted(field.code)),\"detail\":\(JSONText.quoted(field.detail))}"
            }
            members.append("\"errors\":[\(errors.joined(separator: ","))]")
            if fault.isLimit {
                members.append("\"violated-policies\":[\(fault.fields.map { JSONText.quoted($0.detail) }.joined(separator: ","))]")
            }
            for (name, offset) in fault.offsets { members.append("\(JSONText.quoted(name)):\(offset)") }
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    private static let internalDetail = "Something went wrong on our side. The request id finds it in the log."

    /// The gateway itself, not what the caller does, is why the request must wait.
    private static let reducedCapacity: Set = ["streams.full", "limits.unavailable"]

    /// Of resumable uploads, so that any client of the draft knows them.
    private static let registered = [
        "upload.offset_mismatch": "mismatching-upload-offset", "upload.inconsistent_length": "inconsistent-upload-length",
        "upload.already_completed": "completed-upload",
    ]

    /// Rate limits have a registered type, so that clients recognise it whoever answers.
    private var type: String {
        if fault.code == "auth.too_many_attempts" { return "https://iana.org/assignments/http-problem-types#abnormal-usage-detected" }
        if fault.isLimit { return "https://iana.org/assignments/http-problem-types#quota-exceeded" }
        if let name = Self.registered[fault.code] { return "https://iana.org/assignments/http-problem-types#\(name)" }
        return Self.reducedCapacity.contains(fault.code)
            ? "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity" : publicURL + ErrorCatalogue.path(of: fault.code)
    }

    /// A code that is not in the catalogue has the words of its status.
    private var title: String { ErrorCatalogue.bundled[fault.code]?.title ?? Self.title(of: status) }
}

// MARK: - Status

extension Problem {
    /// Codes whose status is not that of their kind. A code with `too_large` in its last part is 413 wherever it comes from.
    private static let statuses: [String: HTTPResponse.Status] = [
        "artifact.range_not_satisfiable": .rangeNotSatisfiable,
        "auth.session_invalid": .unauthorized,
        "idp_unreachable": .badGateway,
        "precondition_failed": .preconditionFailed,
        "precondition_required": .preconditionRequired,
        "rpc.deadline_exceeded": .gatewayTimeout,
        "request.not_acceptable": .notAcceptable,
        "request.misdirected": .misdirectedRequest,
        "request.too_slow": .requestTimeout,
        "request.headers_too_large": .requestHeaderFieldsTooLarge,
        "request.target_too_long": .uriTooLong,
        "request.method_not_allowed": .methodNotAllowed,
        "request.unsupported_media_type": .unsupportedMediaType,
        "upload.unsupported_media_type": .unsupportedMediaType,
        "upload.unsupported_encoding": .unsupportedMediaType,
        "upload.encoding_unsupported": .unsupportedMediaType,
        "upload.compression_ratio": .contentTooLarge,
    ]

    /// What could not even be read. Everything else that is invalid was read and refused: 422.
    private static let malformed: Set<String> = [
        "key_in_query", "page.invalid_cursor", "precondition.malformed", "idempotency.invalid_key", "request.malformed_json",
        "request.malformed_path",
        "request.malformed_query", "request.malformed_http", "request.host_missing",
        "request.duplicate_key", "request.duplicate_parameter", "request.unknown_parameter", "request.too_many_parameters", "request.lone_surrogate",
        "request.invalid_id", "rpc.malformed", "upload.malformed_multipart", "upload.inconsistent_length", "upload.already_completed",
    ]

    static func status(of fault: Fault) -> HTTPResponse.Status {
        if let status = statuses[fault.code] { return status }
        if fault.code == "quota_exceeded", fault.kind == .invalid { return .contentTooLarge }
        let lastPart = fault.code.split(separator: ".").last ?? ""
        if lastPart.hasSuffix("too_large"), fault.kind == .invalid || fault.kind == .exhausted { return .contentTooLarge }
        return switch fault.kind {
        case .invalid: malformed.contains(fault.code) ? .badRequest : .unprocessableContent
        case .unauthenticated: .unauthorized
        case .forbidden: .forbidden
        case .notFound: .notFound
        case .conflict, .precondition: .conflict
        case .exhausted: .tooManyRequests
        case .unavailable: .serviceUnavailable
        case .internal: .internalServerError
        }
    }

    private static func title(of status: HTTPResponse.Status) -> String {
        switch status.code {
        case 400: "Malformed request"
        case 401: "Not authenticated"
        case 403: "Not allowed"
        case 404: "Not found"
        case 405: "Method not allowed"
        case 406: "Not available in this form"
        case 408: "Request took too long"
        case 409: "Conflict with the present state"
        case 413, 414, 431: "Too large"
        case 415: "Unsupported media type"
        case 421: "Meant for another host"
        case 422: "Invalid content"
        case 429: "Too many requests"
        case 502: "Somebody else's server did not answer"
        case 503: "Temporarily unavailable"
        case 504: "Timed out"
        default: "Internal error"
        }
    }
}

/// JSON strings (RFC 8259).
enum JSONText {
    /// What stands between the quotes of a well-formed string, with its escapes resolved.
    static func unescaped(_ raw: some Sequence<UInt8>) -> String {
        let quote = [UInt8(ascii: "\"")]
        return (try? Google_Protobuf_Value(jsonUTF8Bytes: quote + raw + quote).stringValue) ?? String(decoding: Array(raw), as: UTF8.self)
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension Fault {
    /// Whether a limit is used up, which its fields name: they become `violated-policies`.
    fileprivate var isLimit: Bool { fields.contains { $0.code == "violated" } }

    /// Of an upload in pieces: they become members of the problem.
    fileprivate var offsets: [(name: String, offset: Int64)] {
        code == "upload.offset_mismatch" ? fields.compactMap { field in Int64(field.detail).map { (field.pointer, $0) } } : []
    }
}
