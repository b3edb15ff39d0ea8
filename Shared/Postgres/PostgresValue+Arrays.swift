/// One-dimensional arrays, for `unnest` and `any`. The binary form: dimensions, a flag for NULLs, the element type, length and lower bound,
/// then each element behind its length, -1 for NULL.
extension Array: PostgresValue where Element: PostgresValue {
    @inlinable package static var postgresType: PostgresType { Element.postgresType.array }
    @inlinable package static var alsoReads: [PostgresType] { Element.alsoReads.map(\.array) }

    @usableFromInline package func encode(to encoder: inout BinaryEncoder) {
        guard !isEmpty else {
            encoder.append(Int32(0))
            encoder.append(Int32(0))
            encoder.append(Element.postgresType.rawValue)
            return
        }
        encoder.bytes.reserveCapacity(20 + count * 20)
        encoder.append(Int32(1))
        encoder.append(Int32(1))
        encoder.append(Element.postgresType.rawValue)
        encoder.append(Int32(count))
        encoder.append(Int32(1))
        Element.encode(elements: self, to: &encoder)
    }

    @inlinable package init(from bytes: UnsafeRawBufferPointer) throws {
        let dimensions: Int32 = try bytes.integer()
        guard dimensions > 0 else {
            self = []
            return
        }
        guard dimensions == 1 else { throw DecodingFault(description: "arrays of \(dimensions) dimensions are not read") }
        let count = Int(try bytes.integer(at: 12, as: Int32.self))
        var offset = 20
        self = []
        reserveCapacity(Swift.min(count, bytes.count / 4))
        for _ in 0..<count {
            let length = Int(try bytes.integer(at: offset, as: Int32.self))
            offset += 4
            if length < 0 {
                guard let null = Element.null else { throw DecodingFault(description: "an element is NULL, which \(Element.self) cannot be") }
                append(null)
                continue
            }
            guard offset + length <= bytes.count else { throw DecodingFault(description: "an array ends before its elements do") }
            append(try Element(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])))
            offset += length
        }
    }
}
