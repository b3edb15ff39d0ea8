import Contract
import Foundation
import GRPCCore
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Primitives
import ServiceKit

/// The way of every request, in one function that can be read from top to bottom: name it, find its endpoint, find out who asks, charge it,
/// let the endpoint answer, write the answer. Whatever is thrown on the way becomes a problem document here.
struct Front: Sendable {
    /// What is read and dropped of a refused body so that the answer is seen before the connection closes.
    static let maxDrain = 1 << 20

    let endpoints: HTTPEndpoints
    let authenticator: Authenticator
    let limiter: Limiter
    let quotas: Quotas
    /// Hears of refusals.
    let security: SecurityLog
    /// Whose X-Forwarded-For is believed.
    let proxies: [Network]
    let hosts: HostList
    /// Where people sign in; asked pages send them there.
    let signInPath: String
    /// Scheme and host that browsers see, `Origin` of our own pages.
    let publicOrigin: String
    /// How clients reach us, without a slash at the end; types of problems are under it.
    let publicURL: String
    /// A fault as a page for people; see `PageRoutes.problem`.
    let problemPage: @Sendable (Fault, Exchange) -> Response?
    let logger: Logger
    /// Browsers come by https only, and are told to keep to it.
    private let isSecure: Bool
    private let clock = HTTPClock()

    init(
        endpoints: HTTPEndpoints, authenticator: Authenticator, limiter: Limiter, quotas: Quotas, security: SecurityLog, proxies: [Network],
        hosts: HostList, signInPath: String, publicOrigin: String, publicURL: String,
        problemPage: @escaping @Sendable (Fault, Exchange) -> Response?, logger: Logger
    ) {
        self.endpoints = endpoints
        self.authenticator = authenticator
        self.limiter = limiter
        self.quotas = quotas
        self.security = security
        self.proxies = proxies
        self.hosts = hosts
        self.signInPath = signInPath
        self.problemPage = problemPage
        self.publicOrigin = publicOrigin
        isSecure = publicOrigin.hasPrefix("https://")
        self.publicURL = publicURL
        self.logger = logger
    }

    /// Thrown to make Hummingbird close a connection whose request was not read to its end.
    struct ConnectionIsSpent: Error {}

    func handle(_ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel) async throws {
        let started = Monotonic.now
        var head = RequestHead(request.headers)
        let trace = head.traceparent.flatMap { Trace(traceparent: $0) } ?? Trace.start()
        var target = RequestTarget(request.head.path ?? "/")
        if let format = target.takeExport() { head.accept(only: format.mediaType) }
        let address =
            proxies.isEmpty
            ? ClientAddress(channel.remoteAddress)
            : ClientAddress(forwardedFor: head.forwardedFor ?? "", proxies: proxies, peer: channel.remoteAddress)
        var exchange = Exchange(
            request: request, head: head, target: target, address: address, requestID: head.requestID ?? "req_" + trace.traceID, trace: trace,
            metrics: endpoints.unmatched, body: BodyReader(request, head, channel), connection: channel)

        var admission = Admission()
        defer { admission.leave(limiter.concurrency) }
        var response: Response
        do {
            let endpoint = try await admit(&exchange, &admission)
            if let said = try await endpoint.announce?(&exchange) {
                try await writer.writeInformationalHead(HTTPResponse(status: .uploadResumptionSupported, headerFields: said))
            }
            if head.expectsContinue, head.hasBody { try await writer.writeInformationalHead(HTTPResponse(status: .continue)) }
            response = try await endpoint.respond(exchange)
        } catch {
            response = answer(to: error, exchange, admission)
        }
        finish(&response, exchange, admission)
        defer { exchange.metrics.record(response.status, elapsed: Monotonic.now - started) }
        let isSpent = !exchange.body.isFinished
        if isSpent { response.headers[.connection] = "close" }
        if request.method == .head {
            try await writer.writeResponse(response.head)
        } else {
            try await writer.write(response: response.head, body: response.body)
        }
        if isSpent {
            _ = try await exchange.body.drain(limit: Self.maxDrain)
            throw ConnectionIsSpent()
        }
    }

    // MARK: - Before

    /// What was taken for a request, to be reported and given back.
    private struct Admission {
        var outcome: RateOutcome?
        var allow: String?
        private var entered: Principal?

