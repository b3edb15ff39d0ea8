/// One edition of how failures are assessed: what is asked, in which order, and how sure the machine has to be. Receipts say by which edition they
/// were reached and are replayed by that one, so what has been released stays as it is and the next edition stands beside it.
struct AssessmentEdition: Sendable, Equatable {
    /// What can decide, and what each of them says is in `RegressionAssessment`.
    enum Ground: Sendable {
        /// The incident that this very failure stands in.
        case incident
        /// A pass on the same commit.
        case passOnCommit
        /// A person's verdict on the test.
        case person
        /// The machine's verdict on the test.
        case machine
    }

    let number: Int32
    /// The first that has anything to say decides.
    let order: [Ground]
    /// As sure as that the machine has to be that a test is flaky. To call a regression a flake hides it, to call a flake a regression costs a look.
    let flakeConfidence: Double

    /// Oldest first. What speaks for this very failure comes before what speaks for its test, a person before the machine.
    static let released = [AssessmentEdition(number: 1, order: [.incident, .passOnCommit, .person, .machine], flakeConfidence: 0.8)]
    /// By which failures are assessed now.
    static let current = released[released.count - 1]

    /// - Returns: `nil` for one that this release does not have.
    static func numbered(_ number: Int32, among editions: [AssessmentEdition] = released) -> AssessmentEdition? {
        editions.first { $0.number == number }
    }
}
