import Primitives

/// Where the addresses of a host name come from: the system, or a table. It may take its time; whoever waits has a deadline of its own.
package struct Resolver: Sendable {
    /// Every address of a name, in the order to try them. Throws `dns`.
    package let addresses: @Sendable (_ host: String) async throws(OutboundError) -> [IPAddress]

    package init(addresses: @escaping @Sendable (_ host: String) async throws(OutboundError) -> [IPAddress]) {
        self.addresses = addresses
    }

    /// More answers than this for one name are refused: all of them would have to be checked.
    static let maximumAnswers = 64

    /// `getaddrinfo`, so `/etc/hosts` and `resolv.conf` count.
    package static let system = Resolver { host async throws(OutboundError) in
        try await SystemResolver.shared.addresses(of: host).get()
    }

    /// Fixed answers, for closed networks and tests. A name may have several, given in turn; the last one stays.
    package static func table(_ answers: [String: [[IPAddress]]]) -> Resolver {
        let turns = Turns(answers)
        return Resolver { host async throws(OutboundError) in
            guard let answer = turns.next(host) else { throw .dns("unknown host") }
            return answer
        }
    }
}
