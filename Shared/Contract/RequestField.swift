import SwiftProtobuf

/// A top-level field of a request: where it travels and how the text of a path or query parameter becomes JSON.
package struct RequestField: Sendable, Hashable {
    package enum Place: String, Sendable {
        case path, query, body
        /// `If-Match`: the field is the version that the object must have.
        case header
    }

    package enum Kind: Sendable, Hashable {
        case text, boolean, int32, int64, uint32, uint64, number, bytes, timestamp, duration
        /// An enum, by the names that a caller may send; the unspecified zero value is not among them.
        case choice([String])
        /// A message, map or anything else that only fits into a body.
        case structure
    }

    /// As in the contract and in JSON.
    package let name: String
    package let kind: Kind
    package let place: Place
    package let isRepeated: Bool
    /// What its JSON must look like.
    package let shape: Shape
    /// A request that uses the field is told so.
    package let deprecation: Deprecation?

    package init(_ name: String, _ kind: Kind, in place: Place, isRepeated: Bool = false, shape: Shape? = nil, deprecation: Deprecation? = nil) {
        self.name = name
        self.kind = kind
        self.place = place
        self.isRepeated = isRepeated
        self.shape = shape ?? Shape(kind, isRepeated: isRepeated)
        self.deprecation = deprecation
    }

    /// One value of a path or query parameter as the canonical protobuf JSON of this field's type (of its element, when repeated).
    /// Nil when the text is no such value; enum names are taken in lower case as well.
    /// Timestamps and durations are only quoted: decoding checks them.
    package func jsonLiteral(for text: String) -> String? {
        switch kind {
        case .text, .duration, .bytes: Self.quoted(text)
        case .timestamp: Self.quoted(RFC3339.inUTC(text))
        case .boolean: ["true", "false"].contains(text) ? text : nil
        case .int32: Int32(text).map(String.init)
        case .int64: Int64(text).map(String.init)
        case .uint32: UInt32(text).map(String.init)
        case .uint64: UInt64(text).map(String.init)
        case .number: Double(text).flatMap { $0.isFinite ? String($0) : nil }
        case .choice(let names): names.first { $0 == text || $0 == text.uppercased() }.flatMap(Self.quoted)
        case .structure: nil
        }
    }

    private static func quoted(_ text: String) -> String? {
        try? Google_Protobuf_Value(stringValue: text).jsonString()
    }
}
