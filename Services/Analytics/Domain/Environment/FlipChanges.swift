import Foundation
import Primitives

/// A failure that was taken from its test, or given back, beside what stands next to it: among the executions that count, and such as are moved with it.
struct MovedFailure: Sendable {
    let test: ID<Test>
    let at: Date
    let result: ID<Result>
    /// It counts no longer; else it counts again.
    let isExcused: Bool
    let before: Neighbours.End?
    let behind: Neighbours.End?
}

/// Changes of outcome that failures of an environment made up, or that come back with them. Each counts on the day of the later of its two executions, as it
/// does when facts come in, so that what was taken and is given back leaves what had been.
struct FlipChanges: Sendable {
    /// What one test has afterwards.
    struct OfTest: Sendable, Equatable {
        /// More, or fewer.
        var flips: Int64 = 0
        /// The newest execution is among those that moved.
        var isNewest = false
        /// Then, how the newest ended that counts; `nil` when none does any more.
        var lastPassed: Bool?
    }

    private(set) var tests: [ID<Test>: OfTest] = [:]
    /// By day: more, or fewer.
    private(set) var days: [String: Int64] = [:]

    init(_ moved: [MovedFailure]) {
        for (test, failures) in Dictionary(grouping: moved, by: \.test) {
            let known = Set(failures.map(\.result))
            var row: [MovedFailure] = []
            for failure in failures.sorted(by: { ($0.at, $0.result) < ($1.at, $1.result) }) {
                row.append(failure)
                // What moves side by side is held against what stands at both ends.
                if let behind = failure.behind, known.contains(behind.result) { continue }
                count(row, of: test)
                row = []
            }
        }
        days = days.filter { $0.value != 0 }
    }

    private mutating func count(_ row: [MovedFailure], of test: ID<Test>) {
        guard let first = row.first, let last = row.last else { return }
        func ends(_ counted: [MovedFailure]) -> [Neighbours.End] {
            let failed = counted.map { Neighbours.End(passed: false, at: $0.at, result: $0.result) }
            return [first.before].compactMap(\.self) + failed + [last.behind].compactMap(\.self)
        }
        let (old, new) = (ends(row.filter(\.isExcused)), ends(row.filter { !$0.isExcused }))
        add(old, -1, to: test)
        add(new, 1, to: test)
        guard last.behind == nil else { return }
        tests[test, default: OfTest()].isNewest = true
        tests[test, default: OfTest()].lastPassed = new.last?.passed
    }

    private mutating func add(_ ends: [Neighbours.End], _ number: Int64, to test: ID<Test>) {
        for (end, next) in zip(ends, ends.dropFirst()) where end.passed != next.passed {
            tests[test, default: OfTest()].flips += number
            days[next.at.day, default: 0] += number
        }
    }
}
