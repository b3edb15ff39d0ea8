import Primitives

/// The bounds of free text in this service.
enum Text {
    static let nameLimit = 200
    static let proseLimit = 4000

    /// 1–200 characters with something to see in them.
    static func name(_ text: String, _ pointer: String) throws(Fault) -> String {
        guard (1...nameLimit).contains(text.count), text.contains(where: { !$0.isWhitespace }) else {
            throw .invalidField(pointer, "length", "1–\(nameLimit) characters are needed.")
        }
        return try clean(text, pointer)
    }

    /// Up to 4,000 characters.
    static func prose(_ text: String, _ pointer: String) throws(Fault) -> String {
        guard text.count <= proseLimit else { throw .invalidField(pointer, "length", "At most \(proseLimit) characters are allowed.") }
        return try clean(text, pointer)
    }

    /// PostgreSQL's text cannot hold NUL.
    private static func clean(_ text: String, _ pointer: String) throws(Fault) -> String {
        guard !text.utf8.contains(0) else { throw .invalidField(pointer, "nul", "Text must not hold the character NUL.") }
        return text
    }
}
