import Primitives

/// Addresses that are not the public internet, so that no user may reach them unless the operator listed them.
///
/// The table is the IANA special-purpose registries (RFC 6890 and its updates) plus the cloud metadata services that sit at addresses
/// which look public. In IPv6 it is default deny: only `2000::/3` has been given out, so everything outside is refused too.
package enum SpecialRange: String, Sendable, CaseIterable {
    case unspecified, thisNetwork = "this_network", loopback, privateUse = "private", linkLocal = "link_local", shared = "shared_nat", metadata
    case documentation, benchmarking, protocolAssignment = "protocol_assignment", multicast, reserved, uniqueLocal = "unique_local"
    /// An IPv4 address dressed as IPv6; the inner address would be reached by a translator or by the kernel itself.
    case mappedIPv4 = "ipv4_mapped", nat64, sixToFour = "6to4", teredo

    /// The range an address is in, or nil for a public one.
    package static func of(_ address: IPAddress) -> SpecialRange? {
        let table = address.family == .v4 ? v4 : v6
        if let row = table.first(where: { $0.network.contains(address) }) { return row.range }
        return address.family == .v6 && !globalUnicast.contains(address) ? .reserved : nil
    }

    /// Narrow rows stand before the wide ones that hold them.
    private static let v4 = rows([
        ("169.254.169.254/32", .metadata), ("169.254.170.2/32", .metadata), ("100.100.100.200/32", .metadata), ("168.63.129.16/32", .metadata),
        ("192.0.0.192/32", .metadata),
        ("0.0.0.0/32", .unspecified), ("0.0.0.0/8", .thisNetwork), ("10.0.0.0/8", .privateUse), ("100.64.0.0/10", .shared),
        ("127.0.0.0/8", .loopback), ("169.254.0.0/16", .linkLocal), ("172.16.0.0/12", .privateUse), ("192.0.0.0/24", .protocolAssignment),
        ("192.0.2.0/24", .documentation), ("192.88.99.0/24", .sixToFour), ("192.168.0.0/16", .privateUse), ("198.18.0.0/15", .benchmarking),
        ("198.51.100.0/24", .documentation), ("203.0.113.0/24", .documentation), ("224.0.0.0/4", .multicast), ("240.0.0.0/4", .reserved),
    ])

    private static let v6 = rows([
        ("fd00:ec2::254/128", .metadata), ("fd20:ce::254/128", .metadata),
        ("::/128", .unspecified), ("::1/128", .loopback), ("::ffff:0:0/96", .mappedIPv4), ("::ffff:0:0:0/96", .mappedIPv4), ("::/96", .mappedIPv4),
        ("64:ff9b::/96", .nat64), ("64:ff9b:1::/48", .nat64), ("2001::/32", .teredo), ("2001::/23", .protocolAssignment),
        ("2001:db8::/32", .documentation), ("3fff::/20", .documentation), ("2002::/16", .sixToFour), ("fc00::/7", .uniqueLocal),
        ("fe80::/10", .linkLocal), ("fec0::/10", .linkLocal), ("ff00::/8", .multicast),
    ])

    private static let globalUnicast = rows([("2000::/3", .reserved)])[0].network

    private static func rows(_ rows: [(String, SpecialRange)]) -> [(network: Network, range: SpecialRange)] {
        // The texts are the literals above; a mistyped one stops the first test that looks at any address.
        rows.map { (try! Network($0.0), $0.1) }
    }
}
