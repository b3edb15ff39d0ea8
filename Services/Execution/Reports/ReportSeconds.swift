/// Reads durations as JUnit reports write them: decimal seconds, in whatever the tool's locale made of them.
enum ReportSeconds {
    enum Reading: Equatable {
        case absent
        case microseconds(Int64)
        /// Negative, not a number, not finite, or longer than `limit`.
        case invalid
    }

    /// Seconds; some 31 years, more than any test took.
    static let limit = 1_000_000_000.0

    /// With both separators the last one is the decimal one ("1,234.5", "1.234,5"); a lone comma is decimal ("0,123"), several group digits.
    static func read(_ text: UnsafeBufferPointer<UInt8>) -> Reading {
        if let micros = plain(text) { return .microseconds(micros) }
        let characters = text.drop { isSpace($0) }
        let trimmed = characters.prefix { !isSpace($0) }
        guard !trimmed.isEmpty else { return .absent }
        guard trimmed.count <= 64, text[trimmed.endIndex...].allSatisfy(isSpace) else { return .invalid }
        let dots = trimmed.count { $0 == dot }
        let commas = trimmed.count { $0 == comma }
        let decimal: UInt8? =
            if let last = trimmed.last(where: { $0 == dot || $0 == comma }), (last == dot ? dots : commas) == 1 { last } else { nil }
        guard dots <= 1 || commas <= 1 else { return .invalid }
        let normal = trimmed.compactMap { $0 == decimal ? dot : $0 == dot || $0 == comma ? nil : $0 }
        guard normal.allSatisfy({ isDigit($0) || [dot, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "e"), UInt8(ascii: "E")].contains($0) }),
            let seconds = Double(String(decoding: normal, as: UTF8.self)), seconds >= 0, seconds <= limit
        else { return .invalid }
        return .microseconds(Int64((seconds * 1_000_000).rounded()))
    }

    /// The usual form, up to nine digits, a dot and digits, without a detour over `Double`.
    private static func plain(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        var index = 0
        var whole: Int64 = 0
        while index < text.count, isDigit(text[index]) {
            whole = whole * 10 + Int64(text[index] - UInt8(ascii: "0"))
            index += 1
            guard index <= 9 else { return nil }
        }
        guard index > 0 else { return nil }
        guard index < text.count else { return whole * 1_000_000 }
        guard text[index] == dot else { return nil }
        index += 1
        var fraction: Int64 = 0
        var scale: Int64 = 1_000_000
        var roundsUp = false
        let start = index
        while index < text.count, isDigit(text[index]) {
            let digit = Int64(text[index] - UInt8(ascii: "0"))
            if scale > 1 {
                fraction = fraction * 10 + digit
                scale /= 10
            } else if index == start + 6 {
                roundsUp = digit >= 5
            }
            index += 1
        }
        guard index == text.count else { return nil }
        return whole * 1_000_000 + fraction * scale + (roundsUp ? 1 : 0)
    }

    private static let dot = UInt8(ascii: ".")
    private static let comma = UInt8(ascii: ",")

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