        mutating func enter(_ principal: Principal, _ concurrency: Concurrency) throws(Fault) {
            if let cap = concurrency.enter(key: principal.keyBucket, tenant: principal.tenantBucket) {
                let refusal = RateOutcome(crowded: cap, limit: concurrency.value(of: cap))
                outcome = refusal
                throw .concurrency(refusal.name, retryAfter: .seconds(refusal.seconds))
            }
            entered = principal
        }

        func leave(_ concurrency: Concurrency) {
            if let entered { concurrency.leave(key: entered.keyBucket, tenant: entered.tenantBucket) }
        }
    }

    private func admit(_ exchange: inout Exchange, _ admission: inout Admission) async throws -> HTTPEndpoint {
        let now = Monotonic.now
        let match = endpoints.find(exchange.target.path)
        let endpoint = match?.value.endpoint(for: exchange.request.method)
        exchange.parameters = match?.parameters ?? []
        exchange.metrics = match?.value.metrics(for: exchange.request.method) ?? endpoints.unmatched
        let price = endpoint?.price(accept: exchange.head.accept, list: exchange.target.unpagedList) ?? (cost: 1, routeClass: .read)

        if endpoint?.answersAnyHost != true { try hosts.require(exchange.request.head.authority) }
        if exchange.target.holdsKey {
            admission.outcome = try await limiter.charge(.address(exchange.address), cost: 1, now: now)
            throw Fault.keyInQuery
        }
        try await authenticate(&exchange, &admission, isRequired: endpoint.map { $0.access != .everybody } ?? false, now: now)

        let payer = exchange.principal.map(Payer.principal) ?? .address(exchange.address)
        let outcome = try await limiter.charge(payer, cost: price.cost, routeClass: price.routeClass, now: now)
        admission.outcome = outcome
        guard outcome.isAllowed else { throw outcome.fault() }

        guard let match else { throw Fault.routeNotFound }
        guard let endpoint else {
            admission.allow = match.value.allow
            throw Fault.methodNotAllowed
        }
        switch endpoint.access {
        case .everybody: break
        case .permission(let permission):
            guard let principal = exchange.principal else { throw Fault.keyMissing }
            try principal.identity.require(permission)
        case .page:
            guard exchange.principal != nil else { throw Fault.keyMissing }
        }
        if let type = endpoint.produces, !MediaRanges.allow(type, in: exchange.head.accept) {
            guard endpoint.isExportable, ExportFormat.asked(by: exchange.head.accept) != nil else { throw Fault.notAcceptable(type) }
        }
        if let principal = exchange.principal {
            try admission.enter(principal, limiter.concurrency)
            try await use(endpoint, principal, exchange, &admission)
        }
        return endpoint
    }

    /// What sets an organization right again is not counted, or nobody could.
    private func use(_ endpoint: HTTPEndpoint, _ principal: Principal, _ exchange: Exchange, _ admission: inout Admission) async throws(Fault) {
        let tenant = principal.identity.tenant
        var refusal: QuotaRefusal?
        if endpoint.cost > 0, endpoint.routeClass != .admin, endpoint.routeClass != .auth { refusal = quotas.spendRequest(of: tenant) }
        if refusal == nil, let quota = endpoint.quota {
            refusal = await quotas.refusal(quota, bytes: exchange.head.contentLength.flatMap { Int64($0) } ?? 0, of: tenant)
        }
        guard let refusal else { return }
        let now = Date()
        admission.outcome = refusal.outcome(now: now)
        throw refusal.fault(now: now)
    }

    /// A refused key takes from the bucket of its sender's address, never from anybody's key or tenant; once that is used up, keys that were not
    /// good a short while ago are not looked up.
    private func authenticate(_ exchange: inout Exchange, _ admission: inout Admission, isRequired: Bool, now: Int64) async throws {
        guard let credential = authenticator.credential(in: exchange.head) else { return }
        if case .session = credential { try refuseCrossSite(exchange) }
        if let known = authenticator.known(credential, now: now) {
            try await accept(known, &exchange, &admission, now: now)
            return
        }
        let tries = limiter.mayTryKeys(exchange.address, now: now)
        guard tries.isAllowed || authenticator.hasKnown(credential) else {
            admission.outcome = tries
            throw Fault.tooManyAttempts(tries.name, retryAfter: .seconds(tries.seconds))
        }
        do {
            let found = try await authenticator.principal(credential, address: exchange.address, now: now)
            try await accept(found, &exchange, &admission, now: now)
        } catch let fault as Fault where fault.kind == .unauthenticated {
            // A stale cookie must not bar the way to the sign-in page.
            if case .session = credential, !isRequired { return }
            admission.outcome = try await limiter.charge(.address(exchange.address), cost: 1, now: now)
            throw fault
        }
    }

