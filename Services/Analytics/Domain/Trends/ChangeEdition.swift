/// One edition of the search for changes of level, as a value: what makes other changes of the same points. It stands on the receipt of every change
/// that is kept, which is replayed by the one that it was found by. So what has been released stays as it is, and the next edition is a value beside
/// it.
///
/// How a level's cost is worked out and what ranks say of chance (`DistributionCost`, `RateCost`, `RankTest`) all editions have in common: whoever
/// changes what comes out of that keeps the way in which it was, chosen by a member here.
package struct ChangeEdition: Sendable, Equatable {
    package let number: Int32
    /// Newest points that are looked at.
    var pointLimit = 4096
    /// Places that are tried at first.
    var searchLimit = 1024
    /// Shorter levels are none.
    var shortestLevel = 5
    /// Error over all places of a series.
    var error = 0.01
    /// Durations have to change by so much to be worth a word.
    var leastRatio = 1.1
    /// What a change costs, times log n. Of durations as much as Haynes et al. take (see `DistributionCost`).
    var durationPenalty = 3.0
    /// Of pass rates: a level has one number and one place (BIC: Schwarz, Ann. Statist. 6, 1978).
    var ratePenalty = 2.0

    /// Oldest first.
    package static let released = [ChangeEdition(number: 1)]
    /// By which changes are found now.
    package static let current = released[released.count - 1]

    /// - Returns: `nil` for one that this release does not have.
    static func numbered(_ number: Int32, among editions: [ChangeEdition] = released) -> ChangeEdition? { editions.first { $0.number == number } }
}
