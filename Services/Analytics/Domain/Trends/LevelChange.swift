import Foundation
import Primitives

/// What trends are told of: the whole of a project, or one suite, branch, environment or tag.
struct TrendPart: Sendable, Hashable {
    static let whole = TrendPart(dimension: .all, value: "")

    let dimension: TrendDimension
    /// Cut as it is stored; empty of the whole.
    let value: String
}

/// What a change was found in last.
struct LevelReceipt: Sendable, Equatable {
    let edition: Int32
    /// Of the series.
    let inputHash: UInt64
    /// When the series was read. The same found in the same is no news, and keeps its moment.
    let lookedAt: Date
}

/// A change of level that is kept: an automatic verdict, with what it was reached from and what people say of it.
struct LevelChange: Identified, Sendable, Equatable {
    static let idPrefix = "tch"

    let id: ID<LevelChange>
    let project: ID<Project>
    let part: TrendPart
    let figure: TrendChange.Figure
    /// As it was found last.
    var day: String
    var before: Double
    var after: Double
    let foundAt: Date
    /// Since when it is not found any more; `nil` where it is.
    var goneAt: Date?
    var receipt: LevelReceipt
    let verdict: LevelVerdict

    /// Which way the figure went.
    var rises: Bool { after > before }

    /// A look after that moment found or missed it. What is kept is rounded to microseconds, so less than a millisecond is no difference.
    func isOfLater(than moment: Date) -> Bool { max(receipt.lookedAt, goneAt ?? .distantPast) > moment + 0.001 }

    /// How many days away a change of the same kind was found; `nil` for one of another figure or direction.
    func distance(to change: TrendChange) -> Int? {
        guard figure == change.figure, rises == change.rises, let own = DayNumber.of(day), let other = DayNumber.of(change.day) else { return nil }
        return abs(own - other)
    }
}

extension LevelChange {
    /// One that nothing was said of.
    init(_ change: TrendChange, of part: TrendPart, in project: ID<Project>, receipt: LevelReceipt) {
        let id = ID<LevelChange>.new()
        self.init(
            id: id, project: project, part: part, figure: change.figure, day: change.day, before: change.before, after: change.after,
            foundAt: receipt.lookedAt, goneAt: nil, receipt: receipt, verdict: LevelVerdict(unsaidOf: id))
    }
}
