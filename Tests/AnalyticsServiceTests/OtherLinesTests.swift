import Foundation
import Primitives
import Testing

@testable import AnalyticsService

@Suite("failures on branches that nothing comes behind, and what passed elsewhere on their commits")
struct OtherLinesTests {
    /// One result of the test.
    private struct Run {
        var branch = "main"
        var environment = ""
        let commit: UInt64
        var passed = true
        let minute: Int64
        var isEnvironmental = false

        var at: Date { Date(timeIntervalSince1970: Double(minute) * 60) }
        var observation: TestObservation {
            TestObservation(at: at.milliseconds, order: UInt32(minute), commit: commit, passed: passed, isEnvironmental: isEnvironmental)
        }
    }

    /// Taken in by ingest, each by itself; what has no room is let go of.
    private func remembered(_ runs: [Run]) -> TestLines {
        runs.reduce(TestLines()) { known, run in
            var lines = TestLines(known.lines)
            lines.record([run.observation], branch: run.branch, environment: run.environment, at: run.at)
            _ = lines.trim(at: run.at)
            return lines
        }
    }

    private func each(_ commits: ClosedRange<UInt64>, _ run: (UInt64) -> Run) -> [Run] { commits.map(run) }

    /// Each commit runs once on a branch of its own, and five minutes later on the main one.
    private func mergeQueue(failing: Set<UInt64>, commits: ClosedRange<UInt64>) -> [Run] {
        commits.flatMap { commit in
            [
                Run(branch: "queue/\(commit)", commit: commit, passed: !failing.contains(commit), minute: Int64(commit) * 10),
                Run(commit: commit, minute: Int64(commit) * 10 + 5),
            ]
        }
    }

    private let failing: Set<UInt64> = [2, 3, 7, 11, 12, 18]

    @Test("a test that fails on branches of a merge queue and passes on the main one at the same commits is flaky; the second edition did not see it")
    func queue() {
        let lines = remembered(mergeQueue(failing: failing, commits: 1...20))
        let verdict = lines.verdict
        #expect(verdict.kind == .flaky && verdict.reasons.contains(.bothOutcomesOnOneCommit(commits: 6)), "\(verdict.reasons)")
        // Since the last of them the main branch has passed three times, not twenty.
        #expect(verdict.reasons.contains(.passesSince(first: 185 * 60_000, commit: 18, results: 3)), "\(verdict.reasons)")
        let before = StabilityVerdict(lines.ordered().map(\.state), model: .second)
        #expect(before.kind == .stable && before.reasons == [.neverFailed(results: 21)], "\(before.reasons)")
        // Read from where they are stored they say the same.
        let stored = lines.ordered().compactMap { StabilityState(bytes: $0.bytes, messages: $0.messages) }
        #expect(StabilityVerdict(stored) == verdict)
    }

    @Test("that is remembered when the main branch has long forgotten on which commits it passed, and let go of when it has stopped")
    func later() {
        let later = remembered(mergeQueue(failing: failing, commits: 1...50)).verdict
        #expect(later.kind == .flaky && later.reasons.contains(.bothOutcomesOnOneCommit(commits: 6)), "\(later.reasons)")
        let stopped = remembered(mergeQueue(failing: failing, commits: 1...320)).verdict
        #expect(stopped.kind == .stable && stopped.reasons.contains(.flakyBefore), "\(stopped.flakyChance) \(stopped.reasons)")
        // As many of those that are kept one by one.
        #expect(stopped.reasons.contains { if case .passesSince(_, _, let results) = $0 { results == StabilityState.looseLimit } else { false } })
    }

