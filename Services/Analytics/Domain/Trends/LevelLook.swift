import Foundation

/// One look at the last days of a part of a project that are over, and the changes that are found in them.
struct LevelLook: Sendable {
    /// Days that are looked at, up to yesterday (UTC).
    static let days = 90
    /// Suites, branches, environments and tags that are looked at, of each those with most results.
    static let mostValues = 20
    /// Days after which a change that is not found any more keeps standing: those that it was held against leave the days that are looked at one by
    /// one, and no change is found at the edge of what is known.
    static let settled = 45

    let part: TrendPart
    let series: TrendSeries
    let found: [TrendChange]
    let edition: ChangeEdition
    let at: Date

    /// - Parameter days: oldest first; those that are not over are passed over.
    init(_ part: TrendPart, days: [Day], at now: Date, by edition: ChangeEdition = .current) {
        let today = now.day
        self.part = part
        self.edition = edition
        at = now
        series = TrendSeries(days.filter { $0.day < today })
        found = series.changes(by: edition)
    }

    /// Changes of earlier days can be none of those that are found.
    var firstDay: String { (at - Double(Self.days + edition.shortestLevel + 1) * 86_400).day }

    /// Changes of earlier days are settled.
    var firstUnsettledDay: String { (at - Double(Self.settled) * 86_400).day }
}
