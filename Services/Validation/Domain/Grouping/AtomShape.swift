/// What a piece of text without white space is made of, counted while it is read, and what it is therefore taken for.
struct AtomShape {
    /// A longer piece is no word of a sentence.
    static let maxWord = 80

    var letters = 0
    var digits = 0
    /// How often a letter follows a digit or the other way round.
    var turns = 0
    var slashes = 0
    var at = -1
    var lastDot = -1
    var isHex = true
    var hasHash = false
    private var wasDigit = false
    private var began = false

    /// - Returns: where the letters end.
    @inline(__always) mutating func countLetters(_ line: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var end = start
        while end < line.count, line[end].isLetter {
            if !line[end].isHex { isHex = false }
            end += 1
        }
        letters += end - start
        if began, wasDigit { turns += 1 }
        (began, wasDigit) = (true, false)
        return end
    }

    /// - Returns: where the digits end.
    @inline(__always) mutating func countDigits(_ line: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var end = start
        while end < line.count, line[end].isDigit { end += 1 }
        digits += end - start
        if began, !wasDigit { turns += 1 }
        (began, wasDigit) = (true, true)
        return end
    }

    @inline(__always) mutating func countOther(_ byte: UInt8, _ place: Int) {
        switch byte {
        case UInt8(ascii: "-"), .colon: return
        case UInt8(ascii: "/"), UInt8(ascii: "\\"): slashes += 1
        case UInt8(ascii: "@"): at = place
        case UInt8(ascii: "#"): hasHash = true
        case .dot: lastDot = place
        default: break
        }
        isHex = false
    }

    init() {}

    /// Counts a finished piece.
    init(_ line: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) {
        let piece = UnsafeBufferPointer(rebasing: line[..<end])
        var place = start
        while place < end {
            if piece[place].isLetter {
                place = countLetters(piece, place)
            } else if piece[place].isDigit {
                place = countDigits(piece, place)
            } else {
                countOther(piece[place], place)
                place += 1
            }
        }
    }

    func sort(_ line: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> LineScanner.Token.Sort {
        let count = end - start
        if letters + digits == 0 { return .symbol }
        // A number, a date, a version, an address: everything that begins with a digit, a sign or a currency before it.
        var first = start
        while first + 1 < end, !line[first].isLetterOrDigit, !line[first].isPath { first += 1 }
        if line[first].isDigit { return digits >= letters ? .number : .value }
        // A path.
        if slashes > 1 || (slashes == 1 && line[first].isPath) || (slashes == 1 && digits * 3 > letters) { return .value }
        if slashes == 1, count > 3, line[start + 1] == .colon { return .value }
        if at > start, at < end - 1 { return .value }
        if count > Self.maxWord { return .value }
        // A host; small letters only, for `Foo.Net` is a name in a program.
        if lastDot > start, slashes == 0, line[lastDot + 1..<end].allSatisfy({ $0 &- 0x61 < 26 }), Lexicon.domains.contains(line, lastDot + 1, end) {
            return .value
        }
        if digits == 0 { return hasHash ? .mixed : Lexicon.nothings.contains(line, start, end) ? .value : .word }
        // A hash, a UUID; ids that some program made.
        if isHex, count >= 6 { return .value }
        if count >= 4, digits >= letters { return .value }
        if count >= 8, turns >= 4, digits * 4 >= letters { return .value }
        return .mixed
    }
}
