import Foundation

/// How often something was seen on each of some days, as a drawing and in words.
struct OccurrenceChart: Sendable {
    /// Class in site.css that colours the bars.
    let css: String
    let summary: String
    let first: String
    let last: String
    /// Ten units a day.
    let width: Int
    let bars: [Bar]

    /// A day that is drawn, `2026-03-01` in UTC; one on which nothing was seen is one as well.
    struct Day: Sendable {
        let name: String
        let count: Int64
        /// What was counted, `3 failures in 2 tests`.
        let words: String
    }

    struct Bar: Sendable {
        let x: Int
        let y: Double
        let height: Double
        let label: String
    }

    /// `nil` when nothing was seen in these days.
    /// - Parameters:
    ///   - days: oldest first.
    ///   - what: what is counted of each day, `Failures`.
    ///   - rest: what else is to be said of all of them.
    init?(_ days: [Day], of what: String, rest: String = "", css: String) {
        guard let most = days.map(\.count).max(), most > 0 else { return nil }
        self.css = css
        (first, last) = (days.first?.name ?? "", days.last?.name ?? "")
        bars = days.enumerated().map { index, day in
            let height = NumberText.coordinate(Double(day.count) / Double(most) * 96)
            return Bar(x: index * 10 + 1, y: NumberText.coordinate(100 - height), height: height, label: "\(day.name): \(day.words)")
        }
        width = days.count * 10
        summary = "\(what) of each of \(days.count) days, at most \(NumberText.grouped(most))\(rest)"
    }

    /// The name of the day that a time is in.
    static func day(_ time: Date) -> String { time.formatted(.iso8601.year().month().day()) }
}
