/// A signature's constant words with holes where values stand, and where naming words stand that are as good as values.
///
/// A word is *soft*, and counts as a hole, when it has digits in it (`worker#`), stands behind `=` (but for keys like `error=`), or names the user,
/// account or host that a preposition announced (`for user alice`). Two signatures with one skeleton are the same thing with other names in it.
struct Skeleton: Sendable {
    /// What stands at one place of a skeleton.
    enum Place: UInt8, Sendable {
        /// A constant word, with at least two letters.
        case word
        /// A constant word without: it proves nothing.
        case letter
        case hole
        case mark
    }

    /// Without a constant word nothing can be soft: `worker#` alone is all that there is to go by.
    static let minConstants = 1

    let places: [Place]
    /// Of each token at its place; the sum stands for the whole, and the sum without one for the rest.
    private let digests: [UInt64]
    private let digest: UInt64

    init(_ signature: String) {
        var signature = signature
        self = signature.withUTF8 { text in
            let parts = Parts(text)
            return Skeleton(places: parts.kept.map(\.place), digests: parts.kept.enumerated().map { Self.digest(text, $1, at: $0) })
        }
    }

    private init(places: [Place], digests: [UInt64]) {
        self.places = places
        self.digests = digests
        digest = digests.reduce(UInt64(places.count), &+)
    }

    /// The tokens that stand in the places of a signature's skeleton: words, punctuation, `<*>` for holes.
    static func tokens(of signature: String) -> [String] {
        var signature = signature
        return signature.withUTF8 { text in
            Parts(text).kept.map { part in
                part.place == .hole ? Signature.mask : String(decoding: UnsafeBufferPointer(rebasing: text[part.start..<part.end]), as: UTF8.self)
            }
        }
    }

    var constants: Int { places.count { $0 == .word } }
    var holes: Int { places.count { $0 == .hole } }

    /// The same with a hole at `place`.
    func opened(at place: Int) -> Skeleton {
        var (places, digests) = (places, digests)
        places[place] = .hole
        digests[place] = Self.hole(at: place)
        return Skeleton(places: places, digests: digests)
    }

    /// The same for all skeletons that differ from this one in nothing but the token at `place`.
    func rest(without place: Int) -> UInt64 { digest &- digests[place] ^ UInt64(place) }

    private static func digest(_ text: UnsafeBufferPointer<UInt8>, _ part: Part, at place: Int) -> UInt64 {
        guard part.place != .hole else { return hole(at: place) }
        let hash = SignatureID(hashing: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: text[part.start..<part.end])))
        return (hash.high ^ UInt64(place &+ 1) &* 0x9e37_79b9_7f4a_7c15) &* (hash.low | 1)
    }

    private static func hole(at place: Int) -> UInt64 { UInt64(place &+ 1) &* 0xd6e8_feb8_6659_fd93 }
}

extension Skeleton: Hashable, HashedKey {
    var bits: UInt64 { digest }

    static func == (left: Skeleton, right: Skeleton) -> Bool { left.digest == right.digest && left.digests == right.digests }
    func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}

// MARK: Sorts of words

extension Skeleton {
    private struct Part {
        let start: Int
        let end: Int
        var place: Place
    }

    /// A signature's tokens, what each is taken for, and those that are left when holes in a row are one.
    private struct Parts {
        private(set) var kept: [Part] = []
        private let text: UnsafeBufferPointer<UInt8>

        init(_ text: UnsafeBufferPointer<UInt8>) {
            self.text = text
            var all: [Part] = []
            var soft: [Bool] = []
            var start = 0
            while start < text.count {
                var end = start
                while end < text.count, text[end] != UInt8(ascii: " ") { end += 1 }
                all.append(Part(start: start, end: end, place: place(start, end)))
                soft.append(all[all.count - 1].place.isWord && isSoft(all))
                start = end + 1
            }
            let constants = zip(all, soft).reduce(0) { $0 + ($1.0.place == .word && !$1.1 ? 1 : 0) }
            let softens = constants >= Skeleton.minConstants
            kept.reserveCapacity(all.count)
            for (part, soft) in zip(all, soft) {
                var part = part
                if soft, softens { part.place = .hole }
                keep(part, joining: softens)
            }
        }

        /// As the scanner does with values: a name and a number in a row are one hole.
        private mutating func keep(_ part: Part, joining: Bool) {
            if joining, part.place == .hole, let last = kept.last {
                if last.place == .hole { return }
                let separates = last.end == last.start + 1 && (text[last.start] == .comma || text[last.start] == .colon)
                if separates, kept.count > 1, kept[kept.count - 2].place == .hole {
                    kept.removeLast()
                    return
                }
            }
            kept.append(part)
        }

        private func place(_ start: Int, _ end: Int) -> Place {
            var (letters, digits) = (0, 0)
            for place in start..<end {
                if text[place].isLetter { letters += 1 } else if text[place].isDigit || text[place] == UInt8(ascii: "#") { digits += 1 }
            }
            if letters + digits == 0 { return end - start == 3 && text[start + 1] == UInt8(ascii: "*") ? .hole : .mark }
            return letters > 1 ? .word : .letter
        }

        /// Whether the last token is a name.
        private func isSoft(_ all: [Part]) -> Bool {
            let word = all[all.count - 1]
            if text[word.start..<word.end].contains(UInt8(ascii: "#")) { return true }
            guard all.count > 1 else { return false }
            let before = all[all.count - 2]
            let earlier = all.count > 2 ? all[all.count - 3] : nil
            if before.end == before.start + 1, text[before.start] == .equals {
                return earlier.map { !Lexicon.telling.contains(text, $0.start, $0.end) } ?? true
            }
            guard let earlier, Lexicon.named.contains(text, before.start, before.end) else { return false }
            return Lexicon.prepositions.contains(text, earlier.start, earlier.end)
        }
    }
}

extension Skeleton.Place {
    var isWord: Bool { self == .word || self == .letter }
}
