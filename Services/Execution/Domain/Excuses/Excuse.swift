import Foundation
import Primitives

/// Whether the failures of a run are a reason to stop a build.
struct Excuse: Equatable, Sendable {
    /// Tests that are named where nobody says how many.
    static let usualPage = 100

    let question: ExcuseQuestion
    let edition: Int32
    /// By the clock that says what is quarantined.
    let moment: Date
    /// Those whose quarantine was in force.
    let quarantined: [ExcuseQuestion.Test]
    /// No reason.
    let isExcused: Bool

    init(_ question: ExcuseQuestion, at moment: Date, by rules: ExcuseEdition = .current) {
        self.question = question
        self.moment = moment
        edition = rules.number
        quarantined = question.tests.filter { rules.excuses($0, at: moment) }
        isExcused = rules.excuses(question, quarantined: quarantined.count)
    }

    /// Something failed in a run that is over: a build acts on what it is told of that.
    var isActedOn: Bool { question.state.isFinal && question.failing + question.passedAgain > 0 }
}

/// One edition of how it is decided. Answers say by which edition they were given and are replayed by that one, so what has been released stays as it is
/// and the next edition stands beside it.
struct ExcuseEdition: Equatable, Sendable {
    let number: Int32
    /// Of runs whose tests are all that may be wrong with them. One that is not finished, or was ended early, has not shown that nothing else fails.
    let states: Set<Run.State>

    /// Oldest first.
    static let released = [ExcuseEdition(number: 1, states: [.failed, .error])]
    /// By which it is decided now.
    static let current = released[released.count - 1]

    /// - Returns: `nil` for one that this release does not have.
    static func numbered(_ number: Int32, among editions: [ExcuseEdition] = released) -> ExcuseEdition? {
        editions.first { $0.number == number }
    }

    /// An end is a comparison with the clock, as where it is said what is quarantined.
    func excuses(_ test: ExcuseQuestion.Test, at moment: Date) -> Bool {
        test.isQuarantined && (test.entry.map { $0.expiresAt > moment.wholeMilliseconds } ?? true)
    }

    /// Nothing is missing of the run, tests failed, and each of them is quarantined or passed when it was tried again.
    func excuses(_ question: ExcuseQuestion, quarantined: Int) -> Bool {
        states.contains(question.state) && !question.isIncomplete && question.pending == 0 && question.failing + question.passedAgain > 0
            && quarantined == question.failing
    }
}
