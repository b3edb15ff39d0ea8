import NIOCore
import Primitives

/// Who a connection or a request comes from, as limits count: an IPv4 address, or the /64 of an IPv6 address, because that is what one subscriber gets
/// (T31).
struct ClientAddress: Hashable, Sendable, CustomStringConvertible {
    /// The whole address; an IPv4 address that is mapped into IPv6 as the former.
    let ip: IPAddress?
    private let network: UInt64

    static let unknown = ClientAddress(nil as IPAddress?)

    init(_ address: SocketAddress?) {
        self.init(address?.withSockAddr { pointer, _ in IPAddress(pointer) })
    }

    init(_ address: IPAddress?) {
        guard let address, address.family == .v6 else {
            ip = address
            network = address.map { UInt64(truncatingIfNeeded: $0.bits) } ?? 0
            return
        }
        let isMapped = address.bits >> 32 == 0xFFFF
        ip = isMapped ? IPAddress(family: .v4, bits: address.bits & 0xFFFF_FFFF) : address
        network = UInt64(truncatingIfNeeded: isMapped ? address.bits & 0xFFFF_FFFF : address.bits >> 64)
    }

    /// Through proxies (T19): each adds to the right of X-Forwarded-For whom it was asked by, so the header is read from there for as long as whoever
    /// wrote the entry is one of `proxies`. What stands further left was written by the client and proves nothing.
    init(forwardedFor header: String, proxies: [Network], peer: SocketAddress?) {
        var found = ClientAddress(peer)
        for entry in header.split(separator: ",").reversed() {
            guard found.isIn(proxies), let next = IPAddress(String(entry.trimmed)) else { break }
            found = ClientAddress(next)
        }
        self = found
    }

    func isIn(_ networks: [Network]) -> Bool {
        guard let ip else { return false }
        return networks.contains { $0.contains(ip) }
    }

    /// For `last_used_ip`; the whole address.
    var description: String { ip?.description ?? "" }

    var bucket: BucketKey { BucketKey(kind: .address, high: 0, low: network) }

    static func == (left: ClientAddress, right: ClientAddress) -> Bool { left.network == right.network }

    func hash(into hasher: inout Hasher) { hasher.combine(network) }
}
