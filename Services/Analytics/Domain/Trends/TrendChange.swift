import Foundation

/// From a day on a figure of a project is at another level.
struct TrendChange: Sendable, Equatable {
    enum Figure: Sendable { case passRate, duration }

    let figure: Figure
    /// The first day of the new level, and the days of the levels before and from it on.
    let day: String
    let daysBefore: ClosedRange<String>
    let daysAfter: ClosedRange<String>
    let before: Double
    let after: Double

    /// Of the pass rate without what is put down to the environment.
    /// - Parameter days: on which something ran, oldest first.
    static func all(in days: [Day]) -> [TrendChange] {
        let judged = days.filter { $0.telling.passRate != nil }
        let rates = judged.map { (passed: Int($0.telling.passed), all: Int($0.telling.judged)) }
        let timed = days.filter { $0.durations.count > 0 }
        let medians = timed.compactMap { $0.durations.percentile(50).map(Double.init) }
        let changes =
            changes(ChangePoints.inPassRates(rates), .passRate, judged) + changes(ChangePoints.inDurations(medians), .duration, timed)
        return changes.sorted { $0.day < $1.day }
    }

    private static func changes(_ points: [ChangePoint], _ figure: Figure, _ days: [Day]) -> [TrendChange] {
        points.enumerated().map { position, point in
            let start = position == 0 ? 0 : points[position - 1].index
            let end = position + 1 < points.count ? points[position + 1].index : days.count
            return TrendChange(
                figure: figure, day: days[point.index].day, daysBefore: days[start].day...days[point.index - 1].day,
                daysAfter: days[point.index].day...days[end - 1].day, before: point.before, after: point.after)
        }
    }
}

/// What makes up a change of the pass rate: how much more of all results failed in one suite, branch or environment than before, as a share of how much
/// more failed altogether. A place to look at, not a proof: what fails more may fail for another's sake.
struct TrendCause: Sendable, Equatable {
    /// Of a change; such as make up less than `least` are left out.
    static let most = 5
    static let least = 0.1

    let dimension: TrendDimension
    let value: String
    let share: Double

    /// What one part of a project did before and after a change.
    struct Part: Sendable {
        let dimension: TrendDimension
        let value: String
        let before: Tally
        let after: Tally
    }

    /// The largest first.
    static func of(before: Tally, after: Tally, parts: [Part]) -> [TrendCause] {
        guard before.judged > 0, after.judged > 0 else { return [] }
        let change = Double(after.bad) / Double(after.judged) - Double(before.bad) / Double(before.judged)
        guard change != 0 else { return [] }
        let causes = parts.map { part in
            let own = Double(part.after.bad) / Double(after.judged) - Double(part.before.bad) / Double(before.judged)
            return TrendCause(dimension: part.dimension, value: part.value, share: own / change)
        }
        return Array(causes.filter { $0.share >= least }.sorted { ($1.share, $0.value) < ($0.share, $1.value) }.prefix(most))
    }
}

extension Tally {
    /// Those that say something.
    var judged: Int64 { passed + failed + errored }
    var bad: Int64 { failed + errored }
}
