import Foundation

/// One IPv4 or IPv6 address, as a number. No zones, no names.
///
/// The text form of IPv4 is four plain decimals and nothing else: `inet_aton` reads `0177.1` as loopback, and a checker that
/// disagrees with the connector is how such checks are walked around.
package struct IPAddress: Hashable, Sendable {
    package enum Family: Sendable {
        case v4, v6

        /// Bits of an address.
        package var width: Int { self == .v4 ? 32 : 128 }
    }

    package let family: Family
    /// The address as a number; of IPv4 the low 32 bits.
    package let bits: UInt128

    package init(family: Family, bits: UInt128) {
        self.family = family
        self.bits = bits
    }

    /// Reads dotted decimal (no leading zeros) or the IPv6 text of RFC 4291, without brackets and zone; nil for anything else.
    package init?(_ text: String) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            var address = in6_addr()
            guard text.utf8.count <= 45, inet_pton(AF_INET6, text, &address) == 1 else { return nil }
            self.init(address)
        } else {
            let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            guard parts.count == 4 else { return nil }
            var bits: UInt128 = 0
            for part in parts {
                guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0"),
                    part.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let byte = UInt8(String(Substring(part)))
                else { return nil }
                bits = bits << 8 | UInt128(byte)
            }
            self.init(family: .v4, bits: bits)
        }
    }

    /// Reads what the kernel or the resolver speaks; nil for families other than IPv4 and IPv6.
    package init?(_ address: UnsafePointer<sockaddr>) {
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            let number = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr
            self.init(family: .v4, bits: UInt128(UInt32(bigEndian: number)))
        case AF_INET6:
            self.init(UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self).sin6_addr)
        default:
            return nil
        }
    }

    private init(_ address: in6_addr) {
        let bits = withUnsafeBytes(of: address) { $0.reduce(UInt128(0)) { $0 << 8 | UInt128($1) } }
        self.init(family: .v6, bits: bits)
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted decimal, or IPv6 as RFC 5952 writes it.
    package var description: String {
        let bytes = (0..<family.width / 8).reversed().map { UInt8(truncatingIfNeeded: bits >> UInt128($0 * 8)) }
        guard family == .v6 else { return bytes.map(String.init).joined(separator: ".") }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, bytes, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
