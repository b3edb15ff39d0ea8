import Foundation
import Primitives

/// How many failed results incidents take from the days of a project and from its parts, or give back. Such results say nothing of the tests either way.
struct EnvironmentCounts: Sendable {
    /// Below 0 where more were given back. Tags of runs are not kept with failures, so there are none of tags.
    private(set) var failures: [RollupKey: Int64] = [:]

    /// - Parameter suites: of the tests, as far as they are known.
    init(taken: [PlacedFailure], given: [PlacedFailure], suites: [ID<Test>: String]) {
        // What passed at last is no failure in any sum.
        for failure in taken where !failure.passed { add(1, failure, suite: suites[failure.test] ?? "") }
        for failure in given where !failure.passed { add(-1, failure, suite: suites[failure.test] ?? "") }
        failures = failures.filter { $0.value != 0 }
    }

    private mutating func add(_ number: Int64, _ failure: PlacedFailure, suite: String) {
        let day = failure.startedAt.day
        let parts: [(TrendDimension, String)] = [(.suite, suite), (.branch, failure.branch), (.environment, failure.environment)]
        for (dimension, value) in parts.filter({ !$0.1.isEmpty }) + [(.all, "")] {
            failures[RollupKey(dimension: dimension, value: String(value.prefix(RollupKey.mostCharacters)), day: day), default: 0] += number
        }
    }
}
