import Foundation
import Primitives

/// A Swift type that travels to and from PostgreSQL in its binary form.
@usableFromInline
package protocol PostgresValue: Sendable {
    static var postgresType: PostgresType { get }
    /// Types whose binary form reads as this one too: `name` and `varchar` are text on the wire.
    static var alsoReads: [PostgresType] { get }
    var isNull: Bool { get }
    func encode(to encoder: inout BinaryEncoder)
    /// - Throws: `DecodingFault` when the bytes are not of this type.
    init(from bytes: UnsafeRawBufferPointer) throws
    /// What NULL reads as; `nil` where NULL is an error.
    static var null: Self? { get }
    /// Elements of an array, each behind its length, -1 for NULL. A requirement although nobody need say more than below: so each type has a loop of its
    /// own, compiled for it, where one for all would ask for every element what it is.
    static func encode(elements: [Self], to encoder: inout BinaryEncoder)
    static func encode(optionals: [Self?], to encoder: inout BinaryEncoder)
}

extension PostgresValue {
    @inlinable package static var alsoReads: [PostgresType] { [] }
    @usableFromInline package var isNull: Bool { false }
    @inlinable package static var null: Self? { nil }

    @usableFromInline package static func encode(elements: [Self], to encoder: inout BinaryEncoder) {
        for element in elements { encoder.append(element: element) }
    }

    @usableFromInline package static func encode(optionals: [Self?], to encoder: inout BinaryEncoder) {
        for element in optionals {
            if let element { encoder.append(element: element) } else { encoder.append(Int32(-1)) }
        }
    }
}

/// Object ids of built-in types and of their arrays (`pg_type.dat`).
@usableFromInline
package struct PostgresType: RawRepresentable, Hashable, Sendable {
    @usableFromInline package let rawValue: UInt32

    @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable package static var bool: Self { Self(rawValue: 16) }
    @inlinable package static var bytea: Self { Self(rawValue: 17) }
    @inlinable package static var name: Self { Self(rawValue: 19) }
    @inlinable package static var int8: Self { Self(rawValue: 20) }
    @inlinable package static var int2: Self { Self(rawValue: 21) }
    @inlinable package static var int4: Self { Self(rawValue: 23) }
    @inlinable package static var text: Self { Self(rawValue: 25) }
    @inlinable package static var oid: Self { Self(rawValue: 26) }
    @inlinable package static var float8: Self { Self(rawValue: 701) }
    @inlinable package static var varchar: Self { Self(rawValue: 1043) }
    @inlinable package static var timestamptz: Self { Self(rawValue: 1184) }
    @inlinable package static var uuid: Self { Self(rawValue: 2950) }
    @inlinable package static var jsonb: Self { Self(rawValue: 3802) }

    /// The array type whose elements are of this one.
    @usableFromInline var array: PostgresType {
        switch self {
        case .bool: Self(rawValue: 1000)
        case .bytea: Self(rawValue: 1001)
        case .name: Self(rawValue: 1003)
        case .int2: Self(rawValue: 1005)
        case .int4: Self(rawValue: 1007)
        case .int8: Self(rawValue: 1016)
        case .text: Self(rawValue: 1009)
        case .varchar: Self(rawValue: 1015)
        case .oid: Self(rawValue: 1028)
        case .float8: Self(rawValue: 1022)
        case .timestamptz: Self(rawValue: 1185)
        case .uuid: Self(rawValue: 2951)
        case .jsonb: Self(rawValue: 3807)
        default: preconditionFailure("type \(rawValue) has no known array type")
        }
    }
}

/// A column that does not hold what the code asks for: a bug in a store, never a user's doing.
@usableFromInline
package struct DecodingFault: Error, CustomStringConvertible {
    @usableFromInline package let description: String

    @inlinable package init(description: String) { self.description = description }
}

/// Bytes in network order.
@usableFromInline
package struct BinaryEncoder {
    var bytes: [UInt8] = []

    mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(element: some PostgresValue) {
        if element.isNull { append(Int32(-1)) } else { appendWithLength { element.encode(to: &$0) } }
    }

    /// A length that is known only after what it counts is written: leaves room, calls `body`, fills it in.
    mutating func appendWithLength(_ body: (inout BinaryEncoder) -> Void) {
        let place = bytes.count
        append(Int32(0))
        body(&self)
        let length = UInt32(bytes.count - place - 4).bigEndian
        withUnsafeBytes(of: length) { for (offset, byte) in $0.enumerated() { bytes[place + offset] = byte } }
    }
}

extension UnsafeRawBufferPointer {
    @inlinable
    package func integer<I: FixedWidthInteger>(at offset: Int = 0, as: I.Type = I.self) throws -> I {
        guard count >= offset + MemoryLayout<I>.size else { throw DecodingFault(description: "\(count) bytes do not hold \(I.self) at \(offset)") }
        return I(bigEndian: loadUnaligned(fromByteOffset: offset, as: I.self))
    }
}
