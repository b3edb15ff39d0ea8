import Foundation

/// From a day on a figure of a project, or of a part of it, is at another level.
struct TrendChange: Sendable, Equatable {
    /// The raw values are stored.
    enum Figure: String, Sendable, CaseIterable {
        case passRate = "pass_rate"
        case duration
    }

    /// Days on each side of a change of durations from which it is explained: their histograms are read one by one.
    static let daysBeside = 14

    let figure: Figure
    /// The first day of the new level, and the days of the levels before and from it on.
    let day: String
    let daysBefore: ClosedRange<String>
    let daysAfter: ClosedRange<String>
    let before: Double
    let after: Double
    /// The days next to the change, `daysBeside` of each level on which something ran.
    let nearBefore: ClosedRange<String>
    let nearAfter: ClosedRange<String>

    /// Between the levels of durations: by definition of the median fewer than half of the executions took longer before, and more than half after, or the
    /// other way round.
    var level: Int64 { Int64((before * after).squareRoot()) }

    /// Which way the figure went.
    var rises: Bool { after > before }

    /// Whether more failed, or took long, after it.
    var isWorse: Bool {
        switch figure {
        case .passRate: after < before
        case .duration: after > before
        }
    }

    /// What of its project is bad on both sides.
    func shares(in days: [Day]) -> (before: TrendCause.Share, after: TrendCause.Share) {
        func share(_ range: ClosedRange<String>, _ of: (Day) -> TrendCause.Share) -> TrendCause.Share {
            days.filter { range.contains($0.day) }.reduce(into: TrendCause.Share()) { $0.add(of($1)) }
        }
        switch figure {
        case .passRate: return (share(daysBefore) { .init($0.telling) }, share(daysAfter) { .init($0.telling) })
        case .duration:
            return (share(nearBefore) { .init(of: $0.durations, above: level) }, share(nearAfter) { .init(of: $0.durations, above: level) })
        }
    }

    /// Of the pass rate without what is put down to the environment.
    /// - Parameter days: on which something ran, oldest first.
    static func all(in days: [Day]) -> [TrendChange] { TrendSeries(days).changes() }

    /// Of all that `all` looks at: the same give the same changes.
    static func inputHash(of days: [Day]) -> UInt64 { TrendSeries(days).inputHash }
}

/// What makes up a change: how much more of all results are bad in one suite, branch, environment or tag than before, as a share of how much more are bad
/// altogether. Bad is, of the pass rate, what failed, and of durations what took longer than the level between both (`TrendChange.level`). A place to look
/// at, not a proof: what fails more may fail for another's sake.
struct TrendCause: Sendable, Equatable {
    /// Of a change.
    static let most = 5
    /// How much more of a change a part makes up than of all results, at least: if everything became worse alike, each part would make up as much as it has
    /// of the results, and what all runs have in common, such as a tag, would seem to be the cause of everything.
    static let least = 0.1
    /// Changes that are explained, the newest: each takes a look at all parts of the project.
    static let mostExplained = 10

    let dimension: TrendDimension
    let value: String
    /// Of the change.
    let share: Double
    /// Of all results, the mean of both sides.
    let weight: Double

    /// Results of which some are bad.
    struct Share: Sendable, Equatable {
        var bad: Int64 = 0
        var all: Int64 = 0

        init(bad: Int64 = 0, all: Int64 = 0) {
            self.bad = bad
            self.all = all
        }

        init(_ tally: Tally) { self.init(bad: tally.bad, all: tally.judged) }

        /// What took longer than a duration.
        init(of durations: DurationHistogram, above level: Int64) {
            self.init(bad: Int64(clamping: durations.count(above: level)), all: Int64(clamping: durations.count))
        }

        mutating func add(_ other: Share) {
            bad += other.bad
            all += other.all
        }
    }

    /// What one part of a project did before and after a change.
    struct Part: Sendable {
        let dimension: TrendDimension
        let value: String
        let before: Share
        let after: Share
    }

    /// Those first that make up most more than they have of the results. With w the part's share of all results and r its rate a part's share of the change is
    /// w·r after less w·r before: parts that are no part of each other add up to the whole, whether one became worse or was only run more often (both
    /// components of a difference between rates: Kitagawa, J. Am. Statist. Assoc. 50, 1955).
    /// - Parameter isMore: whether more are bad after the change. Where the sums say otherwise, nothing is put down to anything.
    static func of(before: Share, after: Share, isMore: Bool, parts: [Part]) -> [TrendCause] {
        guard before.all > 0, after.all > 0 else { return [] }
        func of(_ count: (Share) -> Int64, _ part: Share, _ whole: Share) -> Double { Double(count(part)) / Double(whole.all) }
        let change = of(\.bad, after, after) - of(\.bad, before, before)
        guard isMore ? change > 0 : change < 0 else { return [] }
        let causes = parts.map { part in
            TrendCause(
                dimension: part.dimension, value: part.value,
                share: (of(\.bad, part.after, after) - of(\.bad, part.before, before)) / change,
                weight: (of(\.all, part.after, after) + of(\.all, part.before, before)) / 2)
        }
        return Array(causes.filter { $0.lead >= least }.sorted { ($1.lead, $0.value) < ($0.lead, $1.value) }.prefix(most))
    }

    /// What it makes up beyond its share of the results.
    private var lead: Double { share - weight }
}

extension Tally {
    /// Those that say something.
    var judged: Int64 { passed + failed + errored }
    var bad: Int64 { failed + errored }
}
