import Foundation
import Primitives
import Testing

@testable import AnalyticsService

@Suite struct EnvironmentSearchTests {
    /// Twenty runs on four hosts in two zones, one each quarter of an hour, `commitLength` of each commit; a hundred results each.
    private static func runs(commitLength: Int = 10) -> [EnvironmentWindow.Run] {
        (0..<20).map { (run: Int) -> EnvironmentWindow.Run in
            EnvironmentWindow.Run(
                run: UInt64(run + 1), commit: UInt64(run / commitLength + 1), host: UInt64(run % 4 + 1), zone: UInt64(run % 2 + 1),
                at: Int64(run) * 900_000, results: 100)
        }
    }

    private static func failure(run: Int, test: Int, group: Int? = nil) -> EnvironmentWindow.Failure {
        EnvironmentWindow.Failure(
            run: run, test: UInt64(test + 1), group: UInt64(group ?? test / 2 + 1), order: UInt32(run * 1000 + test))
    }

    /// Each test that failed ran in each run, and passed where it did not fail.
    private static func window(_ runs: [EnvironmentWindow.Run], _ failures: [EnvironmentWindow.Failure]) -> EnvironmentWindow {
        let failing = Dictionary(grouping: failures, by: \.test).mapValues { Set($0.map(\.run)) }
        let executions = failing.flatMap { test, failed in
            runs.enumerated().map { index, run in
                EnvironmentWindow.Execution(
                    test: test, run: run.run, commit: run.commit, branch: 1, environment: 1, at: run.at, passed: !failed.contains(index))
            }
        }
        return EnvironmentWindow(runs: runs, failures: failures, executions: executions)
    }

    @Test("unrelated tests that fail on one host are put down to it, and nothing else is")
    func host() {
        // On host 3 ten tests of five classes fail in each run; a flaky one fails here and there, a broken one everywhere.
        var failures: [EnvironmentWindow.Failure] = []
        for run in 0..<20 {
            if run % 4 == 2 { failures += (0..<10).map { Self.failure(run: run, test: $0) } }
            if run % 7 == 3 { failures.append(Self.failure(run: run, test: 50)) }
            failures.append(Self.failure(run: run, test: 60))
        }
        let window = Self.window(Self.runs(), failures)
        let causes = EnvironmentSearch.causes(in: window)
        #expect(causes.map(\.place) == [.host(3)])
        #expect(causes[0].tests == 10)
        #expect(causes[0].chance < EnvironmentMethod.current.error && causes[0].numbers.contrast == .sameCommit)
        #expect(causes[0].failures.allSatisfy { window.failures[$0].test <= 10 })
        #expect(causes[0].failures.count == 50)
    }

    @Test("an hour in which unrelated tests failed on all hosts is named as the hour")
    func hour() {
        // Runs 8 to 11 are of one hour.
        let failures = (8...11).flatMap { run in (0..<30).map { Self.failure(run: run, test: $0) } }
        let causes = EnvironmentSearch.causes(in: Self.window(Self.runs(commitLength: 20), failures))
        #expect(causes.map(\.place) == [.hour(2)])
        #expect(causes[0].failures.count == failures.count)
    }

    @Test("a zone is named when both of its hosts are ill")
    func zone() {
        let failures = stride(from: 0, to: 20, by: 2).flatMap { run in (0..<40).map { Self.failure(run: run, test: $0) } }
        #expect(EnvironmentSearch.causes(in: Self.window(Self.runs(), failures)).map(\.place) == [.zone(1)])
    }

    @Test("one run in which many unrelated tests fail, while others of its commit pass, is the environment's")
    func once() {
        let failures = (0..<40).map { Self.failure(run: 5, test: $0) }
        let causes = EnvironmentSearch.causes(in: Self.window(Self.runs(), failures))
        #expect(causes.map(\.failures.count) == [40])
    }

    @Test("a commit that breaks many tests is not the environment, wherever its runs took place")
    func regression() {
        // The second commit breaks forty tests in each of its runs.
        let failures = (10..<20).flatMap { run in (0..<40).map { Self.failure(run: run, test: $0) } }
        #expect(EnvironmentSearch.causes(in: Self.window(Self.runs(), failures)).isEmpty)
        // Also when each commit was run once, on a host of its own.
        let once = (0..<40).map { Self.failure(run: 5, test: $0) }
        #expect(EnvironmentSearch.causes(in: Self.window(Self.runs(commitLength: 1), once)).isEmpty)
    }

    @Test("tests of one class that fail together have a reason of their own")
    func related() {
        let failures = stride(from: 2, to: 20, by: 4).flatMap { run in (0..<10).map { Self.failure(run: run, test: $0, group: 1) } }
        #expect(EnvironmentSearch.causes(in: Self.window(Self.runs(), failures)).isEmpty)
    }

    @Test("failures by chance are put down to a place in at most one of a hundred windows")
    func chance() {
        var random = SplitMix(seed: 11)
        let windows = (0..<300).map { _ in
            let failures = (0..<20).flatMap { run in
                (0..<100).compactMap { Double.random(in: 0..<1, using: &random) < 0.02 ? Self.failure(run: run, test: $0) : nil }
            }
            return Self.window(Self.runs(), failures)
        }
        #expect(windows.count { !EnvironmentSearch.causes(in: $0).isEmpty } <= 3)
    }

    @Test("the order of failures changes nothing")
    func order() {
        var random = SplitMix(seed: 2)
        let failures = stride(from: 2, to: 20, by: 4).flatMap { run in (0..<10).map { Self.failure(run: run, test: $0) } }
        let causes = EnvironmentSearch.causes(in: Self.window(Self.runs(), failures))
        let shuffled = EnvironmentSearch.causes(in: Self.window(Self.runs(), failures.shuffled(using: &random)))
        #expect(causes.map(\.place) == shuffled.map(\.place))
        #expect(causes.map(\.chance) == shuffled.map(\.chance))
        #expect(causes.map(\.failures.count) == shuffled.map(\.failures.count))
    }

    @Test("what was put down to the environment leaves the tests alone")
    func excused() {
        // Five hosts' worth of passes on one commit, and one run on which forty tests failed once each.
        let failures = (0..<40).map { Self.failure(run: 5, test: $0) }
        let window = Self.window(Self.runs(), failures)
        var states = (0..<40).map { test in
            StabilityState(
                window.runs.indices.map {
                    TestObservation(at: window.runs[$0].at, order: UInt32($0 * 1000 + test), commit: window.runs[$0].commit, passed: $0 != 5)
                })
        }
        #expect(states.allSatisfy { StabilityVerdict([$0]).kind == .flaky })
        for cause in EnvironmentSearch.causes(in: window) {
            for index in cause.failures {
                let failure = window.failures[index]
                states[Int(failure.test) - 1].excuse(at: window.runs[failure.run].at, order: failure.order)
            }
        }
        // For as long as it is fresh; older it is not worth a word.
        #expect(states.allSatisfy { [.environment, .stable].contains(StabilityVerdict([$0]).kind) && $0.environmentFailures == 1 })
    }
}
