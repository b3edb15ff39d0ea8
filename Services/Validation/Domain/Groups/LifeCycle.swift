/// One edition of the rules by which groups live. The state of a group says by which it was reached and is found again by that one, so what has been
/// released stays as it is and the next edition is a value beside it.
struct LifeCycle: Sendable, Equatable {
    /// What of a group's open signatures contradicts a resolution.
    enum OtherWords: Sendable {
        case unheeded
        /// Any that was seen first after it.
        case newer
        /// One that was seen first after it, and whose first or last failure would contradict it had the signature been resolved.
        case contradictingAtEnds
        /// The same of any of its failures, as far back as they are looked through (`GroupSums.mostLookedThrough`).
        case contradicting

        var asksForProof: Bool { self == .contradictingAtEnds || self == .contradicting }
    }

    /// What decides whether a failure of a resolved signature contradicts the resolution.
    enum Contradictions: Sendable {
        /// What was known of its commit when it was heard of, for good.
        case asHeard
        /// What is known of commits now, in whatever order it was heard of.
        case asKnown
    }

    let number: Int32
    /// Runs and days of absence after which what nobody has resolved is over (`Absence`).
    let absentRuns: Int
    let absentDays: Int
    let otherWords: OtherWords
    let contradictions: Contradictions
    /// Days without any run after which a branch counts as merged or deleted, and runs of others as proof of absence; `nil` when they never do.
    let silentDays: Int?

    /// Oldest first.
    static let released = [
        LifeCycle(number: 1, absentRuns: 20, absentDays: 7, otherWords: .newer, contradictions: .asHeard, silentDays: nil),
        LifeCycle(number: 2, absentRuns: 20, absentDays: 7, otherWords: .contradictingAtEnds, contradictions: .asHeard, silentDays: 14),
        LifeCycle(number: 3, absentRuns: 20, absentDays: 7, otherWords: .contradicting, contradictions: .asKnown, silentDays: 14),
    ]
    /// By which groups live now.
    static let current = released[released.count - 1]

    /// - Returns: `nil` for one that this release does not have.
    static func numbered(_ number: Int32, among editions: [LifeCycle] = released) -> LifeCycle? { editions.first { $0.number == number } }
}
