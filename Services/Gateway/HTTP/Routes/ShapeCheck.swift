import Contract
import Primitives

/// Holds the JSON of a body against the shapes that its contract declares: types, presence, lengths, ranges, counts and names, at every depth. What
/// SwiftProtobuf's lenient reading would let through (null for nothing, a number in quotes, another spelling of a name) is refused here, with the JSON
/// pointer (RFC 6901) of the place.
///
/// Reads bytes that `JSONLint` has found to be well formed, so it need not look where it jumps.
struct ShapeCheck {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0
    private var path: [String] = []

    /// - Throws: `unknown_field`, `request.invalid` (422).
    static func check(_ bytes: [UInt8], against members: [Shape.Member]) throws(Fault) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(Fault) in
                var check = ShapeCheck(bytes: buffer)
                check.skipSpace()
                try check.object(members)
            }
        }
        try result.get()
    }

    /// For a request without a body.
    static func checkAbsence(of members: [Shape.Member]) throws(Fault) {
        if let missing = members.first(where: \.shape.bounds.isRequired) { throw .fieldMissing("/" + missing.name) }
    }

    private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    // MARK: - Values

    private mutating func value(_ shape: Shape) throws(Fault) {
        let start = bytes[index]
        guard start != UInt8(ascii: "n") || shape.kind == .any else { throw refusal("null", "null is not allowed here; leave the field out.") }
        switch shape.kind {
        case .any: skipValue()
        case .text:
            guard start == UInt8(ascii: "\"") else { throw refusal("invalid", "A text in quotes is expected.") }
            let length = string().length
            try require(length: length, shape.bounds)
        case .choice(let names):
            guard start == UInt8(ascii: "\"") else { throw refusal("invalid", "One of \(names.joined(separator: ", ")) is expected.") }
            let text = string().text
            guard names.contains(text) else { throw refusal("invalid", "One of \(names.joined(separator: ", ")) is expected.") }
        case .boolean:
            guard start == UInt8(ascii: "t") || start == UInt8(ascii: "f") else { throw refusal("invalid", "true or false is expected.") }
            skipValue()
        case .number:
            guard start == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(start) else {
                throw refusal("invalid", "A number is expected.")
            }
            let from = index
            skipValue()
            try require(number: String(decoding: bytes[from..<index], as: UTF8.self), shape.bounds)
        case .object(let members):
            guard start == UInt8(ascii: "{") else { throw refusal("invalid", "An object is expected.") }
            try object(members)
        case .map(let element):
            guard start == UInt8(ascii: "{") else { throw refusal("invalid", "An object is expected.") }
            try map(element, shape.bounds)
        case .list(let element):
            guard start == UInt8(ascii: "[") else { throw refusal("invalid", "A list is expected.") }
            try list(element, shape.bounds)
        }
    }

    private mutating func object(_ members: [Shape.Member]) throws(Fault) {
        var missing = members.filter(\.shape.bounds.isRequired).map(\.name)
        index += 1
        skipSpace()
        while bytes[index] != UInt8(ascii: "}") {
            let name = string().text
            path.append(name)
            guard let member = members.first(where: { $0.name == name }) else { throw .unknownField(at: pointer, named: name) }
            colon()
            try value(member.shape)
            missing.removeAll { $0 == name }
            path.removeLast()
            comma()
        }
        index += 1
        if let name = missing.first { throw .fieldMissing(pointer + "/" + name) }
    }

    private mutating func map(_ element: Shape, _ bounds: Shape.Bounds) throws(Fault) {
        var count = 0
        index += 1
        skipSpace()
        while bytes[index] != UInt8(ascii: "}") {
            count += 1
            path.append(string().text)
            colon()
            try value(element)
            path.removeLast()
            comma()
        }
        index += 1
        try require(count: count, bounds)
    }

    private mutating func list(_ element: Shape, _ bounds: Shape.Bounds) throws(Fault) {
        var count = 0
        index += 1
        skipSpace()
        while bytes[index] != UInt8(ascii: "]") {
            path.append(String(count))
            count += 1
            try value(element)
            path.removeLast()
            comma()
        }
        index += 1
        try require(count: count, bounds)
    }

    // MARK: - Bounds

    private func require(length: Int, _ bounds: Shape.Bounds) throws(Fault) {
        if let problem = bounds.problem(length: length) { throw refusal(problem.code, problem.detail) }
    }

    private func require(number text: String, _ bounds: Shape.Bounds) throws(Fault) {
        if let problem = bounds.problem(number: text) { throw refusal(problem.code, problem.detail) }
    }

    private func require(count: Int, _ bounds: Shape.Bounds) throws(Fault) {
        if let most = bounds.maxItems, count > most { throw refusal("too_many", "At most \(most) are allowed.") }
        if let least = bounds.minItems, count < least { throw refusal("too_few", "At least \(least) must be given.") }
    }

    private func refusal(_ code: String, _ detail: String) -> Fault { .invalidField(pointer, code, detail) }

    private var pointer: String {
        path.map { "/" + $0.prefix(100).replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
    }

    // MARK: - Bytes

    private mutating func skipSpace() {
        while index < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[index]) { index += 1 }
    }

    private mutating func colon() {
        skipSpace()
        index += 1
        skipSpace()
    }

    /// Behind a value: to the next one, or to the bracket that closes.
    private mutating func comma() {
        skipSpace()
        if bytes[index] == UInt8(ascii: ",") { index += 1 }
        skipSpace()
    }

    /// Reads a string at its opening quote.
    /// - Returns: the text, and its length in code points.
    private mutating func string() -> (text: String, length: Int) {
        let start = index + 1
        var isEscaped = false
        index = start
        while bytes[index] != UInt8(ascii: "\"") {
            if bytes[index] == UInt8(ascii: "\\") {
                isEscaped = true
                index += 1
            }
            index += 1
        }
        let raw = bytes[start..<index]
        index += 1
        let text = isEscaped ? JSONText.unescaped(raw) : String(decoding: raw, as: UTF8.self)
        return (text, text.unicodeScalars.count)
    }

    private mutating func skipValue() {
        var depth = 0
        repeat {
            switch bytes[index] {
            case UInt8(ascii: "\""): _ = string()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                index += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                index += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x0A, 0x0D, 0x09: index += 1
            default:
                // A number or a word.
                while index < bytes.count, !",:]} \n\r\t".utf8.contains(bytes[index]) { index += 1 }
            }
        } while depth > 0
    }
}

extension Shape.Bounds {
    /// What is wrong with a text of so many code points.
    func problem(length: Int) -> (code: String, detail: String)? {
        if length == 0, isRequired { return ("required", "This must not be empty.") }
        if let most = maxLength, length > most { return ("too_long", "At most \(most) characters are allowed.") }
        if let least = minLength, length < least { return ("length", "At least \(least) characters are needed.") }
        return nil
    }

    /// What is wrong with a number, as it is written.
    func problem(number text: String) -> (code: String, detail: String)? {
        guard minimum != nil || maximum != nil, let number = Double(text) else { return nil }
        if let maximum, number > Double(maximum) { return ("out_of_range", "At most \(maximum) is allowed.") }
        if let minimum, number < Double(minimum) { return ("out_of_range", "At least \(minimum) is needed.") }
        return nil
    }
}
