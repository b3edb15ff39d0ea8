import Contract
import HTTPTypes
import NIOCore
import NIOHTTP1
import Primitives
import ServiceKit
import Synchronization

/// Refuses on the spot whoever is certainly over a limit, before a task, an exchange or a header table is made for the request: a flood must cost the
/// gateway as little as possible. Only what is known without waiting is asked; in every other case the request goes its usual way, which gives the
/// same answer.
final class QuickRefusal: Sendable {
    private let endpoints: HTTPEndpoints
    private let authenticator: Authenticator
    private let limiter: Limiter
    private let proxies: [Network]
    private let clock = HTTPClock()
    /// By policies and the name of the one that refused: a handful for each class of routes.
    private let templates = Mutex<[String: Template]>([:])

    init(_ front: Front) {
        endpoints = front.endpoints
        authenticator = front.authenticator
        limiter = front.limiter
        proxies = front.proxies
    }

    /// What is the same in every refusal by one limit: the answer around what is written into it.
    private struct Template {
        /// From the status line on.
        let head: String
        /// Of the body: before the path, between it and the request id, and after that.
        let body: (String, String, String)

        init(_ outcome: RateOutcome) {
            // The type of a used-up limit is IANA's, not a page of ours.
            let json = Problem(outcome.fault(), publicURL: "").json(instance: "@path@", requestID: "@request@")
            let (start, rest) = Self.split(json, at: "@path@")
            let (middle, end) = Self.split(rest, at: "@request@")
            body = (start, middle, end)
            head =
                "HTTP/1.1 429 Too Many Requests\r\nContent-Type: \(Problem.mediaType)\r\nX-Content-Type-Options: nosniff\r\n"
                + "RateLimit-Policy: \(outcome.policies)\r\n"
        }

        private static func split(_ text: String, at mark: String) -> (String, String) {
            let parts = text.split(separator: mark, maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
        }
    }

    /// The refusal of a request without a body, as bytes; `nil` when the request is not certainly refused.
    func answer(to head: HTTPRequestHead, from address: ClientAddress) -> ByteBuffer? {
        guard head.method != .HEAD, head.version == .http1_1, let shown = ShownHeaders(head.headers) else { return nil }
        let path = head.uri.utf8.firstIndex(of: UInt8(ascii: "?")).map { String(head.uri[..<$0]) } ?? head.uri
        // Pages have refusals of their own, and what would have to be escaped is not worth the trouble.
        guard path.hasPrefix("/api/"), path.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
        else { return nil }
        let now = Monotonic.now
        let methods = endpoints.find(path)?.value
        guard let method = HTTPRequest.Method(rawValue: head.method.rawValue) else { return nil }
        let endpoint = methods?.endpoint(for: method)
        let cost = endpoint?.cost ?? 1
        guard cost > 0, let payer = payer(shown, address, now: now),
            let refusal = limiter.refusal(of: payer, cost: cost, routeClass: endpoint?.routeClass ?? .read, now: now)
        else { return nil }
        let bytes = answer(refusal, path: path, shown)
        (methods?.metrics(for: method) ?? endpoints.unmatched).record(.tooManyRequests, elapsed: Monotonic.now - now)
        return bytes
    }

    private func payer(_ shown: ShownHeaders, _ address: ClientAddress, now: Int64) -> Payer? {
        guard let credential = shown.credential else { return shown.hasCookie || !proxies.isEmpty ? nil : .address(address) }
        guard let principal = authenticator.known(credential, now: now), principal.identity.networks.isEmpty else { return nil }
        return .principal(principal)
    }

    private func answer(_ refusal: RateOutcome, path: String, _ shown: ShownHeaders) -> ByteBuffer {
        let template = templates.withLock { templates in
            let name = refusal.name + refusal.policies
            if let known = templates[name] { return known }
            let made = Template(refusal)
            templates[name] = made
            return made
        }
        let trace = shown.traceparent.flatMap { Trace(traceparent: $0) } ?? Trace.start()
        let requestID = shown.requestID ?? "req_" + trace.traceID
        let (date, unixTime) = clock.now()
        let seconds = refusal.seconds
        let (start, middle, end) = template.body
        let length = start.utf8.count + path.utf8.count + middle.utf8.count + requestID.utf8.count + end.utf8.count
        var bytes = ByteBufferAllocator().buffer(capacity: 640 + length)
        bytes.writeString(template.head)
        bytes.writeString("Content-Length: \(length)\r\nRetry-After: \(seconds)\r\nDate: \(date)\r\nX-Request-Id: ")
        bytes.writeString(requestID)
        bytes.writeString("\r\ntraceparent: ")
        bytes.writeString(trace.traceparent)
        bytes.writeString(
            "\r\nRateLimit: \"\(refusal.name)\";r=\(refusal.decision.remaining);t=\(seconds)\r\nX-RateLimit-Limit: \(refusal.burst)\r\n")
        bytes.writeString("X-RateLimit-Remaining: \(refusal.decision.remaining)\r\nX-RateLimit-Reset: \(unixTime + seconds)\r\n\r\n")
        bytes.writeString(start)
        bytes.writeString(path)
        bytes.writeString(middle)
        bytes.writeString(requestID)
        bytes.writeString(end)
        return bytes
    }
}

/// The headers that a quick refusal needs, found in one pass.
struct ShownHeaders {
    private(set) var credential: Authenticator.Credential?
    private(set) var hasCookie = false
    private var isAuthorized = false
    private(set) var requestID: String?
    private(set) var traceparent: String?

    /// `nil` for a request that must go its usual way: it has a body, or wants something particular of the connection.
    init?(_ headers: HTTPHeaders) {
        for (name, value) in headers {
            switch name.utf8.count {
            case 6 where Self.same(name, "cookie"): hasCookie = true
            case 6 where Self.same(name, "expect"): return nil
            case 9 where Self.same(name, "x-api-key"): credential = credential ?? .key(value.trimmed)
            case 10 where Self.same(name, "connection") && !Self.same(value, "keep-alive"): return nil
            case 11 where Self.same(name, "traceparent"): traceparent = value
            case 12 where Self.same(name, "x-request-id"): requestID = RequestHead.isPlain(value) ? value : nil
            case 13 where Self.same(name, "authorization") && !isAuthorized:
                credential = Authenticator.credential(authorization: value)
                isAuthorized = true
            case 14 where Self.same(name, "content-length") && value != "0": return nil
            case 17 where Self.same(name, "transfer-encoding"): return nil
            default: break
            }
        }
        // What is written into JSON as it is.
        if let requestID, requestID.utf8.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) { return nil }
    }

    /// - Parameter lowercased: letters and `-` only.
    private static func same(_ name: String, _ lowercased: StaticString) -> Bool {
        guard name.utf8.count == lowercased.utf8CodeUnitCount else { return false }
        return lowercased.withUTF8Buffer { expected in zip(name.utf8, expected).allSatisfy { $0 | 0x20 == $1 | 0x20 } }
    }
}
