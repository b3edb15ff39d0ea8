/// Turns one line into its signature: the words in order, volatile ones masked, one space between two tokens.
///
/// One pass cuts the line into tokens, one writes them; each byte is looked at a bounded number of times, so the time is linear in the line.
/// A value (number, time, address, path, generated id …) becomes `<*>`, digits inside a word become `#`, values in a row become one. The rules are
/// lexical and know no system; they follow the masks that log parsers share (Zhu et al., Tools and Benchmarks for Automated Log Parsing, ICSE-SEIP
/// 2019, section 3.2; He et al., Drain, ICWS 2017, section 3.2), written without regular expressions.
/// Keep one scanner for many lines: its buffers are used again, and nothing is allocated for a line.
package struct LineScanner: ~Copyable {
    /// What stands behind is not looked at.
    package static let maxBytes = 2048
    /// Tokens of a signature; what stands behind is left out.
    package static let maxTokens = 128
    /// A quotation or a bracket that does not close within so many bytes is read as ordinary text.
    static let maxQuotation = 256
    /// Each token is at most a space and a mask longer than what it stands for.
    private static let maxText = maxBytes + 4 * maxTokens

    /// A piece of the line and what it is taken for.
    struct Token {
        /// A word with digits in it is mixed; a number is a value that a unit can follow.
        enum Sort: UInt8 { case word, mixed, value, number, symbol }

        var start: Int
        var end: Int
        var sort: Sort
    }

    /// Where a token begins in the text, and whether it is a value.
    private struct Written {
        let start: Int
        let sort: Token.Sort
    }

    /// The sort of each byte, for the loops that look at all of them.
    let sorts = UnsafeMutablePointer<UInt8.Lexical>.allocate(capacity: 256)
    let tokens = UnsafeMutablePointer<Token>.allocate(capacity: maxTokens)
    var tokenCount = 0
    private let text = UnsafeMutablePointer<UInt8>.allocate(capacity: maxText)
    private var length = 0
    private let written = UnsafeMutablePointer<Written>.allocate(capacity: maxTokens)
    private var writtenCount = 0

    package init() {
        for byte in UInt8.min...UInt8.max { sorts[Int(byte)] = byte.lexical }
    }

    deinit {
        sorts.deallocate()
        tokens.deallocate()
        text.deallocate()
        written.deallocate()
    }

    package mutating func scan(_ line: UnsafeBufferPointer<UInt8>) {
        let line = UnsafeBufferPointer(rebasing: line.prefix(Self.maxBytes))
        tokenCount = 0
        cut(line)
        write(line)
    }

    package mutating func scan(_ line: String) {
        var line = line
        line.withUTF8 { scan($0) }
    }

    /// The signature of the last line.
    package var signature: String { String(decoding: UnsafeBufferPointer(start: text, count: length), as: UTF8.self) }
    /// The id of the last line's signature, without an origin.
    package var id: SignatureID { SignatureID(hashing: UnsafeRawBufferPointer(start: text, count: length)) }

    // MARK: Writing

    private mutating func write(_ line: UnsafeBufferPointer<UInt8>) {
        length = 0
        writtenCount = 0
        for index in 0..<tokenCount {
            let token = tokens[index]
            switch token.sort {
            case .value, .number: writeValue()
            case .mixed: writeMixed(line, token)
            case .symbol: writeVerbatim(line, token)
            case .word:
                if index > 0, tokens[index - 1].sort == .number, Lexicon.units.contains(line, token.start, token.end) { continue }
                if isDateWord(line, index), isInDate(line, index) {
                    tokens[index].sort = .value
                    writeValue()
                } else {
                    writeVerbatim(line, token)
                }
            }
        }
    }

    private mutating func begin(_ sort: Token.Sort) {
        if length > 0 { append(UInt8(ascii: " ")) }
        written[writtenCount] = Written(start: length, sort: sort)
        writtenCount += 1
    }

    @inline(__always) private mutating func append(_ byte: UInt8) {
        text[length] = byte
        length += 1
    }

    /// Values in a row, also with a comma or a colon between them, are one: lists differ in length.
    private mutating func writeValue() {
        if writtenCount > 0 {
            let last = written[writtenCount - 1]
            if last.sort == .value { return }
            let separates = last.sort == .symbol && length == last.start + 1 && (text[last.start] == .comma || text[last.start] == .colon)
            if separates, writtenCount > 1, written[writtenCount - 2].sort == .value {
                writtenCount -= 1
                length = last.start - 1
                return
            }
        }
        begin(.value)
        append(UInt8(ascii: "<"))
        append(UInt8(ascii: "*"))
        append(UInt8(ascii: ">"))
    }

    private mutating func writeVerbatim(_ line: UnsafeBufferPointer<UInt8>, _ token: Token) {
        begin(token.sort)
        for place in token.start..<token.end { append(line[place]) }
    }

    private mutating func writeMixed(_ line: UnsafeBufferPointer<UInt8>, _ token: Token) {
        begin(.mixed)
        var inDigits = false
        for place in token.start..<token.end {
            let byte = line[place]
            if byte.isDigit {
                if !inDigits { append(UInt8(ascii: "#")) }
                inDigits = true
            } else {
                append(byte)
                inDigits = false
            }
        }
    }

    // MARK: Dates

    private func isDateWord(_ line: UnsafeBufferPointer<UInt8>, _ index: Int) -> Bool {
        let token = tokens[index]
        guard token.end - token.start == 3, token.sort == .word, (0x41...0x5A).contains(line[token.start]) else { return false }
        return Lexicon.dates.contains(line, token.start, token.end)
    }

    private func isInDate(_ line: UnsafeBufferPointer<UInt8>, _ index: Int) -> Bool {
        if index > 0, tokens[index - 1].sort == .value || tokens[index - 1].sort == .number { return true }
        guard index + 1 < tokenCount else { return false }
        return tokens[index + 1].sort == .number || isDateWord(line, index + 1)
    }
}
