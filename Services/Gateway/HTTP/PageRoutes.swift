import Contract
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import ServiceKit

/// What pages are built from: who asks, and the clients of the services.
struct PageContext: Sendable {
    let exchange: Exchange
    let upstreams: Upstreams
    let authenticator: Authenticator

    /// `nil` on pages for everybody while nobody is signed in.
    var identity: Identity? { exchange.principal?.identity }

    /// A path parameter, decoded.
    func parameter(_ name: String) throws(Fault) -> String { try exchange.parameter(name) }

    /// The first value of a query parameter.
    func query(_ name: String) throws(Fault) -> String? { try exchange.target.query().first { $0.name == name }?.value }

    /// The fields of a form, at most 64 KiB.
    func form() async throws -> [(name: String, value: String)] {
        let body = try await exchange.body.collect(limit: 65_536, tooLarge: .bodyTooLarge(limit: 65_536))
        guard exchange.head.mediaType == "application/x-www-form-urlencoded" else { throw Fault.mediaType }
        return try RequestTarget("?" + String(buffer: body)).query()
    }

    /// Runs `operation` as whoever is signed in; calls inside it carry their identity and permissions.
    func calling<R>(limit: Duration = .seconds(10), _ operation: () async throws -> R) async throws -> R {
        let caller = try exchange.caller()
        return try await exchange.calling(as: caller, limit: limit, operation)
    }

    // MARK: - Sessions

    /// Signs in with an API key.
    /// - Returns: a redirect to `path` (which must be one of ours) with the session's cookie.
    /// - Throws: `auth.key_invalid`.
    func signIn(key: String, thenTo path: String) async throws -> Response {
        let cookie = try await authenticator.signIn(key: key, address: exchange.address)
        let target = path.hasPrefix("/") && !path.hasPrefix("//") && !path.hasPrefix("/\\") ? path : "/"
        return Response(status: .seeOther, headers: [.location: target, .setCookie: cookie])
    }

    /// Signs a person in. Whoever belongs to no organization gets to their account: there is nothing else for them yet.
    /// - Throws: what `SignIn` throws.
    func signIn(_ attempt: SignIn.Attempt, thenTo path: String) async throws -> Response {
        let client = SessionStore.Client(address: exchange.address.description, userAgent: exchange.userAgent)
        let (cookie, hasOrganization) = try await authenticator.signIn(attempt, client: client, network: client.network)
        return Response(status: .seeOther, headers: [.location: hasOrganization ? path : "/account", .setCookie: cookie])
    }

    /// Goes on in somebody's place: `token` is that of a started impersonation.
    func impersonate(_ token: String, thenTo path: String) -> Response {
        Response(status: .seeOther, headers: [.location: path, .setCookie: authenticator.impersonate(token)])
    }

    /// - Returns: the value of the `Set-Cookie` header with which the session goes on.
    func renewSession() async throws -> String? { try await authenticator.renew(exchange.head) }

    func signOut(thenTo path: String) async throws -> Response {
        Response(status: .seeOther, headers: [.location: path, .setCookie: try await authenticator.signOut(exchange.head)])
    }
}

/// Where pages are mounted. A page's path must not begin with `/api/`.
struct PageRoutes: Sendable {
    /// Whom a page is for.
    enum Audience: Sendable {
        /// Whoever is not signed in is sent to `signInPath` and comes back afterwards.
        case signedIn
        case everybody
    }

    private(set) var pages:
        [(method: HTTPRequest.Method, template: String, audience: Audience, respond: @Sendable (PageContext) async throws -> Response)] = []

    /// Must be the path of a page for everybody.
    var signInPath = "/sign-in"

    /// A fault as a page; `nil` where the problem document is the better answer, because a program asked.
    var problem: @Sendable (Fault, Exchange) -> Response? = { _, _ in nil }

    mutating func get(_ template: String, for audience: Audience = .signedIn, respond: @escaping @Sendable (PageContext) async throws -> Response) {
        pages.append((.get, template, audience, respond))
    }

    mutating func post(_ template: String, for audience: Audience = .signedIn, respond: @escaping @Sendable (PageContext) async throws -> Response) {
        pages.append((.post, template, audience, respond))
    }

    /// Assets and the sign-in form cost nothing extra; other pages are worth the calls they make.
    func add(to endpoints: inout HTTPEndpoints, upstreams: Upstreams, authenticator: Authenticator) {
        for page in pages {
            endpoints.add(
                page.method, page.template,
                HTTPEndpoint(
                    access: page.audience == .signedIn ? .page : .everybody, cost: page.audience == .signedIn ? 2 : 1,
                    routeClass: Self.routeClass(page.method, page.audience)
                ) { exchange in
                    try await page.respond(PageContext(exchange: exchange, upstreams: upstreams, authenticator: authenticator))
                })
        }
    }

    /// A form for everybody is one to sign in or up with.
    private static func routeClass(_ method: HTTPRequest.Method, _ audience: Audience) -> RouteClass {
        method == .get ? .read : audience == .everybody ? .auth : .write
    }
}
