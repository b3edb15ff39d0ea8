import Foundation
import Primitives

/// What trends are told of: the whole of a project, one suite, branch, environment or tag, or a single test.
struct TrendPart: Sendable, Hashable {
    static let whole = TrendPart(dimension: .all, value: "")

    let dimension: TrendDimension
    /// Cut as it is stored; empty of the whole. Of a test its id.
    let value: String
    /// Of a test: on which its executions alone are looked at; empty for any.
    var branch = ""
}

extension TrendPart {
    init(_ test: ID<Test>, branch: String) { self.init(dimension: .test, value: test.description, branch: branch) }
}

/// The first execution of a level of a test.
struct LevelStart: Sendable, Equatable {
    let result: ID<Result>
    let executedAt: Date
    let commit: String
}

/// A change of level as a look finds it, whatever it looks at.
struct LevelFinding: Sendable, Equatable {
    let figure: TrendChange.Figure
    let day: String
    let before: Double
    let after: Double
    /// Of a test.
    var start: LevelStart?
}

extension LevelFinding {
    init(_ change: TrendChange) { self.init(figure: change.figure, day: change.day, before: change.before, after: change.after) }
}

/// What a change was found in last.
struct LevelReceipt: Sendable, Equatable {
    let edition: Int32
    /// Of the series, or the executions.
    let inputHash: UInt64
    /// When these were read. The same found in the same is no news, and keeps its moment.
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
    /// Of a test: where the new level begins.
    var start: LevelStart?
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
    init(_ found: LevelFinding, of part: TrendPart, in project: ID<Project>, receipt: LevelReceipt) {
        let id = ID<LevelChange>.new()
        self.init(
            id: id, project: project, part: part, figure: found.figure, day: found.day, before: found.before, after: found.after, start: found.start,
            foundAt: receipt.lookedAt, goneAt: nil, receipt: receipt, verdict: LevelVerdict(unsaidOf: id))
    }
}
