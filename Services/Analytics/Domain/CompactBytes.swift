/// Writes numbers in as few bytes as they need: LEB128, signed ones folded to unsigned first (Protocol Buffers, "Encoding").
struct CompactWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func write(_ value: Int64) { write(UInt64(bitPattern: value << 1 ^ value >> 63)) }

    mutating func write(_ value: UInt32) { write(UInt64(value)) }

    mutating func write(_ value: Int) { write(UInt64(value)) }

    /// Random numbers do not get shorter.
    mutating func write(hash: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: hash >> shift)) }
    }

    mutating func write(order: UInt32) {
        for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: order >> shift)) }
    }
}

/// Reads what `CompactWriter` wrote; `nil` as soon as something is not as it should be.
struct CompactReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func unsigned() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            // The tenth byte holds one bit.
            guard shift < 63 || byte <= 1 else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    mutating func signed() -> Int64? {
        unsigned().map { Int64(bitPattern: $0 >> 1) ^ -Int64(bitPattern: $0 & 1) }
    }

    mutating func count() -> UInt32? { unsigned().flatMap { UInt32(exactly: $0) } }

    mutating func hash() -> UInt64? { fixed(8) }

    mutating func order() -> UInt32? { fixed(4).map { UInt32(truncatingIfNeeded: $0) } }

    private mutating func fixed(_ size: Int) -> UInt64? {
        guard rest.count >= size else { return nil }
        let value = rest.prefix(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        rest = rest.dropFirst(size)
        return value
    }
}
