/// A signature's constant words with holes where values stand, and where naming words stand that are as good as values.
///
/// A word is *soft*, and counts as a hole, when it has digits in it (`worker#`), stands behind `=` (but for keys
/// like `error=`), or names the user, account or host that a preposition announced (`for user alice`). Two signatures with one skeleton are the same thing with other names in it.
struct Skeleton: Sendable {
    enum Place: UInt8, Sendable { case word, hole, mark }

    static let hole = "*"
    /// Without a constant word nothing can be soft: `worker#` alone is all that there is to go by.
    static let minConstants = 1

    /// Words, `*` for a hole, punctuation.
    let tokens: [String]
    let places: [Place]
    /// Constant words of at least two letters.
    let constants: Int
    /// Of each token at its place; the sum stands for the whole, and the sum without one for the rest.
    private let digests: [UInt64]
    private let digest: UInt64

    init(_ signature: String) {
        let words = signature.split(separator: " ").map(String.init)
        let sorts = words.indices.map { Self.sort(words, $0) }
        let constants = zip(words, sorts).reduce(0) { $0 + ($1.1 == .word && Self.isSpoken($1.0) ? 1 : 0) }
        self.init(words, sorts, constants)
    }

    private init(_ words: [String], _ sorts: [Sort], _ constants: Int) {
        let softens = constants >= Self.minConstants
        var tokens: [String] = []
        var places: [Place] = []
        for (word, sort) in zip(words, sorts) {
            let place: Place = sort == .value || (sort == .soft && softens) ? .hole : sort == .mark ? .mark : .word
            if place == .hole, softens {
                // As the scanner does with values: a name and a number in a row are one hole.
                if places.last == .hole { continue }
                if places.count > 1, places[places.count - 2] == .hole, tokens.last == "," || tokens.last == ":" {
                    tokens.removeLast()
                    places.removeLast()
                    continue
                }
            }
            tokens.append(place == .hole ? Self.hole : word)
            places.append(place)
        }
        self.init(tokens: tokens, places: places, constants: constants)
    }

    /// The same with a hole at `place`.
    func opened(at place: Int) -> Skeleton {
        var (tokens, places) = (tokens, places)
        let lost = places[place] == .word && Self.isSpoken(tokens[place]) ? 1 : 0
        tokens[place] = Self.hole
        places[place] = .hole
        return Skeleton(tokens: tokens, places: places, constants: constants - lost)
    }

    private init(tokens: [String], places: [Place], constants: Int) {
        self.tokens = tokens
        self.places = places
        self.constants = constants
        digests = tokens.enumerated().map { Self.digest($1, at: $0) }
        digest = digests.reduce(UInt64(tokens.count), &+)
    }

    private static func digest(_ token: String, at place: Int) -> UInt64 {
        let hash = SignatureID(hashing: token)
        return (hash.high ^ UInt64(place &+ 1) &* 0x9e37_79b9_7f4a_7c15) &* (hash.low | 1)
    }

    /// The same for all skeletons that differ from this one in nothing but the token at `place`.
    func rest(without place: Int) -> UInt64 { digest &- digests[place] ^ UInt64(place) }

    var holes: Int { places.count { $0 == .hole } }

    /// Whether `word` counts among the constants.
    static func isSpoken(_ word: String) -> Bool {
        var letters = 0
        for byte in word.utf8 where byte.isLetter {
            letters += 1
            if letters == 2 { return true }
        }
        return false
    }

    // MARK: Sorts of words

    enum Sort { case value, soft, word, mark }

    private static let prepositions: Set<String> = ["for", "by", "as", "of", "from", "to", "with", "on", "at"]
    private static let named: Set<String> = ["user", "username", "account", "host", "hostname"]

    /// Keys whose value is what went wrong: `error=timeout` and `error=refused` differ.
    private static let telling: Set<String> = [
        "error", "err", "errno", "reason", "cause", "code", "status", "state", "exception", "message", "msg", "result", "outcome",
    ]

    static func sort(_ words: [String], _ index: Int) -> Sort {
        let word = words[index]
        if word == Signature.maskText { return .value }
        if !word.utf8.contains(where: \.isLetterOrDigit) { return .mark }
        if word.utf8.contains(UInt8(ascii: "#")) { return .soft }
        guard index > 0 else { return .word }
        let before = words[index - 1]
        if before == "=" { return index > 1 && telling.contains(words[index - 2].lowercased()) ? .word : .soft }
        if index > 1, named.contains(before), prepositions.contains(words[index - 2]) { return .soft }
        return .word
    }
}

extension Skeleton: Hashable {
    static func == (left: Skeleton, right: Skeleton) -> Bool { left.digest == right.digest && left.tokens == right.tokens }
    func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}
