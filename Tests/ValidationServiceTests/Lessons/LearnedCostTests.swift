import Foundation
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import ValidationService

@Suite struct LearnedCostTests {
    private static let words = (0..<400).map { "word" + LearnedStepTests.letters($0) }

    private static func message(_ chance: inout Chance) -> String {
        // Half of a message is what every failure of the project says.
        "the stock feed of the warehouse stopped before it was written: "
            + (0..<10).map { _ in words.randomElement(using: &chance)! }.joined(separator: " ")
    }

    @Test("a delivery of 2,000 failures, all different, that no rule knows is compared with 1,000 lessons in little time")
    func delivery() async throws {
        var chance = Chance(1)
        var taught = Taught()
        for _ in 0..<Lessons.most { taught.add(Self.message(&chance), [.network, .data, .setup].randomElement(using: &chance)!) }
        let results = (0..<FailedResult.maxBatch).map { number in
            FailedResult(
                result: .new(), test: .new(), className: "", name: "test \(number)", outcome: .failed,
                symptoms: Symptoms(message: Self.message(&chance)))
        }
        let clock = ContinuousClock()
        var step: LearnedStep?
        let ready = clock.measure { step = taught.step }
        var judged: JudgedDelivery?
        let ruled = await clock.measure { judged = await JudgedDelivery.of(results, by: .standard) }
        #expect(judged?.undecided.count == results.count)
        let compared = try await clock.measure { judged = try await judged?.asking { step } }
        #expect(judged?.editions.allSatisfy { $0.learned == LearnedStep.edition } == true)
        // Without optimisation, beside other tests; with it, it is a fraction of a second (README).
        #expect(compared < .seconds(30), "rules \(ruled), lessons made ready in \(ready), compared in \(compared)")
    }

    @Test("nothing is read where rules know every failure, or nothing has been learnt")
    func unread() async throws {
        let known = await JudgedDelivery.of(
            [
                FailedResult(
                    result: .new(), test: .new(), className: "", name: "t", outcome: .failed, symptoms: Symptoms(message: "connection refused"))
            ], by: .standard)
        let asked = Mutex(0)
        _ = try await known.asking {
            asked.withLock { $0 += 1 }
            return nil
        }
        #expect(known.undecided.isEmpty && asked.withLock { $0 } == 0)
    }
}
