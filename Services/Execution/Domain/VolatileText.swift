import Foundation

/// Finds pieces of names that are different in every run. Each function looks at one place of a text and says how many bytes stay and how many after
/// them are to be left out.
enum VolatileText {
    typealias Piece = (kept: Int, dropped: Int)

    /// Addresses of objects, which are never part of a name: `0x` and 9 to 16 hexadecimal digits, as pointers of 64 bits are printed, and Java's
    /// `Type@` with 6 to 8 of them. Shorter `0x…` are constants as often as not and stay.
    static func withoutAddresses(_ text: String) -> String {
        // Most names have neither.
        guard text.utf8.contains(UInt8(ascii: "@")) || text.utf8.contains(UInt8(ascii: "x")) else { return text }
        var text = text
        return text.withUTF8 { bytes in
            var masked = MaskedText(bytes)
            masked.replace(address)
            return String(decoding: masked.bytes, as: UTF8.self)
        }
    }

    static func address(_ bytes: [UInt8], _ start: Int) -> Piece? {
        if bytes[start] == UInt8(ascii: "0"), byte(bytes, start + 1) == UInt8(ascii: "x"), !isWord(byte(bytes, start - 1)) {
            let count = run(bytes, start + 2, isHex)
            return (9...16).contains(count) && !isWord(byte(bytes, start + 2 + count)) ? (0, count + 2) : nil
        }
        guard bytes[start] == UInt8(ascii: "@"), isWord(byte(bytes, start - 1)) else { return nil }
        let count = run(bytes, start + 1, isLowerHex)
        let digits = bytes[start + 1..<start + 1 + count]
        guard (6...8).contains(count), digits.contains(where: isDigit), !isWord(byte(bytes, start + 1 + count)) else { return nil }
        return byte(bytes, start + 1 + count) == UInt8(ascii: ".") ? nil : (1, count)
    }

    static func uuid(_ bytes: [UInt8], _ start: Int) -> Piece? {
        guard start + 36 <= bytes.count, !isWord(byte(bytes, start - 1)), !isWord(byte(bytes, start + 36)) else { return nil }
        for offset in 0..<36 {
            let isDash = [8, 13, 18, 23].contains(offset)
            guard isDash ? bytes[start + offset] == UInt8(ascii: "-") : isHex(bytes[start + offset]) else { return nil }
        }
        return (0, 36)
    }

    /// ISO 8601, a `T`, `t`, `_` or space between day and time, with or without seconds, their fraction and a zone.
    static func timestamp(_ bytes: [UInt8], _ start: Int) -> Piece? {
        guard !isDigit(byte(bytes, start - 1)), follows(bytes, start, "dddd-dd-dd") else { return nil }
        guard let separator = byte(bytes, start + 10), "Tt_ ".utf8.contains(separator), follows(bytes, start + 11, "dd:dd") else { return nil }
        var end = start + 16
        if follows(bytes, end, ":dd") {
            end += 3
            if byte(bytes, end) == UInt8(ascii: ".") || byte(bytes, end) == UInt8(ascii: ",") {
                let fraction = run(bytes, end + 1, isDigit)
                if fraction > 0 { end += 1 + fraction }
            }
        }
        if byte(bytes, end) == UInt8(ascii: "Z") || byte(bytes, end) == UInt8(ascii: "z") {
            end += 1
        } else if byte(bytes, end) == UInt8(ascii: "+") || byte(bytes, end) == UInt8(ascii: "-") {
            if follows(bytes, end + 1, "dd:dd") { end += 6 } else if follows(bytes, end + 1, "dddd") { end += 5 }
        }
        return (0, end - start)
    }

    static func number(_ bytes: [UInt8], _ start: Int) -> Piece? {
        isDigit(bytes[start]) ? (0, run(bytes, start, isDigit)) : nil
    }

    static func hex(_ bytes: [UInt8], _ start: Int) -> Piece? {
        guard !isWord(byte(bytes, start - 1)) else { return nil }
        if bytes[start] == UInt8(ascii: "0"), byte(bytes, start + 1) == UInt8(ascii: "x") {
            let count = run(bytes, start + 2, isHex)
            return count > 0 ? (0, count + 2) : nil
        }
        let count = run(bytes, start, isHex)
        let digits = bytes[start..<start + count]
        guard count >= 8, !isWord(byte(bytes, start + count)), digits.contains(where: isDigit), !digits.allSatisfy(isDigit) else { return nil }
        return (0, count)
    }

    /// What stands in the last pair of brackets or parentheses, when the text ends with it.
    static func parameters(_ bytes: [UInt8], _ start: Int) -> Piece? {
        let open = bytes[start]
        let close: UInt8
        switch open {
        case UInt8(ascii: "["): close = UInt8(ascii: "]")
        case UInt8(ascii: "("): close = UInt8(ascii: ")")
        default: return nil
        }
        // A name of nothing but parentheses keeps them, and so do the empty ones that only say that something is a function.
        guard start > 0, bytes.last == close, bytes.count - start > 2 else { return nil }
        var depth = 0
        for index in start..<bytes.count {
            if bytes[index] == open { depth += 1 } else if bytes[index] == close { depth -= 1 }
            if depth == 0 { return index == bytes.count - 1 ? (1, bytes.count - start - 2) : nil }
        }
        return nil
    }

    /// What stands behind `name=`.
    static func value(of name: String, _ bytes: [UInt8], _ start: Int) -> Piece? {
        let count = name.utf8.count
        guard count > 0, !isWord(byte(bytes, start - 1)), start + count < bytes.count, bytes[start + count] == UInt8(ascii: "="),
            bytes[start..<start + count].elementsEqual(name.utf8)
        else { return nil }
        return (count + 1, run(bytes, start + count + 1) { !",;& ])}".utf8.contains($0) })
    }

    // MARK: - Bytes

    private static func byte(_ bytes: [UInt8], _ index: Int) -> UInt8? { bytes.indices.contains(index) ? bytes[index] : nil }

    private static func run(_ bytes: [UInt8], _ start: Int, _ holds: (UInt8) -> Bool) -> Int {
        guard start < bytes.count else { return 0 }
        return bytes[start...].prefix(while: holds).count
    }

    /// - Parameter shape: `d` stands for a decimal digit, everything else for itself.
    private static func follows(_ bytes: [UInt8], _ start: Int, _ shape: StaticString) -> Bool {
        guard start + shape.utf8CodeUnitCount <= bytes.count else { return false }
        return shape.withUTF8Buffer { shape in
            shape.indices.allSatisfy { shape[$0] == UInt8(ascii: "d") ? isDigit(bytes[start + $0]) : bytes[start + $0] == shape[$0] }
        }
    }

    private static func isDigit(_ byte: UInt8?) -> Bool { byte.map { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } ?? false }
    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
    private static func isLowerHex(_ byte: UInt8) -> Bool { isDigit(byte) || byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "f") }
    private static func isHex(_ byte: UInt8) -> Bool { isLowerHex(byte | 0x20) && (isDigit(byte) || byte >= UInt8(ascii: "A")) }
    private static func isWord(_ byte: UInt8?) -> Bool {
        guard let byte else { return false }
        let lower = byte | 0x20
        return isDigit(byte) || lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z") || byte == UInt8(ascii: "_") || byte >= 0x80
    }
}
