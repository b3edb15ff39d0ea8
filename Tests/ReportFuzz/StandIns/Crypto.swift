/// In place of swift-crypto, whose BoringSSL would take longer to build than everything that is fuzzed: ids and hashes are made here and never compared
/// with any from elsewhere. FNV-1a of 64 bits, written out four times.
package struct SHA256 {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    package static func hash(data: some Sequence<UInt8>) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: data)
        return hash.finalize()
    }

    package mutating func update(data: some Sequence<UInt8>) {
        for byte in data { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    }

    package mutating func update(bufferPointer: UnsafeRawBufferPointer) { update(data: bufferPointer) }

    package func finalize() -> [UInt8] { (0..<32).map { UInt8(truncatingIfNeeded: state >> (UInt64($0) % 8 * 8)) } }
}
