import Foundation
import Primitives

/// The one way out to addresses that users chose: HTTP tests, webhooks, providers.
///
/// One per process: it owns a thread, a pool of connections and a cache of addresses. Every hop is checked on its own, before a name is
/// resolved, for all its addresses, by the socket that is opened, and again when the connection is about to be used.
package final class OutboundClient: Sendable {
    private let engine: Engine
    private let names: AddressCache
    private let limits: OutboundLimits

    package init(limits: OutboundLimits = OutboundLimits(), resolver: Resolver = .system) {
        self.limits = limits
        engine = Engine(limits: limits)
        names = AddressCache(resolver: resolver, lifetime: limits.addressLifetime)
    }

    deinit {
        engine.stop()
    }

    /// Sends a request and follows redirects as far as the policy goes.
    /// - Parameter mayFollow: whether a redirect may lead to a URL, which then gets what this request carries; asked before the policy is.
    /// - Throws: what `OutboundError` lists. A status of 400 or more is a response, not an error.
    package func send(
        _ request: HTTPRequest, policy: EgressPolicy, mayFollow: (TargetURL) -> Bool = { _ in true }
    ) async throws(OutboundError) -> HTTPResponse {
        try request.check()
        var current = request
        current.limits = request.limits.clamped
        let deadline = ContinuousClock.now + current.limits.total
        var redirects: [HTTPResponse.Redirect] = []
        while true {
            let (exchange, dns, address) = try await hop(current, policy, deadline)
            let next = try Redirection.next(after: current, status: exchange.status, headers: exchange.headers, policy: policy)
            guard let next else {
                return HTTPResponse(
                    status: exchange.status, headers: exchange.headers, body: exchange.body, isCut: exchange.isCut,
                    phases: Phases(
                        dns: dns, connect: exchange.connected, tls: exchange.secured, firstByte: exchange.firstByte, total: exchange.ended),
                    redirects: redirects, url: current.url, address: address)
            }
            guard redirects.count < policy.maximumRedirects else { throw .tooManyRedirects }
            guard mayFollow(next.url) else { throw .redirectRefused(to: next.url.origin) }
            redirects.append(.init(url: current.url, status: exchange.status))
            current = next
        }
    }

    /// Whether a URL could be reached under a policy right now, without connecting: what a form that takes a URL asks. The answer does
    /// not bind `send`, which asks again.
    package func check(_ url: TargetURL, policy: EgressPolicy) async throws(OutboundError) {
        _ = try await addresses(of: url, policy, until: .now + limits.dns)
    }

    /// One request to the addresses of one host, in turn until one takes the connection.
    private func hop(
        _ request: HTTPRequest, _ policy: EgressPolicy, _ deadline: ContinuousClock.Instant
    ) async throws(OutboundError) -> (Exchange, dns: Duration, IPAddress) {
        let start = ContinuousClock.now
        let addresses = try await addresses(of: request.url, policy, until: min(deadline, start + limits.dns)).prefix(limits.addressesTried)
        let dns: Duration = if case .address = request.url.host { .zero } else { ContinuousClock.now - start }
        var failure = OutboundError.dns("no address")
        for address in addresses {
            let transfer = Transfer(
                request: request, address: address, policy: policy, connectTimeout: request.limits.connect / addresses.count, deadline: deadline)
            switch await engine.run(transfer) {
            case .success(let exchange): return (exchange, dns, address)
            case .failure(.connect(let words)): failure = .connect(words)
            case .failure(.timeout(.connect)): failure = .timeout(.connect)
            case .failure(let error): throw error
            }
        }
        throw failure
    }

    private func addresses(
        of url: TargetURL, _ policy: EgressPolicy, until deadline: ContinuousClock.Instant
    ) async throws(OutboundError) -> [IPAddress] {
        if let reason = policy.refusal(of: url) { throw .blockedTarget(reason) }
        switch url.host {
        case .address(let address): return [address]
        case .name(let name):
            let addresses = try await names.addresses(of: name, until: deadline)
            if let reason = policy.refusal(of: addresses, port: url.port) { throw .blockedTarget(reason) }
            return addresses
        }
    }
}
