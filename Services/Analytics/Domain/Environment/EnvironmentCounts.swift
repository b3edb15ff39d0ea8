import Foundation
import Primitives

/// How many failed results incidents take from the days of a project and from its parts, or give back. Such results say nothing of the tests either way.
struct EnvironmentCounts: Sendable {
    /// What is added to one part's; below 0 where more was given back.
    struct Change: Sendable, Equatable {
        var failures: Int64 = 0
        /// Of the whole project: those of them that are counted under the tags of their runs as well.
        var tagged: Int64 = 0
    }

    private(set) var changes: [RollupKey: Change] = [:]

    /// - Parameters:
    ///   - suites: of the failures, as rollups counted them, as far as they are known.
    ///   - tags: of the failures, as rollups know them, as far as they are known; a failure without any is in no part of the tags.
    init(taken: [PlacedFailure], given: [PlacedFailure], suites: [ID<Result>: String], tags: [ID<Result>: [String]]) {
        // What passed at last is no failure in any sum.
        for failure in taken where !failure.passed { add(1, failure, suite: suites[failure.result] ?? "", tags: tags[failure.result]) }
        for failure in given where !failure.passed { add(-1, failure, suite: suites[failure.result] ?? "", tags: tags[failure.result]) }
        changes = changes.filter { $0.value != Change() }
    }

    private mutating func add(_ number: Int64, _ failure: PlacedFailure, suite: String, tags: [String]?) {
        let day = failure.startedAt.day
        var parts: [(TrendDimension, String)] = [(.suite, suite), (.branch, failure.branch), (.environment, failure.environment)]
        for tag in tags ?? [] { parts.append((.tag, tag)) }
        for (dimension, value) in parts.filter({ !$0.1.isEmpty }) {
            changes[RollupKey(dimension: dimension, value: value, day: day), default: Change()].failures += number
        }
        let whole = RollupKey(dimension: .all, value: "", day: day)
        changes[whole, default: Change()].failures += number
        if tags != nil { changes[whole, default: Change()].tagged += number }
    }
}
