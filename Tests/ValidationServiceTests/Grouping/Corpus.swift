@testable import ValidationService

/// A repeatable source of chance (SplitMix64, Steele et al., OOPSLA 2014).
struct Chance: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

/// Failures as a run could bring them, and when they happened.
struct Corpus {
    let failures: [(signature: Signature, time: Int64)]

    private static let shapes = [
        "session of % closed by peer while reading header", "could not open table % in schema % of warehouse", "login denied for % from %",
        "worker% lost lease after %s", "error=% reported by node%", "element % is not attached to the page document", "Timeout", "failed",
        "permission % missing for role % in tenant", "state changed from % to % unexpectedly",
    ]
    private static let words = [
        "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory", "niaj", "olivia", "peggy", "rupert", "sybil",
    ]
    private static let origins = ["", "", "", "IOException\nDb.connect"]

    init(_ count: Int, seed: UInt64) {
        var chance = Chance(seed)
        failures = (0..<count).map { _ in
            var line = ""
            for character in Self.shapes.randomElement(using: &chance)! {
                if character != "%" {
                    line.append(character)
                } else {
                    line += Bool.random(using: &chance) ? Self.words.randomElement(using: &chance)! : "\(Int.random(in: 0..<90, using: &chance))"
                }
            }
            let time = Int64.random(in: 0..<Int64(count), using: &chance)
            return (Signature(origin: Self.origins.randomElement(using: &chance)!, text: LineScanner.signature(of: line)), time)
        }
    }
}

extension LineScanner {
    static func signature(of line: String) -> String {
        var scanner = LineScanner()
        scanner.scan(line)
        return scanner.signature
    }
}

extension GroupingIndex {
    init(_ failures: some Sequence<(signature: Signature, time: Int64)>, _ constraints: [GroupingConstraint] = []) {
        self.init()
        for failure in failures { note(failure.signature, at: failure.time) }
        for constraint in constraints { insert(constraint) }
    }

    /// Signatures of plain lines, at the times 0, 1, ….
    init(lines: [String]) {
        self.init(lines.enumerated().map { (Signature(origin: "", text: LineScanner.signature(of: $1)), Int64($0)) })
    }

    mutating func group(ofLine line: String) -> SignatureID { group(of: Signature(origin: "", text: LineScanner.signature(of: line))) }
}
