import Contract
import HTTPTypes
import Hummingbird

/// What answers at one path and method.
struct HTTPEndpoint: Sendable {
    /// Who may ask.
    enum Access: Sendable, Equatable {
        /// Anybody; known callers are known all the same.
        case everybody
        /// `authenticated`, or the permission that a key must hold.
        case permission(String)
        /// Like `permission("authenticated")` for people: who is not signed in is sent to the sign-in page.
        case page
    }

    let access: Access
    /// Points taken from the caller's limit.
    let cost: Int
    /// The kind of work, whose share of the limit it is.
    var routeClass = RouteClass.read
    /// Of which a request uses some.
    var quota: Quota.Kind?
    /// Type of a good answer, where a client that does not take it is told so.
    var produces: String?
    /// The answer has lists that can also be had as tables or in lines (`ExportFormat`).
    var isExportable = false
    /// One of them is read page by page.
    var exportsPages = false
    /// For probes, which know the gateway by its address only.
    var answersAnyHost = false
    /// Said before the body is read (104), where there is something to say.
    var announce: (@Sendable (inout Exchange) async throws -> HTTPFields?)?
    let respond: @Sendable (Exchange) async throws -> Response

    /// What a request with this `Accept` costs, and of which kind of work it is.
    /// - Parameter list: the one that is exported when it is another one than that with pages; it stands in one answer, and costs no more.
    func price(accept: String?, list: @autoclosure () -> String? = nil) -> (cost: Int, routeClass: RouteClass) {
        if exportsPages, ExportFormat.asked(by: accept) != nil, list() == nil { return (cost * ExportFormat.costFactor, .export) }
        return (cost, routeClass)
    }
}

/// All endpoints of the gateway.
struct HTTPEndpoints: Sendable {
    private var trie = PathTrie<Methods>()

    /// Of whatever has no endpoint.
    let unmatched = RouteMetrics(nil, "other")

    struct Methods: Sendable {
        fileprivate(set) var byMethod: [(method: HTTPRequest.Method, endpoint: HTTPEndpoint, metrics: RouteMetrics)] = []

        /// For the Allow header; GET implies HEAD.
        var allow: String {
            byMethod.map(\.method.rawValue).flatMap { $0 == "GET" ? ["GET", "HEAD"] : [$0] }.joined(separator: ", ")
        }

        func endpoint(for method: HTTPRequest.Method) -> HTTPEndpoint? { found(method)?.endpoint }

        func metrics(for method: HTTPRequest.Method) -> RouteMetrics? { found(method)?.metrics }

        private func found(_ method: HTTPRequest.Method) -> (method: HTTPRequest.Method, endpoint: HTTPEndpoint, metrics: RouteMetrics)? {
            let method = method == .head ? .get : method
            return byMethod.first { $0.method == method }
        }
    }

    /// A second endpoint for the same method and path is a programming error.
    mutating func add(_ method: HTTPRequest.Method, _ template: String, _ endpoint: HTTPEndpoint) {
        trie.update(template) { methods in
            precondition(methods?.endpoint(for: method) == nil, "\(method) \(template) is added twice")
            methods = methods ?? Methods()
            methods?.byMethod.append((method, endpoint, RouteMetrics(method, template)))
        }
    }

    func find(_ path: String) -> PathTrie<Methods>.Match? { trie.find(path) }
}
