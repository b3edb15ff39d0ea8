import Primitives

/// The names under which this gateway may be asked (T20). A request for another host has been sent here by mistake, or to make a browser or a cache
/// believe something: it is not answered. Links are made from the public address alone, never from what a request says.
struct HostList: Sendable {
    private static let loopback: Set<Substring> = ["localhost", "127.0.0.1", "[::1]"]

    private let names: Set<Substring>

    /// - Parameters:
    ///   - publicURL: how browsers reach the gateway. One on loopback allows every name of loopback, which is how people try things.
    ///   - others: further host names, without ports.
    init(publicURL: String, others: [String]) {
        let authority = publicURL.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).dropFirst(2).first ?? ""
        let host = Self.host(authority.prefix { $0 != "/" })
        names = Set([host] + others.map { Self.host(Substring($0)) }).union(Self.loopback.contains(host) ? Self.loopback : [])
    }

    /// `authority`: host and perhaps port, as the Host header has it.
    /// - Throws: `request.host_missing`, `request.misdirected`.
    func require(_ authority: String?) throws(Fault) {
        guard let authority, !authority.isEmpty else { throw .hostMissing }
        guard names.contains(Self.host(Substring(authority))) else { throw .misdirected }
    }

    private static func host(_ authority: Substring) -> Substring {
        let lowered = Substring(authority.lowercased())
        if lowered.hasPrefix("["), let end = lowered.firstIndex(of: "]") { return lowered[...end] }
        let name = lowered.prefix { $0 != ":" }
        // A fully qualified name may end with a full stop.
        return name.hasSuffix(".") ? name.dropLast() : name
    }
}
