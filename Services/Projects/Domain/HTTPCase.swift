import Primitives

/// One test: a request to send, and what must be true of the answer. Execution carries it out; here it is only checked and kept.
struct HTTPCase: Sendable, Equatable, Codable {
    static let maxURLBytes = 8 * 1024
    static let maxBodyBytes = 1 << 20
    static let maxHeaders = 100
    static let maxAssertions = 100
    static let maxTimeout = 300_000
    static let defaultTimeout = 30_000

    struct Header: Sendable, Equatable, Codable {
        let name: String
        let value: String
    }

    let method: String
    let url: String
    let headers: [Header]
    let body: String
    let variables: [String: String]
    let assertions: [Assertion]
    /// Milliseconds for the whole exchange.
    let timeout: Int
    let followRedirects: Bool

    /// - Throws: `request.invalid` naming the field under `/http`.
    init(
        method: String, url: String, headers: [Header], body: String, variables: [String: String], assertions: [Assertion], timeout: Int64,
        followRedirects: Bool
    ) throws(Fault) {
        self.method = try Self.checkedMethod(method.isEmpty ? "GET" : method)
        self.url = try Self.checkedURL(url)
        guard headers.count <= Self.maxHeaders else {
            throw .invalidField("/http/headers", "too_many", "At most \(Self.maxHeaders) headers are allowed.")
        }
        for (index, header) in headers.enumerated() { try Self.check(header, "/http/headers/\(index)") }
        self.headers = headers
        guard body.utf8.count <= Self.maxBodyBytes else { throw .invalidField("/http/body", "too_long", "A body has at most 1 MiB.") }
        self.body = body
        self.variables = try Variables.checked(variables, "/http/variables")
        guard assertions.count <= Self.maxAssertions else {
            throw .invalidField("/http/assertions", "too_many", "At most \(Self.maxAssertions) assertions are allowed.")
        }
        self.assertions = assertions
        guard timeout == 0 || (1...Int64(Self.maxTimeout)).contains(timeout) else {
            throw .invalidField("/http/timeout_ms", "out_of_range", "A timeout is between 1 and \(Self.maxTimeout) ms.")
        }
        self.timeout = timeout == 0 ? Self.defaultTimeout : Int(timeout)
        self.followRedirects = followRedirects
    }

    private static func checkedMethod(_ method: String) throws(Fault) -> String {
        guard (1...16).contains(method.utf8.count), method.utf8.allSatisfy({ (65...90).contains($0) }) else {
            throw .invalidField("/http/method", "invalid_method", "A method is up to 16 upper-case letters.")
        }
        guard method != "CONNECT", method != "TRACE" else { throw .invalidField("/http/method", "invalid_method", "\(method) cannot be tested.") }
        return method
    }

    /// The scheme and host may be variables, so only what can never become a URL is refused here; the runner judges the filled-in one.
    private static func checkedURL(_ url: String) throws(Fault) -> String {
        guard (1...maxURLBytes).contains(url.utf8.count) else { throw .invalidField("/http/url", "length", "A URL has 1–\(maxURLBytes) bytes.") }
        guard url.utf8.allSatisfy({ $0 > 32 && $0 != 127 }) else {
            throw .invalidField("/http/url", "control_character", "A URL holds no spaces or control characters.")
        }
        let lower = url.lowercased()
        guard lower.hasPrefix("http://") || lower.hasPrefix("https://") || url.hasPrefix("{{") else {
            throw .invalidField("/http/url", "invalid_scheme", "A URL begins with http://, https:// or a {{variable}}.")
        }
        return url
    }

    private static func check(_ header: Header, _ pointer: String) throws(Fault) {
        let tokens = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        guard (1...256).contains(header.name.utf8.count), header.name.utf8.allSatisfy(tokens.contains) else {
            throw .invalidField(pointer + "/name", "invalid_name", "A header's name is a token of up to 256 characters (RFC 9110).")
        }
        guard header.value.utf8.count <= 8192, header.value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 }) else {
            throw .invalidField(pointer + "/value", "invalid_value", "A header's value has at most 8 KiB and no line breaks or control characters.")
        }
    }
}