    /// A key that has left the networks it is meant for is refused at the cost of whoever has it now.
    private func accept(_ principal: Principal, _ exchange: inout Exchange, _ admission: inout Admission, now: Int64) async throws(Fault) {
        let networks = principal.identity.networks
        guard networks.isEmpty || exchange.address.isIn(networks) else {
            admission.outcome = try await limiter.charge(.address(exchange.address), cost: 1, now: now)
            security.record(.keyRefused(principal.caller.actor, tenant: principal.identity.tenant, from: exchange.address.description))
            throw .addressNotAllowed
        }
        guard !principal.identity.isSuspended else {
            admission.outcome = try await limiter.charge(.address(exchange.address), cost: 1, now: now)
            throw .organizationSuspended
        }
        exchange.principal = principal
    }

    /// Cookies travel with requests that other sites make; only our own pages may change something with them.
    private func refuseCrossSite(_ exchange: Exchange) throws(Fault) {
        guard exchange.request.method != .get, exchange.request.method != .head else { return }
        if let site = exchange.head.fetchSite {
            guard site == "same-origin" else { throw .crossSite }
        } else if let origin = exchange.head.origin {
            guard origin == publicOrigin else { throw .crossSite }
        }
    }

    // MARK: - After

    private func answer(to error: any Error, _ exchange: Exchange, _ admission: Admission) -> Response {
        let fault = Fault(answering: error)
        note(fault, exchange)
        if fault.kind == .internal {
            logger.error("a request failed", metadata: ["request_id": "\(exchange.requestID)", "cause": "\(String(reflecting: error))"])
        }
        if fault.kind == .unauthenticated, isPage(exchange) { return signIn(exchange) }
        var response =
            problemPage(fault, exchange)
            ?? Problem(fault, publicURL: publicURL).response(instance: exchange.target.path, requestID: exchange.requestID)
        if let allow = admission.allow { response.headers[.allow] = allow }
        return response
    }

    /// Refusals of known callers: what they may not do, and ids that are not theirs (T66).
    private func note(_ fault: Fault, _ exchange: Exchange) {
        guard let principal = exchange.principal, fault.code != Fault.routeNotFound.code else { return }
        let (tenant, actor, address) = (principal.identity.tenant, principal.caller.actor, exchange.address.description)
        switch fault.kind {
        case .forbidden: security.record(.permissionRefused(fault.code, tenant: tenant, actor: actor, from: address))
        case .notFound: security.record(.unknownObject(fault.code, tenant: tenant, actor: actor, from: address))
        default: break
        }
    }

    private func isPage(_ exchange: Exchange) -> Bool {
        endpoints.find(exchange.target.path)?.value.endpoint(for: exchange.request.method)?.access == .page
    }

    /// Whoever asks for a page without a session comes back to it after signing in.
    private func signIn(_ exchange: Exchange) -> Response {
        let next = exchange.request.method == .get ? "?return_to=" + PercentEncoding.encode(exchange.request.head.path ?? "/") : ""
        return Response(status: .seeOther, headers: [.location: signInPath + next])
    }

    private func finish(_ response: inout Response, _ exchange: Exchange, _ admission: Admission) {
        let (date, unixTime) = clock.now()
        response.headers.append(HTTPField(name: .date, value: date))
        response.headers.append(HTTPField(name: .requestID, value: exchange.requestID))
        response.headers.append(HTTPField(name: .traceparent, value: exchange.trace.traceparent))
        response.headers.append(HTTPField(name: .xContentTypeOptions, value: "nosniff"))
        if isSecure { response.headers.append(HTTPField(name: .strictTransportSecurity, value: "max-age=31536000")) }
        let outcome = admission.outcome ?? limiter.look(exchange.address, now: Monotonic.now)
        outcome.write(to: &response.headers, unixTime: unixTime)
    }
}

extension HTTPResponse.Status {
    /// draft-ietf-httpbis-resumable-upload
    fileprivate static let uploadResumptionSupported = HTTPResponse.Status(code: 104, reasonPhrase: "Upload Resumption Supported")
}

extension Fault {
    /// Whatever an endpoint threw.
    init(answering error: any Error) {
        switch error {
        case let fault as Fault: self = fault
        case let error as RPCError: self = Fault(error)
        case is CancellationError: self = .cancelled
        default: self = Fault(.internal, "internal", "")
        }
    }
}
