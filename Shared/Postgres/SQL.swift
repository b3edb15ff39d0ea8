import Primitives

/// A statement whose values travel beside it. Interpolating a value binds it (`$1`, `$2`, …), so text from users cannot become SQL.
///
/// `"\(identifier: name)"` quotes a name, `"\(fragment: other)"` splices another statement with its values. There is no way to splice text.
package struct SQL: ExpressibleByStringInterpolation, Sendable {
    /// Text between the values: one more than there are values.
    var pieces: [String]
    var values: [Parameter]

    package init(stringLiteral text: String) {
        pieces = [text]
        values = []
    }

    package init(stringInterpolation: StringInterpolation) {
        pieces = stringInterpolation.pieces
        values = stringInterpolation.values
    }

    /// The statement as PostgreSQL reads it.
    var text: String {
        guard !values.isEmpty else { return pieces[0] }
        var text = pieces[0]
        for index in values.indices { text += "$\(index + 1)" + pieces[index + 1] }
        return text
    }

    package struct StringInterpolation: StringInterpolationProtocol {
        var pieces = [""]
        var values: [Parameter] = []

        package init(literalCapacity: Int, interpolationCount: Int) {
            values.reserveCapacity(interpolationCount)
        }

        package mutating func appendLiteral(_ literal: String) {
            pieces[pieces.count - 1] += literal
        }

        package mutating func appendInterpolation(_ value: some PostgresValue) {
            values.append(Parameter(value))
            pieces.append("")
        }

        /// The same for values that may be absent; the compiler warns of optionals that it sees going into the one above.
        package mutating func appendInterpolation<Value: PostgresValue>(_ value: Value?) {
            values.append(Parameter(value))
            pieces.append("")
        }

        package mutating func appendInterpolation(fragment: SQL) {
            pieces[pieces.count - 1] += fragment.pieces[0]
            values += fragment.values
            pieces += fragment.pieces.dropFirst()
        }

        package mutating func appendInterpolation(identifier: String) {
            pieces[pieces.count - 1] += "\"" + identifier.replacing("\"", with: "\"\"") + "\""
        }
    }
}

/// One bound value in PostgreSQL's binary form; `nil` bytes are NULL.
struct Parameter: Sendable {
    let type: UInt32
    let bytes: [UInt8]?

    init(_ value: some PostgresValue) {
        type = Swift.type(of: value).postgresType.rawValue
        if value.isNull {
            bytes = nil
        } else {
            var encoder = BinaryEncoder()
            value.encode(to: &encoder)
            bytes = encoder.bytes
        }
    }
}
