import Foundation

/// 128 bits of a signature's text: equal on every replica and for ever, so that it can be stored, compared and shown as a failure group's id.
///
/// MurmurHash3_x64_128 (A. Appleby, public domain) with seed 0. It is no secret and no control: whoever can make two texts collide can only do so in
/// the failures of their own organization.
package struct SignatureID: Hashable, Sendable {
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// What a stored or shown id stands for; six of its bits are fixed (see `uuid`).
    package init(uuid: UUID) {
        let b = uuid.uuid
        high = [b.0, b.1, b.2, b.3, b.4, b.5, b.6, b.7].reduce(0) { $0 << 8 | UInt64($1) }
        low = [b.8, b.9, b.10, b.11, b.12, b.13, b.14, b.15].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// A UUIDv8 (RFC 9562, section 5.8).
    package var uuid: UUID {
        func byte(_ word: UInt64, _ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: word >> (56 - 8 * index)) }
        return UUID(
            uuid: (
                byte(high, 0), byte(high, 1), byte(high, 2), byte(high, 3), byte(high, 4), byte(high, 5), byte(high, 6), byte(high, 7),
                byte(low, 0), byte(low, 1), byte(low, 2), byte(low, 3), byte(low, 4), byte(low, 5), byte(low, 6), byte(low, 7)
            ))
    }

    package init(hashing bytes: UnsafeRawBufferPointer) {
        let (c1, c2): (UInt64, UInt64) = (0x87c3_7b91_1142_53d5, 0x4cf5_ad43_2745_937f)
        var (h1, h2): (UInt64, UInt64) = (0, 0)
        var place = 0
        while place + 16 <= bytes.count {
            let k1 = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            let k2 = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self))
            h1 ^= (k1 &* c1).rotated(31) &* c2
            h1 = (h1.rotated(27) &+ h2) &* 5 &+ 0x52dc_e729
            h2 ^= (k2 &* c2).rotated(33) &* c1
            h2 = (h2.rotated(31) &+ h1) &* 5 &+ 0x3849_5ab5
            place += 16
        }
        var (k1, k2): (UInt64, UInt64) = (0, 0)
        for index in stride(from: bytes.count - place - 1, through: 0, by: -1) {
            if index >= 8 { k2 = k2 << 8 | UInt64(bytes[place + index]) } else { k1 = k1 << 8 | UInt64(bytes[place + index]) }
        }
        if bytes.count - place > 8 { h2 ^= (k2 &* c2).rotated(33) &* c1 }
        if bytes.count > place { h1 ^= (k1 &* c1).rotated(31) &* c2 }
        h1 ^= UInt64(bytes.count)
        h2 ^= UInt64(bytes.count)
        h1 = h1 &+ h2
        h2 = h2 &+ h1
        h1 = h1.finished
        h2 = h2.finished
        h1 = h1 &+ h2
        h2 = h2 &+ h1
        // Version and variant of the UUID, here already, so that an id that was stored and read again is the same.
        high = (h1 & 0xFFFF_FFFF_FFFF_0FFF) | 0x8000
        low = (h2 & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
    }

    package init(hashing text: String) {
        var text = text
        self = text.withUTF8 { SignatureID(hashing: UnsafeRawBufferPointer($0)) }
    }

    /// Only the bits that vary: the hash is one already.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(high ^ low)
    }
}

extension SignatureID: Comparable {
    package static func < (left: SignatureID, right: SignatureID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension UInt64 {
    @inline(__always) fileprivate func rotated(_ count: UInt64) -> UInt64 { self << count | self >> (64 - count) }

    fileprivate var finished: UInt64 {
        var k = self
        k = (k ^ k >> 33) &* 0xff51_afd7_ed55_8ccd
        k = (k ^ k >> 33) &* 0xc4ce_b9fe_1a85_ec53
        return k ^ k >> 33
    }
}