    @Test("in whichever order results arrive, the same is remembered and told", arguments: 1...20 as ClosedRange<UInt64>)
    func order(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var runs = mergeQueue(failing: [2, 5, 6], commits: 1...8)
        // One whose commit passed before it failed, and one of a commit of its own.
        runs += [
            Run(branch: "release", commit: 4, passed: false, minute: 46), Run(branch: "topic", commit: 100, passed: false, minute: 47),
            Run(branch: "queue/5", commit: 5, passed: false, minute: 51),
            Run(branch: "queue/6", environment: "arm", commit: 6, passed: false, minute: 61),
        ]
        func all(_ runs: [Run]) -> [TestLine] {
            var lines = TestLines()
            for run in runs { lines.record([run.observation], branch: run.branch, environment: run.environment, at: run.at) }
            return lines.ordered()
        }
        let expected = all(runs)
        #expect(Set(expected.filter(\.state.hasEndedElsewhere).map(\.branch)) == ["queue/2", "queue/5", "queue/6", "release"])
        #expect(StabilityVerdict(expected.map(\.state)).reasons.contains(.bothOutcomesOnOneCommit(commits: 4)))
        for _ in 0..<20 { #expect(all(runs.shuffled(using: &random)) == expected) }
    }

    @Test("a failure that comes after the pass on its commit counts as one that comes before it, once something has passed since")
    func late() {
        let before = each(1...5) { Run(commit: $0, minute: Int64($0) * 10) }
        let (failure, pass) = (Run(branch: "queue/6", commit: 6, passed: false, minute: 60), Run(commit: 6, minute: 65))
        let (first, second) = (remembered(before + [failure, pass]), remembered(before + [pass, failure]))
        #expect(first.ordered() == second.ordered() && first.verdict == second.verdict && first.verdict.kind == .flaky)
        // It ran after the main branch had passed: until that passes again it may be broken for everybody.
        let release = Run(branch: "release", commit: 6, passed: false, minute: 70)
        let alone = remembered(before + [pass, release]).verdict
        #expect(alone.kind == .stable && alone.reasons == [.failedElsewhere(failures: 1, of: 7)])
        #expect(remembered(before + [pass, release, Run(commit: 7, minute: 75)]).verdict.kind == .flaky)
    }

    @Test("what has ended on another line stays so when it fails on the same commit again, however late that is, and whenever it is told")
    func again() {
        let queue = mergeQueue(failing: failing, commits: 1...50)
        let (further, next) = (Run(branch: "queue/18", commit: 18, passed: false, minute: 600), Run(commit: 51, minute: 605))
        // The main branch no longer knows that it passed there.
        let verdict = remembered(queue + [further]).verdict
        #expect(verdict.kind == .flaky && verdict.mixed == 6, "\(verdict.flakyChance) \(verdict.reasons)")
        let early = queue.flatMap { $0.branch == "queue/18" ? [$0, further] : [$0] }
        #expect(remembered(queue + [further, next]).ordered() == remembered(early + [next]).ordered())

        let main = each(1...5) { Run(commit: $0, minute: Int64($0) * 10) }
        let (first, pass) = (Run(branch: "queue/6", commit: 6, passed: false, minute: 60), Run(commit: 6, minute: 65))
        let second = Run(branch: "queue/6", commit: 6, passed: false, minute: 70)
        let orders = [[first, pass, second], [first, second, pass], [second, pass, first], [pass, second, first]]
        let known = orders.map { remembered(main + $0).ordered() }
        #expect(known.allSatisfy { $0 == known[0] } && known[0].filter(\.state.hasEndedElsewhere).map(\.branch) == ["queue/6"])
    }

    @Test("nor is it forgotten when nobody knows any more since when it has failed on that commit")
    func forgotten() {
        let main = each(1...30) { Run(commit: $0, minute: Int64($0) * 10 + 5) }
        let topic = each(17...18) { Run(branch: "topic", commit: $0, passed: false, minute: Int64($0) * 10 + 1) }
        let further = each(1...20) { Run(branch: "topic", commit: 18, passed: false, minute: 600 + Int64($0)) }
        let lines = remembered((main + topic).sorted { $0.minute < $1.minute } + further)
        #expect(lines.ordered().filter(\.state.hasEndedElsewhere).map(\.branch) == ["topic"])
    }

    @Test("what fails on commits of its own says nothing, and nobody says that the test has never failed")
    func ownCommits() {
        let main = each(1...20) { Run(commit: $0, minute: Int64($0) * 10) }
        let work = each(1...6) { Run(branch: "pull/\($0)", commit: 100 + $0, passed: false, minute: Int64($0) * 10 + 5) }
        let verdict = remembered(main + work).verdict
        #expect(verdict.kind == .stable && verdict.reasons == [.failedElsewhere(failures: 6, of: 26)])
        #expect(
            verdict.reasons.map(\.description) == [
                "6 of 26 results failed, only on other branches or in other environments, where it has not passed since."
            ])
        #expect(remembered(main).verdict.reasons == [.neverFailed(results: 20)])
        // The verdict on a branch that fails is what it was.
        let lines = remembered(main + work).ordered(first: (branch: "pull/6", environment: "")).map(\.state)
        let (now, before) = (StabilityVerdict(lines), StabilityVerdict(lines, model: .second))
        #expect(now.kind == before.kind && now.flakyChance == before.flakyChance && now.reasons == before.reasons)
    }

    @Test("nor does what fails in another environment, or is the environment's")
    func environments() {
        let main = each(1...20) { Run(environment: "linux", commit: $0, minute: Int64($0) * 10) }
        let windows = failing.sorted().map { commit in
            Run(branch: "queue/\(commit)", environment: "windows", commit: commit, passed: false, minute: Int64(commit) * 10 - 5)
        }
        let verdict = remembered(main + windows).verdict
        #expect(verdict.kind == .stable && verdict.reasons == [.failedElsewhere(failures: 6, of: 26)])
        let excused = mergeQueue(failing: failing, commits: 1...20).map { run in
            var run = run
            run.isEnvironmental = !run.passed
            return run
        }
        let other = remembered(excused).verdict
        #expect(other.kind == .stable && other.reasons == [.neverFailed(results: 21)], "\(other.reasons)")
    }

