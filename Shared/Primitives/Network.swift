/// A block of addresses in CIDR notation (RFC 4632): `10.0.0.0/8`, `::1/128`.
package struct Network: Hashable, Sendable {
    package let address: IPAddress
    /// Leading bits that are fixed.
    package let length: Int

    /// - Throws: `network.invalid` for anything but an address, a slash and a length, and for bits set behind the length: those are
    ///   always a typing error of the operator, and guessing would open more or less than was meant.
    package init(_ text: String) throws(Fault) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])), let length = Int(parts[1]), "\(length)" == parts[1],
            (0...address.family.width).contains(length)
        else { throw Fault(.invalid, "network.invalid", "\(text) is not a network such as 10.0.0.0/8 or fd00::/8.") }
        self.init(address: address, length: length)
        guard address.bits & ~mask == 0 else {
            throw Fault(.invalid, "network.invalid", "\(text) has address bits behind its length of \(length).")
        }
    }

    init(address: IPAddress, length: Int) {
        self.address = address
        self.length = length
    }

    /// Reads the operator's comma-separated list; blanks around entries are allowed and an empty text is an empty list.
    package static func list(_ text: String) throws(Fault) -> [Network] {
        var networks: [Network] = []
        for part in text.split(separator: ",") {
            let trimmed = part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            networks.append(try Network(String(trimmed)))
        }
        return networks
    }

    package func contains(_ other: IPAddress) -> Bool {
        other.family == address.family && (other.bits ^ address.bits) & mask == 0
    }

    private var mask: UInt128 {
        let width = address.family.width
        guard length > 0 else { return 0 }
        let all: UInt128 = width == 128 ? .max : (1 << UInt128(width)) - 1
        return all & ~((1 << UInt128(width - length)) &- 1)
    }
}

extension Network: CustomStringConvertible {
    package var description: String { "\(address)/\(length)" }
}
