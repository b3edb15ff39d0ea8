#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif
import NIOCore

/// The address that anonymous limits count by: an IPv4 address, or the /64 of an IPv6 address, because that is what one subscriber gets (T31).
struct ClientAddress: Hashable, Sendable, CustomStringConvertible {
    private let address: SocketAddress?
    private let network: UInt64

    static let unknown = ClientAddress(nil)

    init(_ address: SocketAddress?) {
        self.address = address
        network =
            switch address {
            case .v4(let v4): UInt64(v4.address.sin_addr.s_addr)
            case .v6(let v6):
                withUnsafeBytes(of: v6.address.sin6_addr) { bytes in
                    let isMapped = bytes[0..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
                    return isMapped ? UInt64(bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self)) : bytes.loadUnaligned(as: UInt64.self)
                }
            default: 0
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
