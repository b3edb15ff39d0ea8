import Foundation
import Synchronization

/// The milliseconds and the 12 bits behind them of the last id, as one number.
private let lastStamp = Atomic<UInt64>(0)

extension UUID {
    /// Version 7 for now, above the last one of this process: within a millisecond the 12 bits behind the time count up from a random start
    /// (RFC 9562, 6.2, method 1), and run over into the next millisecond when there are more.
    package static func ascendingVersion7() -> UUID {
        var random = SystemRandomNumberGenerator()
        let bits = UInt64.random(in: .min ... .max, using: &random)
        let now = UInt64(max(0, Date().timeIntervalSince1970 * 1000)) << 12 | bits >> 54
        var stamp = now
        var last = lastStamp.load(ordering: .relaxed)
        while true {
            stamp = max(now, last + 1)
            let (exchanged, original) = lastStamp.compareExchange(expected: last, desired: stamp, ordering: .relaxed)
            if exchanged { break }
            last = original
        }
        let high = (stamp >> 12) << 16 | 0x7000 | stamp & 0xFFF
        return UUID(high: high, low: bits & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    /// RFC 9562 version 7: 48 bits of Unix milliseconds, then 74 random bits around version and variant.
    package static func version7(at time: Date, using random: inout some RandomNumberGenerator) -> UUID {
        let milliseconds = UInt64(max(0, time.timeIntervalSince1970 * 1000))
        let high = milliseconds << 16 | 0x7000 | UInt64.random(in: 0...0xFFF, using: &random)
        let low = UInt64.random(in: .min ... .max, using: &random) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return UUID(high: high, low: low)
    }

    /// RFC 9562 version 8 from the first 16 bytes of a digest: the same name gives the same id on every machine, with no look-up.
    package static func version8(digest: some Sequence<UInt8>) -> UUID {
        var bytes = Array(digest.prefix(16))
        precondition(bytes.count == 16, "a digest of at least 16 bytes is needed")
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        return UUID(bytes: bytes)
    }

    package init(high: UInt64, low: UInt64) {
        var words = (high.bigEndian, low.bigEndian)
        self = withUnsafeBytes(of: &words) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }

    /// - Precondition: exactly 16 bytes.
    package init(bytes: [UInt8]) {
        precondition(bytes.count == 16)
        self = bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
}
