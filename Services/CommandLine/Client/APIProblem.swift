import Foundation

/// A problem document of the server (RFC 9457), or what can be said of an answer that is none.
struct APIProblem: Decodable, Equatable, Sendable, CustomStringConvertible {
    struct Field: Decodable, Equatable, Sendable {
        let pointer: String?
        let detail: String?
    }

    let status: Int
    let code: String
    let title: String?
    let detail: String?
    let requestID: String?
    let errors: [Field]?

    enum CodingKeys: String, CodingKey {
        case status, code, title, detail, errors
        case requestID = "request_id"
    }

    init(status: Int, code: String, title: String? = nil, detail: String? = nil, requestID: String? = nil, errors: [Field]? = nil) {
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.requestID = requestID
        self.errors = errors
    }

    /// A proxy in between answers with pages of its own.
    init(status: Int, body: Data) {
        if let problem = try? JSONDecoder().decode(APIProblem.self, from: body) {
            self = problem
        } else {
            self.init(status: status, code: "http.\(status)", detail: "the answer is no problem document of Assay; is something between it and us?")
        }
    }

    /// Whether the same request may succeed a little later.
    var isPassing: Bool {
        switch status {
        case 408, 425, 429, 500, 502, 503, 504: code != "quota_exceeded"
        case 409: code == "idempotency.running" || code == "upload.offset_mismatch"
        // What was sent of it is forgotten after a day; it begins again.
        case 404: code == "partial_upload.not_found"
        default: false
        }
    }

    /// The server does not know how to take how a command ended, as releases of before did not.
    var refusesEnding: Bool {
        let names: Set = ["exit_code", "command"]
        return ["request.unknown_parameter", "unknown_field"].contains(code)
            && (errors ?? []).contains { $0.pointer.map { names.contains(String($0.trimmingPrefix("/"))) } ?? false }
    }

    var description: String {
        var text = detail ?? title ?? "the server answered \(status)"
        for field in (errors ?? []).prefix(5) { text += "\n  \(field.pointer ?? ""): \(field.detail ?? "")" }
        text += " (\(status) \(code)"
        if let requestID { text += ", request \(requestID)" }
        return text + ")"
    }
}
