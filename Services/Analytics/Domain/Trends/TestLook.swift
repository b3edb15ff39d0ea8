import Foundation
import Primitives

/// One look at the newest executions of a test, on one branch or on any, and the changes of how long it takes that are found in them.
struct TestLook: Sendable {
    /// Executions that are looked at.
    static let mostExecutions = 500
    /// Tests of a project that are looked at when nobody asks: those that took most time on the last days that are over, so many of these.
    static let mostTests = 50
    static let days: Int32 = 7

    let test: ID<Test>
    /// Empty for any.
    let branch: String
    let timed: TimedExecutions
    /// Of the executions as text, which is kept with what is found in them.
    let input: String
    let inputHash: UInt64
    /// Oldest first; indices are places in `timed.executions`.
    let found: [ChangePoint]
    let edition: ChangeEdition
    let at: Date

    /// - Parameters:
    ///   - newest: newest first, some of its newest without a gap.
    ///   - now: before they were read.
    init(_ test: ID<Test>, branch: String = "", newest: [Execution], at now: Date, by edition: ChangeEdition = .current) {
        self.test = test
        self.branch = branch
        timed = TimedExecutions(newest)
        let series = timed.series
        input = series.text
        inputHash = StableHash.of(input)
        found = series.changes(by: edition)
        self.edition = edition
        at = now
    }

    var part: TrendPart { TrendPart(test, branch: branch) }

    var findings: [LevelFinding] {
        found.map { change in
            let first = timed.executions[change.index]
            return LevelFinding(
                figure: .duration, day: first.executedAt.day, before: change.before, after: change.after,
                start: LevelStart(result: first.result, executedAt: first.executedAt, commit: first.commit))
        }
    }

    /// One of an earlier day that is not kept is not kept from now on either: it would soon be dropped.
    var firstDay: String { (at - Double(TrendLength.limit) * 86_400).day }

    /// Where the new level of a kept change begins among the executions that are looked at: what has come late before it, or left at the end, moves it, but
    /// not in time.
    func place(of change: LevelChange) -> Int? {
        guard let start = change.start else { return nil }
        return timed.executions.firstIndex { ($0.executedAt, $0.result) >= (start.executedAt, start.result) } ?? timed.executions.count
    }

    /// - Parameter known: of the test and the branch.
    func matching(_ known: [LevelChange]) -> LevelMatching {
        let places = Dictionary(uniqueKeysWithValues: known.compactMap { change in place(of: change).map { (change.id, $0) } })
        return LevelMatching(found.count, known: known, within: edition.shortestLevel) { index, kept in
            let change = found[index]
            guard kept.figure == .duration, kept.rises == (change.after > change.before), let place = places[kept.id] else { return nil }
            return abs(place - change.index)
        }
    }

    /// In the older half: the executions that it was held against leave the ones that are looked at one by one, and no change is found at the edge of
    /// what is known.
    func hasSettled(_ change: LevelChange) -> Bool { place(of: change).map { 2 * $0 < timed.executions.count } ?? true }
}
