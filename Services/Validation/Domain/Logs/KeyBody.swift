/// Tells the lines of a private key from others, where a key may be (RFC 7468 and RFC 1421): base64, also behind what a log puts before each line or
/// within JSON, and the headers of one that is encrypted. In doubt it is one.
enum KeyBody {
    /// So many bytes of base64 are no name, also where they are not a word of their own…
    private static let long = 40
    /// … and so many are none with capitals, small letters and digits.
    private static let mixed = 16

    /// - Parameter prefix: how many words the log puts before a line, where that is known.
    static func isPossible(_ line: UnsafeBufferPointer<UInt8>, behind prefix: Int?) -> Bool {
        if hasLongRun(line) || isHeader(line, behind: prefix) { return true }
        var end = line.count
        while end > 0, isClosing(line[end - 1]) { end -= 1 }
        var start = end
        while start > 0, isBase64(line[start - 1]) { start -= 1 }
        guard start < end else { return false }
        let before = words(of: UnsafeBufferPointer(rebasing: line[..<start]))
        if before == 0 { return true }
        // The last line of a key may be short.
        return isClosing(line[start - 1]) && before == prefix ?? before
    }

    /// What blanks are between.
    static func words(of line: UnsafeBufferPointer<UInt8>) -> Int {
        var words = 0
        var isWithin = false
        for byte in line {
            if byte > 0x20, !isWithin { words += 1 }
            isWithin = byte > 0x20
        }
        return words
    }

    private static func hasLongRun(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        var (length, hasCapital, hasSmall, hasDigit) = (0, false, false, false)
        for byte in line {
            guard isBase64(byte) else {
                (length, hasCapital, hasSmall, hasDigit) = (0, false, false, false)
                continue
            }
            length += 1
            switch byte {
            case 0x41...0x5A: hasCapital = true
            case 0x61...0x7A: hasSmall = true
            case 0x30...0x39: hasDigit = true
            default: break
            }
            if length >= long || length >= mixed && hasCapital && hasSmall && hasDigit { return true }
        }
        return false
    }

    /// `Proc-Type: 4,ENCRYPTED` and `DEK-Info: AES-128-CBC,…`
    private static func isHeader(_ line: UnsafeBufferPointer<UInt8>, behind prefix: Int?) -> Bool {
        var skipped = 0
        var isWithin = false
        for (place, byte) in line.enumerated() {
            if byte > 0x20, !isWithin {
                if headers.contains(where: { line[place...].starts(with: $0) }) { return true }
                skipped += 1
                if skipped > prefix ?? line.count { return false }
            }
            isWithin = byte > 0x20
        }
        return false
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x41...0x5A, 0x61...0x7A, 0x30...0x39, UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): true
        default: false
        }
    }

    /// A blank, and what closes a text in JSON or code.
    private static func isClosing(_ byte: UInt8) -> Bool { byte == 0x20 || closing.contains(byte) }

    private static let closing = Array("\"'`,)]}".utf8)
    private static let headers = ["Proc-Type: ", "DEK-Info: "].map { Array($0.utf8) }
}
