import AnalyticsService
import Primitives

/// Histories of a test, written down.
enum Histories {
    /// One letter a run, an hour apart: P passed, F failed, f failed with another message, r passed at a further attempt of the run before, E failed by
    /// the environment. `|` is a new commit; `^n` repeats the letter before it.
    static func of(_ text: String, commits: Bool = true) -> [TestObservation] {
        var letters: [Character] = []
        var number = ""
        func repeatLast() {
            if let count = Int(number), let last = letters.last { letters += [Character](repeating: last, count: count - 1) }
            number = ""
        }
        for letter in text {
            if letter.isNumber {
                number.append(letter)
                continue
            }
            repeatLast()
            if letter != "^" { letters.append(letter) }
        }
        repeatLast()
        var results: [TestObservation] = []
        var commit: UInt64 = 1
        var hour: Int64 = 0
        for letter in letters {
            if letter == "|" {
                commit += 1
                continue
            }
            if letter != "r" { hour += 1 }
            results.append(
                TestObservation(
                    at: hour * 3_600_000, order: UInt32(results.count), commit: commits ? commit : 0, passed: letter == "P" || letter == "r",
                    attempt: letter == "r" ? 1 : 0, fingerprint: letter == "F" ? 11 : letter == "f" ? UInt64(100 + results.count) : 0,
                    isEnvironmental: letter == "E"))
        }
        return results
    }

    static func random(runs: Int, failing: Double, commitLength: Int, using random: inout SplitMix) -> [TestObservation] {
        (0..<runs).map { run in
            TestObservation(
                at: Int64(run) * 1000, order: UInt32.random(in: 0 ... .max, using: &random), commit: UInt64(run / commitLength + 1),
                passed: Double.random(in: 0..<1, using: &random) >= failing, fingerprint: UInt64.random(in: 1...3, using: &random))
        }
    }
}

/// SplitMix64: the same numbers for a seed everywhere.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
