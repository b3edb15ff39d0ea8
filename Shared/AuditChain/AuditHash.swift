import Crypto
import Foundation

/// A link of the chain: 32 bytes of SHA-256, in text 64 lower-case hex digits.
package struct AuditHash: Hashable, Sendable, CustomStringConvertible {
    package let data: Data

    /// What stands before the first entry.
    package static let genesis = AuditHash(unchecked: Data(count: 32))

    private init(unchecked data: Data) { self.data = data }

    package init?(_ data: Data) {
        guard data.count == 32 else { return nil }
        self.init(unchecked: data)
    }

    package init?(hex: String) {
        let digits = Array(hex.utf8)
        guard digits.count == 64 else { return nil }
        var bytes = Data(capacity: 32)
        for index in stride(from: 0, to: 64, by: 2) {
            guard let high = Self.value(digits[index]), let low = Self.value(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        self.init(unchecked: bytes)
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// h(n) = SHA-256(h(n-1) || canonical entry).
    package func next(_ canonical: Data) -> AuditHash {
        var hash = SHA256()
        hash.update(data: data)
        hash.update(data: canonical)
        return AuditHash(unchecked: Data(hash.finalize()))
    }

    package var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: data.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
