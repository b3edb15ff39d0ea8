/// One edition of the rules by which groups live. The state of a group says by which it was reached and is found again by that one, so what has been
/// released stays as it is and the next edition is a value beside it.
struct LifeCycle: Sendable, Equatable {
    let number: Int32
    /// Runs and days of absence after which what nobody has resolved is over (`Absence`).
    let absentRuns: Int
    let absentDays: Int
    /// Whether what came first after a resolution, in other words, contradicts it.
    let heedsOtherWords: Bool

    /// Oldest first.
    static let released = [LifeCycle(number: 1, absentRuns: 20, absentDays: 7, heedsOtherWords: true)]
    /// By which groups live now.
    static let current = released[released.count - 1]

    /// - Returns: `nil` for one that this release does not have.
    static func numbered(_ number: Int32, among editions: [LifeCycle] = released) -> LifeCycle? { editions.first { $0.number == number } }
}
