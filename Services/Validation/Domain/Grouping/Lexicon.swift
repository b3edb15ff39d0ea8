/// Sorts of bytes. Everything outside ASCII is a letter.
extension UInt8 {
    /// What a byte can be part of.
    enum Lexical: UInt8 { case space, letter, digit, quote, structure, other }

    static let dot = UInt8(ascii: ".")
    static let comma = UInt8(ascii: ",")
    static let colon = UInt8(ascii: ":")
    static let equals = UInt8(ascii: "=")
    static let doubleQuote = UInt8(ascii: "\"")

    @inline(__always) var lexical: Lexical {
        if isLetter { return .letter }
        if isDigit { return .digit }
        switch self {
        case 0...0x20: return .space
        case .doubleQuote, UInt8(ascii: "'"), UInt8(ascii: "`"): return .quote
        case .comma, .colon, .equals, UInt8(ascii: ";"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "["), UInt8(ascii: "]"),
            UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "|"):
            return .structure
        default: return .other
        }
    }

    @inline(__always) var isDigit: Bool { self &- 0x30 < 10 }
    @inline(__always) var isLetter: Bool { (self | 0x20) &- 0x61 < 26 || self >= 0x80 }
    @inline(__always) var isLetterOrDigit: Bool { isDigit || isLetter }
    @inline(__always) var isHex: Bool { isDigit || (self | 0x20) &- 0x61 < 6 }
    /// What a path can begin with.
    @inline(__always) var isPath: Bool { self == UInt8(ascii: "/") || self == UInt8(ascii: "\\") }
    @inline(__always) var endsSentence: Bool { self == .dot || self == UInt8(ascii: "!") || self == UInt8(ascii: "?") }
    var closesBracket: Bool { self == UInt8(ascii: ")") || self == UInt8(ascii: "]") || self == UInt8(ascii: "}") || self == UInt8(ascii: ">") }

    var closer: UInt8? {
        switch self {
        case UInt8(ascii: "("): UInt8(ascii: ")")
        case UInt8(ascii: "["): UInt8(ascii: "]")
        case UInt8(ascii: "{"): UInt8(ascii: "}")
        default: nil
        }
    }
}

/// Words that tell what their neighbours or they themselves are.
enum Lexicon {
    /// What belongs to the number before it: sizes and lengths of time.
    static let units = WordSet([
        "b", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib", "byte", "bytes", "ns", "us", "ms", "s", "sec", "secs", "second", "seconds", "min",
        "mins", "minute", "minutes", "h", "hour", "hours", "day", "days", "millis", "milliseconds", "microseconds", "nanoseconds",
    ])
    /// Days, months and time zones as dates name them.
    static let dates = WordSet([
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "utc",
        "gmt", "pst", "pdt", "mst", "mdt", "cst", "cdt", "est", "edt", "cet", "bst", "ist", "jst",
    ])
    /// Keys whose value is what went wrong: `error=timeout` and `error=refused` differ.
    static let telling = WordSet([
        "error", "err", "errno", "reason", "cause", "code", "status", "state", "exception", "message", "msg", "result", "outcome",
    ])
    /// `for user alice`: what a name follows, and what stands before that.
    static let named = WordSet(["user", "username", "account", "host", "hostname"])
    static let prepositions = WordSet(["for", "by", "as", "of", "from", "to", "with", "on", "at"])
    /// How programs write truth and absence.
    static let nothings = WordSet(["true", "false", "null", "nil", "none", "undefined", "nan", "nullptr"])
    /// Top-level domains, but for those that are file extensions too.
    static let domains = WordSet([
        "com", "net", "org", "edu", "gov", "mil", "info", "biz", "arpa", "local", "localdomain", "internal", "lan", "intranet", "uk", "de", "fr",
        "jp", "cn", "hk", "tw", "kr", "ru", "br", "au", "ca", "nl", "eu", "us", "it", "es", "se", "ch", "at", "be", "dk", "fi", "cz",
    ])
}

/// A set of words in any case (ASCII), looked up by the bytes of a line without making a string: 64 bits of FNV-1a stand for a word.
struct WordSet: Sendable {
    private let hashes: [UInt64]
    /// By length, one bit for each letter that a word of this length begins with: nearly all words are told by it.
    private let initials: [UInt32]

    init(_ words: [String]) {
        hashes = words.map { Self.hash($0.utf8) }.sorted()
        var initials = [UInt32](repeating: 0, count: 1 + (words.map(\.utf8.count).max() ?? 0))
        for word in words { initials[word.utf8.count] |= Self.initial(word.utf8.first ?? 0) }
        self.initials = initials
    }

    func contains(_ line: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard end - start < initials.count, initials[end - start] & Self.initial(line[start]) != 0 else { return false }
        let hash = Self.hash(UnsafeBufferPointer(rebasing: line[start..<end]))
        var (low, high) = (0, hashes.count)
        while low < high {
            let middle = (low + high) / 2
            if hashes[middle] < hash { low = middle + 1 } else { high = middle }
        }
        return low < hashes.count && hashes[low] == hash
    }

    private static func initial(_ byte: UInt8) -> UInt32 { 1 << (UInt32(byte) & 31) }

    private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1 &- 0x41 < 26 ? $1 | 0x20 : $1)) &* 0x100_0000_01b3 }
    }
}
