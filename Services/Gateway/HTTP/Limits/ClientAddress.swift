import NIOCore

/// The address that anonymous limits count by: an IPv4 address, or the /64 of an IPv6 address, because that is what one subscriber gets (T31).
struct ClientAddress: Hashable, Sendable, CustomStringConvertible {
    private let address: SocketAddress?
    private let network: UInt64

    static let unknown = ClientAddress(nil)

    init(_ address: SocketAddress?) {
        self.address = address
        network = address?.withSockAddr { pointer, size in Self.network(UnsafeRawBufferPointer(start: pointer, count: size), address?.protocol) } ?? 0
    }

    /// In a socket address the IPv4 address stands at byte 4, the IPv6 address at byte 8 (RFC 3493).
    private static func network(_ bytes: UnsafeRawBufferPointer, _ family: NIOBSDSocket.ProtocolFamily?) -> UInt64 {
        switch family {
        case .inet: return UInt64(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        case .inet6:
            let address = bytes[8..<24]
            let isMapped = address.prefix(10).allSatisfy { $0 == 0 } && bytes[18] == 0xFF && bytes[19] == 0xFF
            return isMapped
                ? UInt64(bytes.loadUnaligned(fromByteOffset: 20, as: UInt32.self)) : bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        default: return 0
        }
    }

    /// For `last_used_ip`; the whole address.
    var description: String { address?.ipAddress ?? "" }

    /// The address that the nearest trusted proxy saw: `hops` counts the proxies in front, each of which adds one entry at the right. What
    /// stands further left was written by the client and proves nothing.
    init(forwardedFor header: String, hops: Int, peer: SocketAddress?) {
        let entries = header.split(separator: ",").map { $0.trimmingPrefix { $0 == " " } }
        guard hops > 0, entries.count >= hops, let address = try? SocketAddress(ipAddress: String(entries[entries.count - hops]), port: 0) else {
            self.init(peer)
            return
        }
        self.init(address)
    }

    var bucket: BucketKey { BucketKey(kind: .address, high: 0, low: network) }

    static func == (left: ClientAddress, right: ClientAddress) -> Bool { left.network == right.network }

    func hash(into hasher: inout Hasher) { hasher.combine(network) }
}
