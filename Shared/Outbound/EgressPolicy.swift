import Primitives

/// What a request may reach: a pure value, asked before resolving, for every resolved address, for every hop, and again by the socket.
///
/// Networks listed by the operator (self-hosted installations testing their own services) are open on any port that is not dangerous;
/// everything else that is not public internet is closed.
package struct EgressPolicy: Hashable, Sendable {
    /// More redirects than this are never followed, whatever `maximumRedirects` says.
    package static let redirectLimit = 5

    package let allowedNetworks: [Network]
    package let ports: PortRule
    package let schemes: Set<TargetURL.Scheme>
    /// Redirects followed; with 0 the redirect itself is the response.
    package let maximumRedirects: Int
    /// Whether a redirect may lead from https to http.
    package let allowsDowngrade: Bool

    package init(
        allowedNetworks: [Network] = [], ports: PortRule = .web, schemes: Set<TargetURL.Scheme> = [.http, .https],
        maximumRedirects: Int = EgressPolicy.redirectLimit, allowsDowngrade: Bool = true
    ) {
        self.allowedNetworks = allowedNetworks
        self.ports = ports
        self.schemes = schemes
        self.maximumRedirects = min(max(maximumRedirects, 0), Self.redirectLimit)
        self.allowsDowngrade = allowsDowngrade
    }

    /// For HTTP tests: web ports, five redirects. `allowing` is the operator's list.
    package static func tests(allowing networks: [Network] = []) -> EgressPolicy {
        EgressPolicy(allowedNetworks: networks)
    }

    /// For webhooks: port 443 and the operator's further `ports`, no redirects, never down from https.
    package static func webhooks(allowing networks: [Network] = [], ports: Set<UInt16> = []) -> EgressPolicy {
        EgressPolicy(allowedNetworks: networks, ports: .only(ports.union([443])), maximumRedirects: 0, allowsDowngrade: false)
    }

    /// Why this address and port are closed; nil when they are open.
    package func refusal(of address: IPAddress, port: UInt16) -> BlockReason? {
        let isOwn = allowedNetworks.contains { $0.contains(address) }
        if !isOwn, let range = SpecialRange.of(address) { return .address(address, range) }
        return ports.allows(port, isOwnNetwork: isOwn) ? nil : .port(port)
    }

    /// Why every answer for a host is closed because one of them is (T71): a name with one bad address is an attack or a mistake.
    package func refusal(of addresses: [IPAddress], port: UInt16) -> BlockReason? {
        for address in addresses {
            if let reason = refusal(of: address, port: port) { return reason }
        }
        return nil
    }

    /// What can be told without resolving: scheme, literal address, and ports that no address could open.
    package func refusal(of url: TargetURL) -> BlockReason? {
        guard schemes.contains(url.scheme) else { return .scheme }
        if case .address(let address) = url.host { return refusal(of: address, port: url.port) }
        return ports.allows(url.port, isOwnNetwork: !allowedNetworks.isEmpty) ? nil : .port(url.port)
    }
}
