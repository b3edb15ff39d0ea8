import Foundation
import Primitives
import Testing

@testable import AnalyticsService

/// The environment where each commit is run once.
@Suite struct LoneFailuresTests {
    /// Runs of commits of their own in the order of time, four an hour; all tests run in each, two of a class, and fail where they are told to.
    private struct History {
        var tests = 40
        var runs: [EnvironmentWindow.Run] = []
        var failures: [EnvironmentWindow.Failure] = []
        var executions: [EnvironmentWindow.Execution] = []

        mutating func run(
            host: Int, zone: Int = 0, commit: Int? = nil, branch: Int = 1, minutes: Int? = nil, failing: Set<Int> = [], group: Int? = nil
        ) {
            let number = runs.count
            let at = Int64(minutes ?? number * 15) * 60_000
            let run = EnvironmentWindow.Run(
                run: UInt64(number + 1), commit: UInt64(commit ?? number + 1), host: UInt64(host), zone: UInt64(zone), at: at, results: tests)
            runs.append(run)
            for test in 0..<tests {
                let fails = failing.contains(test)
                executions.append(
                    EnvironmentWindow.Execution(
                        test: UInt64(test + 1), run: run.run, commit: run.commit, branch: UInt64(branch), environment: 0, at: at, passed: !fails))
                guard fails else { continue }
                failures.append(
                    EnvironmentWindow.Failure(
                        run: number, test: UInt64(test + 1), group: UInt64(group ?? test / 2 + 1), order: UInt32(number * 1000 + test)))
            }
        }

        var window: EnvironmentWindow { EnvironmentWindow(runs: runs, failures: failures, executions: executions) }
        var causes: [EnvironmentCause] { EnvironmentSearch.causes(in: window) }
    }

    /// Commits in turn on three hosts, of which the second is ill.
    private static func illHost(commits: Int = 30, _ failing: (_ number: Int) -> Set<Int> = { _ in [] }) -> History {
        var history = History()
        for number in 0..<commits { history.run(host: number % 3 + 1, failing: failing(number).union(number % 3 == 1 ? Set(0..<10) : [])) }
        return history
    }

    @Test("unrelated tests that fail on one host, and pass on others before and after, are put down to it; flaky and broken ones beside them are not")
    func host() {
        let history = Self.illHost { number in
            // A flaky test, and ten that are broken from one commit to another, whatever the host.
            let flaky: Set<Int> = number % 9 == 3 ? [20] : []
            let broken: Set<Int> = (12..<17).contains(number) ? Set(30..<40) : []
            return flaky.union(broken)
        }
        let causes = history.causes
        #expect(causes.map(\.place) == [.host(2)])
        #expect(causes[0].tests == 10 && causes[0].groups == 5 && causes[0].numbers.contrast == .otherCommits)
        #expect(causes[0].numbers.there == 10 && causes[0].numbers.compared == 10)
        #expect(causes[0].failures.count == 100 && causes[0].failures.allSatisfy { history.failures[$0].test <= 10 })
        #expect(EnvironmentSearch.causes(in: history.window, by: .second).isEmpty)
    }

    @Test("a host that fell ill is found from then on, also for commits that were run there twice or twice in a row")
    func since() {
        var history = History()
        for number in 0..<60 {
            let isIll = number % 3 == 1 && number > 20
            history.run(host: number % 3 + 1, failing: isIll ? Set(0..<10) : [])
            // The same commit again, and the next one, too.
            if number == 34 { history.run(host: 2, commit: history.runs.count, failing: Set(0..<10)) }
            if number == 43 { history.run(host: 2, failing: Set(0..<10)) }
        }
        let causes = history.causes
        #expect(causes.map(\.place) == [.host(2)])
        #expect(causes.first?.failures.count == history.failures.count)
    }

    @Test("a zone is named when all of its hosts are ill")
    func zone() {
        var history = History()
        for number in 0..<30 { history.run(host: number % 6 + 1, zone: number % 3 + 1, failing: number % 3 == 1 ? Set(0..<10) : []) }
        #expect(history.causes.map(\.place) == [.zone(2)])
        #expect(history.causes.first?.failures.count == 100)
    }

    @Test("an hour is named in which other tests failed on each commit; where the same did it may be a breakage that lasted as long")
    func hour() {
        var (ill, broken) = (History(), History())
        for number in 0..<48 {
            let isIll = (12..<16).contains(number)
            ill.run(host: number % 5 + 1, failing: isIll ? Set((number - 12) * 10..<(number - 11) * 10) : [])
            broken.run(host: number % 5 + 1, failing: isIll ? Set(0..<10) : [])
        }
        #expect(ill.causes.map(\.place) == [.hour(3)])
        #expect(ill.causes.first?.failures.count == 40)
        #expect(broken.causes.isEmpty)
    }

    @Test("what one commit breaks for all branches, each of which then has it for a commit, is no hour and no host")
    func branches() {
        var history = History()
        // Each branch is run before, in and after the hour, and no host serves longer than an hour.
        for hour in 0..<3 {
            for branch in 0..<8 {
                history.run(host: hour + 1, branch: branch + 1, minutes: hour * 60 + branch * 5, failing: hour == 1 ? Set(0..<10) : [])
            }
        }
        #expect(history.causes.isEmpty)
    }

