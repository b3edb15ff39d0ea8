import Foundation
import Primitives
import Testing

@testable import AnalyticsService

/// What a commit says of its places where its jobs are runs of their own.
@Suite struct CommitRunsTests {
    /// Runs of some tests, one a minute, which fail where they are told to; two tests of a class.
    private struct History {
        var runs: [EnvironmentWindow.Run] = []
        var failures: [EnvironmentWindow.Failure] = []
        var executions: [EnvironmentWindow.Execution] = []
        private var count = 0

        /// - Parameters:
        ///   - hosts: over which it is spread; what fails does on the first.
        ///   - results: of each host.
        mutating func run(
            _ tests: Range<Int>, on hosts: [Int], commit: Int, environment: Int = 1, results: Int? = nil, failing: Range<Int> = 0..<0
        ) {
            count += 1
            let (number, first) = (UInt64(count), runs.endIndex)
            for host in hosts {
                runs.append(
                    EnvironmentWindow.Run(
                        run: number, commit: UInt64(commit), host: UInt64(host), zone: 0, at: Int64(count) * 60_000,
                        results: results ?? tests.count))
            }
            for test in tests {
                executions.append(
                    EnvironmentWindow.Execution(
                        test: UInt64(test + 1), run: number, commit: UInt64(commit), branch: 1, environment: UInt64(environment),
                        at: Int64(count) * 60_000, passed: !failing.contains(test)))
            }
            failures += failing.map { test in
                EnvironmentWindow.Failure(
                    run: first, test: UInt64(test + 1), group: UInt64(test / 2 + 1), order: UInt32(count * 1000 + test))
            }
        }

        var window: EnvironmentWindow { EnvironmentWindow(runs: runs, failures: failures, executions: executions) }

        func places(by method: EnvironmentMethod = .current) -> [EnvironmentCause.Place] {
            EnvironmentSearch.causes(in: window, by: method).map(\.place)
        }
    }

    @Test("what a commit breaks in a job that only one host carries out is the code's, however much passed in another job")
    func jobs() {
        var history = History()
        for commit in 1...10 {
            history.run(100..<120, on: [1], commit: commit, results: 1_900)
            history.run(0..<20, on: [2], commit: commit, results: 100, failing: commit == 5 ? 0..<8 : 0..<0)
        }
        #expect(history.places().isEmpty)
        // Nobody asked for a pass before.
        #expect(!history.places(by: .second).isEmpty)
    }

    @Test("what a commit breaks on one system is the code's, whatever host carries that system out")
    func systems() {
        var history = History()
        for commit in 1...10 {
            history.run(0..<40, on: [1], commit: commit, environment: 1)
            history.run(0..<40, on: [2], commit: commit, environment: 2, failing: commit >= 5 ? 0..<30 : 0..<0)
        }
        #expect(history.places().isEmpty)
        #expect(!history.places(by: .second).isEmpty)
    }

    @Test("flaky tests of a job that was carried out again are no rarer for what passed in another job")
    func again() {
        var history = History()
        history.run(100..<120, on: [1], commit: 1, results: 1_900)
        history.run(0..<20, on: [2], commit: 1, results: 100, failing: 0..<8)
        history.run(0..<20, on: [3], commit: 1, results: 100)
        #expect(history.places().isEmpty)
        #expect(!history.places(by: .second).isEmpty)
    }

    @Test("a host on which a job fails that others carry out as well is found beside other jobs and systems")
    func host() throws {
        var history = History()
        for commit in 1...3 {
            history.run(100..<120, on: [1], commit: commit, results: 1_900)
            history.run(0..<20, on: [9], commit: commit, environment: 2)
            for host in 2...4 { history.run(0..<20, on: [host], commit: commit, failing: host == 2 ? 0..<10 : 0..<0) }
        }
        #expect(history.places() == [.host(2)])
        let cause = try #require(EnvironmentSearch.causes(in: history.window).first)
        #expect(cause.failures.count == 30 && cause.tests == 10 && cause.numbers.compared == 15 && cause.numbers.there == 15)
        #expect(abs(cause.numbers.expected - 5) < 1e-9)
    }

    @Test("of a run that is spread over hosts it is known where it was not")
    func spread() {
        var (apart, mixed) = (History(), History())
        for commit in 1...3 {
            apart.run(0..<20, on: [2, 3], commit: commit, failing: 0..<10)
            apart.run(0..<20, on: [4, 5], commit: commit)
            mixed.run(0..<20, on: [2, 3], commit: commit, failing: 0..<10)
            mixed.run(0..<20, on: [2, 3], commit: commit)
        }
        #expect(apart.places() == [.host(2)])
        #expect(mixed.places().isEmpty)
    }

    @Test("where the pass is not known any more nothing is counted")
    func unknown() {
        var history = History()
        for commit in 1...3 { for host in 1...3 { history.run(0..<20, on: [host], commit: commit, failing: host == 3 ? 0..<10 : 0..<0) } }
        #expect(history.places() == [.host(3)])
        history.executions.removeAll { $0.passed }
        #expect(history.places().isEmpty)
    }
}
