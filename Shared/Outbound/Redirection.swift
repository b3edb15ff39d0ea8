import Foundation

/// The arithmetic of one redirect: which request follows from a request and its answer. Pure; the checks of the new target come after it.
enum Redirection {
    private static let statuses: Set<Int> = [301, 302, 303, 307, 308]
    /// Secrets for the first site that are none of the second's business.
    private static let credentials: Set<String> = ["authorization", "cookie"]
    private static let describesBody: Set<String> = ["content-type", "content-encoding", "content-language", "content-location"]

    /// The next request, or nil when this answer is final.
    /// - Throws: `blockedTarget` where the new URL is none that a user could have typed, or leads from https to http against the policy.
    static func next(after request: HTTPRequest, status: Int, headers: [HTTPHeader], policy: EgressPolicy) throws(OutboundError) -> HTTPRequest? {
        guard policy.maximumRedirects > 0, statuses.contains(status), let location = headers.first("location") else { return nil }
        var next = request
        do {
            next.url = try request.url.resolving(location)
        } catch {
            throw .blockedTarget(.redirectTarget)
        }
        guard policy.allowsDowngrade || request.url.scheme == .http || next.url.scheme == .https else { throw .blockedTarget(.downgrade) }
        if rewritesToGet(status, request.method) {
            next.method = "GET"
            next.body = Data()
            next.headers = next.headers.without(describesBody)
        }
        if next.url.origin != request.url.origin { next.headers = next.headers.without(credentials) }
        return next
    }

    /// As browsers do (WHATWG fetch, HTTP-redirect fetch, step 12).
    private static func rewritesToGet(_ status: Int, _ method: String) -> Bool {
        switch status {
        case 301, 302: method == "POST"
        case 303: method != "GET" && method != "HEAD"
        default: false
        }
    }
}
