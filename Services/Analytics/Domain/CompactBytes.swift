/// Writes numbers in as few bytes as they need: LEB128, signed ones folded to unsigned first (Protocol Buffers, "Encoding").
struct CompactWriter {
    private(set) var bytes: [UInt8] = []

    mutating func reserve(_ size: Int) { bytes.reserveCapacity(size) }

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
    mutating func write(hash: UInt64) { withUnsafeBytes(of: hash.littleEndian) { bytes.append(contentsOf: $0) } }

    /// Behind their number.
    mutating func write(bytes more: [UInt8]) {
        write(more.count)
        bytes.append(contentsOf: more)
    }

    mutating func write(order: UInt32) { withUnsafeBytes(of: order.littleEndian) { bytes.append(contentsOf: $0) } }
}

/// Reads what `CompactWriter` wrote; `nil` as soon as something is not as it should be.
struct CompactReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { place == bytes.count }

    mutating func unsigned() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard place < bytes.count else { return nil }
            let byte = bytes[place]
            place += 1
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

    mutating func hash() -> UInt64? { fixed(UInt64.self).map { UInt64(littleEndian: $0) } }

    mutating func order() -> UInt32? { fixed(UInt32.self).map { UInt32(littleEndian: $0) } }

    mutating func sequence() -> [UInt8]? {
        guard let size = unsigned(), size <= UInt64(bytes.count - place) else { return nil }
        defer { place += Int(size) }
        return Array(bytes[place..<place + Int(size)])
    }

    private mutating func fixed<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
        let size = MemoryLayout<Value>.size
        guard bytes.count - place >= size else { return nil }
        defer { place += size }
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: type) }
    }
}
