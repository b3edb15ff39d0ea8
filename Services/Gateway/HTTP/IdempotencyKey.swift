import Primitives

/// The value of the `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header): a structured-field string; bare text is taken too,
/// because most clients send it so.
struct IdempotencyKey: Equatable, Sendable {
    static let maxLength = 255
    let text: String

    /// - Throws: `idempotency.invalid_key` when empty, longer than 255, or with anything but printable ASCII (T110).
    init(header: String) throws(Fault) {
        var characters = Array(header.utf8)
        while let last = characters.last, last == 0x20 || last == 0x09 { characters.removeLast() }
        if let first = characters.first, first == UInt8(ascii: "\"") { characters = try Self.unquoted(characters) }
        guard (1...Self.maxLength).contains(characters.count), characters.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw .idempotencyKeyInvalid
        }
        text = String(decoding: characters, as: UTF8.self)
    }

    /// RFC 9651, section 4.2.5: only `\"` and `\\` are escapes.
    private static func unquoted(_ quoted: [UInt8]) throws(Fault) -> [UInt8] {
        var text: [UInt8] = []
        var index = 1
        while index < quoted.count {
            switch quoted[index] {
            case UInt8(ascii: "\\"):
                index += 1
                guard index < quoted.count, quoted[index] == UInt8(ascii: "\"") || quoted[index] == UInt8(ascii: "\\") else {
                    throw .idempotencyKeyInvalid
                }
                text.append(quoted[index])
            case UInt8(ascii: "\""):
                guard index == quoted.count - 1 else { throw .idempotencyKeyInvalid }
                return text
            default: text.append(quoted[index])
            }
            index += 1
        }
        throw .idempotencyKeyInvalid
    }
}
