import Foundation
import Primitives
import Testing

@testable import ValidationService

/// How often the learned step is right when it answers, and how often it does, on messages that programs really print, with all rules switched off.
@Suite struct LearnedPrecisionTests {
    private struct Tally {
        var right = 0
        var answered = 0
        var asked = 0

        var precision: Double { answered == 0 ? 1 : Double(right) / Double(answered) }
        var words: String { "\(right) of \(answered) answers right, \(asked - answered) of \(asked) not answered" }
    }

    private static let all = TrueMessages.processes + TrueMessages.services + TrueMessages.tests + ComparedMessages.operands

    private static func signature(_ sample: TrueMessage, test: String) -> Signature {
        Taught.signature(sample.message, type: sample.type, trace: sample.trace, test: test)
    }

    /// Words of all of them.
    private static let words = all.flatMap { $0.message.split(separator: " ").map(String.init) }

    /// Teaches a half and asks, over and over. Each message is the failure of a test of its own, so that no test tells anything.
    /// - Parameter vary: makes of a message what is asked; `isTaught` when it has been taught.
    private static func tally(_ vary: (TrueMessage, _ isTaught: Bool, inout Chance) -> TrueMessage?) -> Tally {
        var tally = Tally()
        for seed in 1...20 as ClosedRange<UInt64> {
            var chance = Chance(seed)
            let shuffled = Array(all.enumerated().shuffled(using: &chance))
            var taught = Taught()
            for (number, sample) in shuffled.prefix(all.count / 2) { taught.add(signature(sample, test: "test \(number)"), sample.category) }
            let step = taught.step
            for (place, (number, sample)) in shuffled.enumerated() {
                guard let asked = vary(sample, place < all.count / 2, &chance) else { continue }
                tally.asked += 1
                guard let judgement = step.judge(signature(asked, test: "other \(number)"), of: .new()) else { continue }
                tally.answered += 1
                if judgement.category == sample.category { tally.right += 1 }
            }
        }
        return tally
    }

    /// The same with words of other messages in place of some, wherever they stand: those that it hangs on too.
    private static func varied(_ sample: TrueMessage, words count: Int, _ chance: inout Chance) -> TrueMessage? {
        var words = sample.message.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count >= 6 else { return nil }
        for _ in 0..<count { words[Int.random(in: words.indices, using: &chance)] = Self.words.randomElement(using: &chance)! }
        return TrueMessage(sample.category, words.joined(separator: " "), type: sample.type, trace: sample.trace)
    }

    @Test("of messages that are unlike all that was taught it says next to nothing, and nine of ten times what is right")
    func unseen() {
        let tally = Self.tally { sample, isTaught, _ in isTaught ? nil : sample }
        #expect(tally.precision >= 0.9 && tally.answered > 0 && tally.answered * 50 < tally.asked, "\(tally.words)")
    }

    @Test("with other words in some places it is right nineteen of twenty times, and still knows many", arguments: [(1, 500), (2, 200)])
    func varied(count: Int, least: Int) {
        let tally = Self.tally { sample, _, chance in Self.varied(sample, words: count, &chance) }
        #expect(tally.precision >= 0.95 && tally.answered >= least, "\(tally.words)")
    }

    @Test("where the number that says what happened is masked nothing is taught and nothing is said")
    func codes() {
        for message in [
            "Request failed with status code 401", "##[error]Process completed with exit code 137.", "rpc error: code = 14 from the warehouse",
        ] {
            var taught = Taught()
            taught.add(message, .data)
            #expect(Taught.signature(message).hidesCode && taught.judge(message) == nil, "\(message)")
        }
        for message in ["warehouse 17 gave no stock figures", "the error of the feed was 17 lines long", "rpc error: code = PermissionDenied"] {
            #expect(!Taught.signature(message).hidesCode, "\(message)")
        }
    }
}