    @Test("a regression stays one: neither branches that begin at a good commit, nor passes elsewhere on what fails on the main one, make it flaky")
    func regressions() {
        let good = each(1...10) { Run(commit: $0, minute: Int64($0) * 10) }
        let broken = each(11...16) { Run(commit: $0, passed: false, minute: Int64($0) * 10 + 5) }
        // Something outside has broken it, on a commit on which it passed, too.
        let begun = each(1...5) { Run(branch: "topic/\($0)", commit: 10, passed: false, minute: 110 + Int64($0)) }
        let outside = remembered(good + begun + broken).verdict
        #expect(outside.kind == .regressed && outside.mixed == nil, "\(outside.flakyChance) \(outside.reasons)")
        let queue = each(11...17) { Run(branch: "queue", commit: $0, minute: Int64($0) * 10) }
        let here = remembered(good + (queue + broken).sorted { $0.minute < $1.minute }).verdict
        #expect(here.kind == .regressed && here.mixed == 1, "\(here.flakyChance) \(here.reasons)")
    }

    @Test("what an earlier release remembered is looked at with the next result, and its receipt replays by its own edition until then")
    func earlier() throws {
        func line(_ branch: String, _ runs: [Run]) -> TestLine {
            var line = TestLine(branch: branch, environment: "")
            line.state = StabilityState(runs.map(\.observation))
            line.results = Int64(runs.count)
            line.lastAt = runs.last?.at ?? .distantPast
            return line
        }
        let main = each(1...10) { Run(commit: $0, minute: Int64($0) * 10 + 5) }
        let known = TestLines([
            line("main", main), line("queue/9", [Run(branch: "queue/9", commit: 9, passed: false, minute: 90)]),
        ])
        let receipt = StabilityReceipt(known.ordered(), by: .second)
        #expect(receipt.stability.kind == .stable && receipt.model == 2)
        #expect(try StabilityReplay(receipt, known.ordered()).agrees)
        var next = TestLines(known.lines)
        let run = Run(commit: 11, minute: 115)
        next.record([run.observation], branch: run.branch, environment: run.environment, at: run.at)
        let changed = next.trim(at: run.at).changed
        #expect(changed.map(\.branch) == ["main", "queue/9"])
        #expect(next.receipt.stability.kind == .flaky && next.receipt.model == 3)
        #expect(try StabilityReplay(next.receipt, next.ordered()).agrees)
    }

    @Test("a failure that is put down to the environment takes its end with it, and gets it back")
    func excused() {
        let (test, result, at) = (IllEnvironment.TestID.new(), ID<AnalyticsService.Result>.new(), Date(timeIntervalSince1970: 3_600))
        let fact = Fact(result: result, test: test, suiteName: "s", className: "c", name: "n", outcome: .failed, duration: nil)
        var lines = TestLines()
        lines.record(fact.observations(at: at, commit: "c1"), branch: "queue/1", environment: "", at: at)
        for number in 1...5 {
            let run = Run(commit: StableHash.of("c\(number)"), minute: 60 + Int64(number))
            lines.record([run.observation], branch: "main", environment: "", at: run.at)
        }
        let before = lines.verdict
        #expect(before.kind == .flaky)
        let failure = PlacedFailure(
            result: result, test: test, place: PlacedRun.Place(run: .new(), host: "ill", zone: ""), group: 0, branch: "queue/1", environment: "",
            commit: "c1", startedAt: at, failedTries: 0)
        lines.excuse(failure)
        #expect(lines.verdict.kind == .stable && lines.verdict.reasons == [.neverFailed(results: 5)])
        lines.readmit(failure)
        #expect(lines.verdict == before)
    }

    @Test("a pass of the run that is asked about ends nothing on another branch")
    func ownPass() {
        let (test, at) = (IllEnvironment.TestID.new(), Date(timeIntervalSince1970: 90 * 60))
        let own = FailureEvidence.OwnResult(
            result: .new(), test: test, branch: "main", environment: "", commit: "c9", startedAt: at, outcome: .passed, failedTries: 0)
        let failure = Run(branch: "queue/9", commit: StableHash.of("c9"), passed: false, minute: 80)
        var lines = remembered(each(1...5) { Run(commit: $0, minute: Int64($0) * 10) } + [failure])
        let before = lines.verdict
        lines.record(own.observations, branch: own.branch, environment: own.environment, at: at)
        #expect(before.kind == .stable && lines.verdict.kind == .flaky)
        lines.leaveOut(own, isExcused: false)
        #expect(lines.verdict.kind == before.kind && lines.verdict.reasons == before.reasons)
    }
}

extension StabilityVerdict {
    /// Commits that are said to have both outcomes.
    fileprivate var mixed: Int? {
        reasons.compactMap { if case .bothOutcomesOnOneCommit(let commits) = $0 { commits } else { nil } }.first
    }
}
