import Primitives

/// Values for `{{name}}` in URLs, headers and bodies.
enum Variables {
    static let maxCount = 100
    /// Names that begin like this are those of secrets, which Execution keeps.
    static let reserved = "secret."
    static let maxValueBytes = 16 * 1024

    /// - Throws: `request.invalid` at the variable: names are `[A-Za-z_][A-Za-z0-9_.-]{0,63}` and do not begin with `secret.`, values at most 16 KiB, 100 of them.
    static func checked(_ variables: [String: String], _ pointer: String) throws(Fault) -> [String: String] {
        guard variables.count <= maxCount else { throw .invalidField(pointer, "too_many", "At most \(maxCount) variables are allowed.") }
        for (name, value) in variables {
            guard isName(name) else {
                throw .invalidField(
                    "\(pointer)/\(name)", "invalid_name", "A variable's name is a letter or _ and up to 63 letters, digits, _, . or -.")
            }
            guard !name.hasPrefix(reserved) else {
                throw .invalidField("\(pointer)/\(name)", "reserved_name", "Names that begin with \(reserved) are those of secrets.")
            }
            guard value.utf8.count <= maxValueBytes, !value.utf8.contains(0) else {
                throw .invalidField("\(pointer)/\(name)", "invalid_value", "A variable's value has at most \(maxValueBytes) bytes and no NUL.")
            }
        }
        return variables
    }

    private static func isName(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count), let first = text.utf8.first, isLetter(first) else { return false }
        return text.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || $0 == 45 || $0 == 46 }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
    }
}