    @Test("a commit that breaks many tests until the next one, or one some commits later, mends them is not the environment")
    func broken() {
        for length in 1...6 {
            var history = History()
            for number in 0..<30 { history.run(host: number % 3 + 1, failing: (10..<10 + length).contains(number) ? Set(0..<40) : []) }
            #expect(history.causes.isEmpty, "\(length) commits")
        }
        // Twice on the same host.
        var twice = History()
        for number in 0..<30 { twice.run(host: number % 3 + 1, failing: number == 4 || number == 19 ? Set(0..<40) : []) }
        #expect(twice.causes.isEmpty)
    }

    @Test("a single host, one test, one class and commits that nobody told prove nothing")
    func nothing() {
        var (alone, single, related, untold) = (History(), History(), History(), History())
        for number in 0..<30 {
            let isIll = number % 3 == 1
            alone.run(host: 1, failing: isIll ? Set(0..<10) : [])
            single.run(host: number % 3 + 1, failing: isIll ? [0] : [])
            related.run(host: number % 3 + 1, failing: isIll ? Set(0..<10) : [], group: 1)
            untold.run(host: number % 3 + 1, commit: 0, failing: isIll ? Set(0..<10) : [])
        }
        for history in [alone, single, related, untold] { #expect(history.causes.isEmpty) }
    }

    @Test("machines of which a branch has its own are not ill because that branch is broken and mended all the time")
    func apart() {
        var history = History()
        for number in 0..<150 {
            // Each third run is of a branch that has two machines of its own, and each second of its commits breaks something.
            let (isApart, commit) = (number % 3 == 2, number / 3)
            let failing: Set<Int> = !isApart || commit % 4 == 0 || commit % 4 == 3 ? [] : commit % 4 == 1 ? Set(0..<12) : Set(20..<32)
            history.run(host: isApart ? 8 + commit % 2 : number % 3 + 1, branch: isApart ? 2 : 1, failing: failing)
        }
        #expect(history.causes.isEmpty)
    }

    @Test("where many tests are flaky an ill host is told from what fails on each commit")
    func noisy() {
        var random = SplitMix(seed: 5)
        let history = Self.illHost(commits: 60) { number in
            let flaky = Set((20..<40).filter { _ in Double.random(in: 0..<1, using: &random) < 0.1 })
            return number % 3 == 1 ? flaky.union(10..<20) : flaky
        }
        #expect(history.causes.map(\.place) == [.host(2)])
    }

    @Test("in at most one of a hundred histories of flaky tests and breakages something is found")
    func chance() {
        var random = SplitMix(seed: 17)
        let found = (0..<300).count { _ in
            var history = History()
            var broken: [(until: Int, tests: Set<Int>)] = []
            for number in 0..<48 {
                if Int.random(in: 0..<6, using: &random) == 0 {
                    let count = Int.random(in: 1...20, using: &random)
                    let tests = Set((0..<40).shuffled(using: &random).prefix(count))
                    broken.append((number + Int.random(in: 0..<3, using: &random), tests))
                }
                var failing = Set((0..<40).filter { _ in Double.random(in: 0..<1, using: &random) < 0.02 })
                for breakage in broken where breakage.until >= number { failing.formUnion(breakage.tests) }
                history.run(host: Int.random(in: 1...4, using: &random), zone: Int.random(in: 1...2, using: &random), failing: failing)
            }
            return !history.causes.isEmpty
        }
        #expect(found <= 3)
    }

    @Test("the order of runs, failures and executions changes nothing")
    func order() {
        var random = SplitMix(seed: 3)
        let history = Self.illHost()
        let order = history.runs.indices.shuffled(using: &random)
        let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
        let shuffled = EnvironmentWindow(
            runs: order.map { history.runs[$0] },
            failures: history.failures.shuffled(using: &random).map {
                EnvironmentWindow.Failure(run: places[$0.run] ?? 0, test: $0.test, group: $0.group, order: $0.order)
            }, executions: history.executions.shuffled(using: &random))
        let (one, other) = (history.causes, EnvironmentSearch.causes(in: shuffled))
        #expect(one.map(\.place) == other.map(\.place) && one.map(\.numbers) == other.map(\.numbers))
        #expect(one.map(\.failures.count) == other.map(\.failures.count))
    }

    @Test("as many executions as are ever looked at are looked through within a minute")
    func largest() {
        var random = SplitMix(seed: 23)
        var history = History(tests: 1000)
        for number in 0..<200 {
            let failing = number % 4 == 1 ? Set(0..<200) : Set((0..<1000).filter { _ in Double.random(in: 0..<1, using: &random) < 0.05 })
            history.run(host: number % 4 + 1, failing: failing)
        }
        let began = ContinuousClock.now
        #expect(history.causes.map(\.place).contains(.host(2)))
        #expect(ContinuousClock.now - began < .seconds(60))
    }
}
