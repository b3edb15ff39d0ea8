import HTTPTypes

/// The request headers that the gateway reads, found in one pass: a look-up in `HTTPFields` is a scan of its own.
struct RequestHead: Sendable {
    private(set) var accept: String?
    private(set) var authorization: String?
    private(set) var apiKey: String?
    private(set) var cookie: String?
    private(set) var requestID: String?
    private(set) var traceparent: String?
    private(set) var contentLength: String?
    private(set) var contentType: String?
    private(set) var contentEncoding: [String] = []
    private(set) var isChunked = false
    private(set) var expectsContinue = false
    private(set) var idempotencyKey: String?
    private(set) var ifNoneMatch: String?
    private(set) var ifMatch: String?
    private(set) var range: String?
    private(set) var ifRange: String?
    private(set) var lastEventID: String?
    private(set) var forwardedFor: String?
    private(set) var fetchSite: String?
    private(set) var origin: String?
    private(set) var userAgent: String?
    private(set) var uploadComplete: String?
    private(set) var uploadDraft: String?
    private(set) var uploadOffset: String?
    private(set) var uploadLength: String?
    private(set) var representationDigest: String?

    /// As if `Accept` had said so.
    mutating func accept(only mediaType: String) { accept = mediaType }

    init(_ fields: HTTPFields) {
        for field in fields {
            switch field.name.canonicalName {
            case "accept": accept = accept.map { $0 + "," + field.value } ?? field.value
            case "authorization": authorization = authorization ?? field.value
            case "x-api-key": apiKey = apiKey ?? field.value
            // HTTP/2 and some proxies split cookies.
            case "cookie": cookie = cookie.map { $0 + "; " + field.value } ?? field.value
            case "x-request-id": requestID = Self.isPlain(field.value) ? field.value : nil
            case "traceparent": traceparent = field.value
            case "content-length": contentLength = field.value
            case "content-type": contentType = field.value
            case "content-encoding": contentEncoding += field.value.split(separator: ",").map { String($0.trimmed.lowercased()) }
            case "transfer-encoding": isChunked = true
            case "expect": expectsContinue = field.value.lowercased() == "100-continue"
            case "idempotency-key": idempotencyKey = field.value
            case "if-none-match": ifNoneMatch = field.value
            case "if-match": ifMatch = ifMatch.map { $0 + "," + field.value } ?? field.value
            case "range": range = field.value
            case "if-range": ifRange = field.value
            // Empty: a browser whose stream had no id yet.
            case "last-event-id": lastEventID = field.value.isEmpty ? nil : field.value
            case "x-forwarded-for": forwardedFor = forwardedFor.map { $0 + "," + field.value } ?? field.value
            case "sec-fetch-site": fetchSite = field.value
            case "origin": origin = field.value
            case "user-agent": userAgent = field.value
            case "upload-complete": uploadComplete = field.value
            case "upload-draft-interop-version": uploadDraft = field.value
            case "upload-offset": uploadOffset = field.value
            case "upload-length": uploadLength = field.value
            case "repr-digest": representationDigest = representationDigest.map { $0 + "," + field.value } ?? field.value
            default: break
            }
        }
    }

    var hasBody: Bool { isChunked || (contentLength.map { $0 != "0" } ?? false) }

    /// The media type without its parameters, in lower case; empty when absent.
    var mediaType: String { contentType.map { HeaderParameters($0)?.value ?? "" } ?? "" }

    /// The value of one cookie.
    func cookie(named name: String) -> Substring? {
        cookie?.split(separator: ";").lazy.map { $0.trimmed }.first { $0.hasPrefix(name) && $0.dropFirst(name.count).first == "=" }?.dropFirst(
            name.count + 1)
    }

    /// A request id ends up in headers, logs and metadata: 1 to 128 printable characters.
    static func isPlain(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...128).contains(bytes.count) && bytes.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
