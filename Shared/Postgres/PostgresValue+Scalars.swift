import Foundation
import Primitives

extension Bool: PostgresValue {
    @inlinable package static var postgresType: PostgresType { .bool }
    @usableFromInline package func encode(to encoder: inout BinaryEncoder) { encoder.append(UInt8(self ? 1 : 0)) }
    @inlinable package init(from bytes: UnsafeRawBufferPointer) throws { self = try bytes.integer(as: UInt8.self) != 0 }
}

extension Int16: PostgresValue {
    @inlinable package static var postgresType: PostgresType { .int2 }
    @usableFromInline package func encode(to encoder: inout BinaryEncoder) { encoder.append(self) }
    @inlinable package init(from bytes: UnsafeRawBufferPointer) throws { self = try bytes.integer() }
}

extension Int32: PostgresValue {
    @inlinable package static var postgresType: PostgresType { .int4 }
    @inlinable package static var alsoReads: [PostgresType] { [.int2] }
    @usableFromInline package func encode(to encoder: inout BinaryEncoder) { encoder.append(self) }
    @inlinable package init(from bytes: UnsafeRawBufferPointer) throws {
        self = bytes.count == 2 ? Int32(try bytes.integer(as: Int16.self)) : try bytes.integer()
    }
}

extension Int64: PostgresValue {
    @inlinable package static var postgresType: PostgresType { .int8 }
    @inlinable package static var alsoReads: [PostgresType] { [.int4, .int2, .oid] }
    @usableFromInline package func encode(to encoder: inout BinaryEncoder) { encoder.append(self) }
    @inlinable package init(from bytes: UnsafeRawBufferPointer) throws {
        switch bytes.count {
        case 2: self = Int64(try bytes.integer(as: Int16.self))
        case 4: self = Int64(try bytes.integer(as: Int32.self))
        default: self = try bytes.integer()
        }
    }
}

extension Int: PostgresValue {
    @inlinable package static var postgresType: PostgresType { .int8 }
    @inlinable package static var alsoReads: [PostgresType] { Int64.alsoReads }
    @usableFromInline package func encode(to encoder: inout BinaryEncoder) { encoder.append(Int64(self)) }
    @inlinable package init(from bytes: UnsafeRawBufferPointer) throws { self = Int(try Int64(from: bytes)) }
}

extension Double: PostgresValue {
    @inlinable package static var postgresType: PostgresType { .float8 }
    @usableFromInline package func encode(to encoder: inout BinaryEncoder) { encoder.append(bitPattern) }
    @inlinable package init(from bytes: UnsafeRawBufferPointer) throws { self = Double(bitPattern: try bytes.integer()) }
}

extension String: PostgresValue {
    @inlinable package static var postgresType: PostgresType { .text }
    @inlinable package static var alsoReads: [PostgresType] { [.varchar, .name] }
    @usableFromInline package func encode(to encoder: inout BinaryEncoder) { encoder.bytes.append(contentsOf: utf8) }
    @inlinable package init(from bytes: UnsafeRawBufferPointer) throws { self = String(decoding: bytes, as: UTF8.self) }
}

extension UUID: PostgresValue {
    @inlinable package static var postgresType: PostgresType { .uuid }
    @usableFromInline package func encode(to encoder: inout BinaryEncoder) { withUnsafeBytes(of: uuid) { encoder.bytes.append(contentsOf: $0) } }
    @inlinable package init(from bytes: UnsafeRawBufferPointer) throws {
        guard bytes.count == 16 else { throw DecodingFault(description: "a uuid has 16 bytes, not \(bytes.count)") }
        self.init(uuid: bytes.loadUnaligned(as: uuid_t.self))
    }
}

extension ID: PostgresValue {
    package static var postgresType: PostgresType { .uuid }
    package func encode(to encoder: inout BinaryEncoder) { uuid.encode(to: &encoder) }
    package static func encode(elements: [ID], to encoder: inout BinaryEncoder) {
        for element in elements { encoder.append(element: element.uuid) }
    }
    package static func encode(optionals: [ID?], to encoder: inout BinaryEncoder) {
        for element in optionals {
            if let element { encoder.append(element: element.uuid) } else { encoder.append(Int32(-1)) }
        }
    }
    package init(from bytes: UnsafeRawBufferPointer) throws { self.init(uuid: try UUID(from: bytes)) }
}

/// PostgreSQL counts microseconds from 1 January 2000, `Date` seconds from 1 January 2001. A `Date` that came from there goes back unchanged as long
/// as a `Double` tells microseconds apart: 272 years either way.
extension Date: PostgresValue {
    @usableFromInline static var secondsBetweenEpochs: Double { 366 * 86_400 }

    @inlinable package static var postgresType: PostgresType { .timestamptz }
    @usableFromInline package func encode(to encoder: inout BinaryEncoder) {
        let microseconds = ((timeIntervalSinceReferenceDate + Self.secondsBetweenEpochs) * 1_000_000).rounded()
        // Dates outside of Int64's microseconds become PostgreSQL's infinities.
        encoder.append(microseconds >= 9.2e18 ? Int64.max : microseconds <= -9.2e18 ? Int64.min : Int64(microseconds))
    }
    @inlinable package init(from bytes: UnsafeRawBufferPointer) throws {
        self.init(timeIntervalSinceReferenceDate: Double(try bytes.integer(as: Int64.self)) / 1_000_000 - Self.secondsBetweenEpochs)
    }
}

extension Data: PostgresValue {
    @inlinable package static var postgresType: PostgresType { .bytea }
    @usableFromInline package func encode(to encoder: inout BinaryEncoder) { encoder.bytes.append(contentsOf: self) }
    @inlinable package init(from bytes: UnsafeRawBufferPointer) throws { self.init(bytes) }
}

/// A `jsonb` value as text.
package struct JSONText: PostgresValue, Hashable {
    package let text: String

    package static let emptyObject = JSONText("{}")

    package init(_ text: String) { self.text = text }

    /// - Throws: what `JSONEncoder` throws; keys are sorted, so that equal values are equal texts.
    package init(encoding value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        text = String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    package func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    /// The binary form of `jsonb` is a version byte, 1, and the text.
    package static var postgresType: PostgresType { .jsonb }
    package func encode(to encoder: inout BinaryEncoder) {
        encoder.append(UInt8(1))
        encoder.bytes.append(contentsOf: text.utf8)
    }
    package init(from bytes: UnsafeRawBufferPointer) throws {
        guard bytes.first == 1 else { throw DecodingFault(description: "unknown version of jsonb") }
        text = String(decoding: bytes.dropFirst(), as: UTF8.self)
    }
}

extension Optional: PostgresValue where Wrapped: PostgresValue {
    @inlinable package static var postgresType: PostgresType { Wrapped.postgresType }
    @inlinable package static var alsoReads: [PostgresType] { Wrapped.alsoReads }
    @usableFromInline package var isNull: Bool { self?.isNull ?? true }
    @usableFromInline package func encode(to encoder: inout BinaryEncoder) { self?.encode(to: &encoder) }
    @usableFromInline package static func encode(elements: [Wrapped?], to encoder: inout BinaryEncoder) {
        Wrapped.encode(optionals: elements, to: &encoder)
    }
    @inlinable package init(from bytes: UnsafeRawBufferPointer) throws { self = try Wrapped(from: bytes) }
    @inlinable package static var null: Wrapped?? { .some(nil) }
}
