import AnalyticsService
import Foundation

/// Flaky tests told from broken, regressed and mended ones, on counts of passes and failures that somebody published: a table with the columns
/// `Project, Test, IsFlaky, NumFailingRuns, NumPassingRuns` (Alshammari et al., FlakeFlagger, ICSE 2021). Of each test some runs are drawn without
/// replacement, told one by one, and asked for. What can be found is what the drawn runs show: both outcomes of a test that has both.
///
/// Nothing is learnt from the data, so there is nothing to hold back; the worst project is printed beside the whole.
struct FlakyBenchmark {
    struct Row {
        let project: String
        let failures: Int
        let passes: Int
        var isFlaky: Bool { failures > 0 && passes > 0 }
    }

    let rows: [Row]
    let seed: UInt64

    init(folder: URL, seed: UInt64 = 1) throws {
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).filter { $0.pathExtension == "csv" }
        guard !files.isEmpty else { throw BenchFailure("\(folder.path) holds no .csv") }
        rows = try files.sorted { $0.path < $1.path }.flatMap { file in
            // Names of tests may hold commas: the numbers are read from the end.
            try String(contentsOf: file, encoding: .utf8).split(whereSeparator: \.isNewline).dropFirst().compactMap { line in
                let cells = line.split(separator: ",", omittingEmptySubsequences: false)
                guard cells.count >= 5, let failures = Int(cells[cells.count - 2]), let passes = Int(cells[cells.count - 1]) else { return nil }
                return Row(project: String(cells[0]), failures: failures, passes: passes)
            }
        }
        self.seed = seed
    }

    func print() {
        for runs in [100, 50, 20] {
            for setting in FlakySetting.allCases {
                let score = measure(setting, runs: runs)
                let name = "flaky.\(runs).\(setting.rawValue)"
                let isGoal = runs == 100 && setting.isGoal
                Figure("\(name).precision", score.precision, "", goal: isGoal ? "≥.98" : "").print()
                Figure("\(name).found", score.found, "of \(score.shown)", goal: isGoal ? "≥.95" : "").print()
                Figure("\(name).always_failing_called_flaky", Double(score.brokenCalledFlaky), "of \(score.broken)", goal: "0").print()
                if let worst = score.worstProject { Figure("\(name).found.worst_project", worst.found, worst.name, goal: "").print() }
                for (change, counts) in score.changes.sorted(by: { $0.key < $1.key }) {
                    Figure("\(name).\(change)", Double(counts.right) / Double(counts.all), "rightly told of \(counts.all)", goal: "").print()
                }
            }
        }
        for (name, value) in RareFailures.chances { Figure("flaky.rare.\(name)", value, "flaky", goal: "").print() }
        let speed = speed()
        Figure("flaky.record", speed.records, "results/s", goal: "").print()
        Figure("flaky.verdict", speed.verdicts, "1/s", goal: "").print()
        Figure("flaky.state.mean", speed.bytes, "B", goal: "").print()
        Figure("flaky.environment.largest_window", environmentMilliseconds(), "ms", goal: "").print()
    }

    func measure(_ setting: FlakySetting, runs: Int) -> FlakyScore {
        var random = SeededGenerator(seed: seed &+ UInt64(runs))
        var score = FlakyScore()
        let schedules = Dictionary(uniqueKeysWithValues: Set(rows.map(\.project)).sorted().map { ($0, setting.schedule(runs: runs, using: &random)) })
        for row in rows {
            let commits = schedules[row.project] ?? []
            var draw = row.draw(runs, using: &random)
            let change = row.failures == 0 && setting.mixesChanges ? FlakyChange.some(commits: commits, using: &random) : nil
            change?.apply(to: &draw)
            var state = StabilityState()
            for (run, passed) in draw.enumerated() {
                state.record(
                    TestObservation(at: Int64(run) * 3_600_000, order: UInt64(run), commit: commits[run], passed: passed))
            }
            score.count(StabilityVerdict([state]), of: row, shown: row.isFlaky && draw.contains(true) && draw.contains(false), change: change)
        }
        return score
    }

    /// Of tests that fail once in twenty runs, a new commit every five.
    private func speed() -> (records: Double, verdicts: Double, bytes: Double) {
        var random = SeededGenerator(seed: seed)
        let draws = (0..<1000).map { _ in (0..<100).map { _ in Double.random(in: 0..<1, using: &random) > 0.05 } }
        var states = [StabilityState](repeating: StabilityState(), count: draws.count)
        var start = ContinuousClock.now
        for run in 0..<100 {
            for test in draws.indices {
                states[test].record(TestObservation(at: Int64(run), order: UInt64(run), commit: UInt64(run / 5 + 1), passed: draws[test][run]))
            }
        }
        let records = Double(draws.count * 100) / ((ContinuousClock.now - start) / .seconds(1))
        start = .now
        let flaky = states.count { StabilityVerdict([$0]).kind == .flaky }
        let verdicts = Double(flaky > 0 ? states.count : 0) / ((ContinuousClock.now - start) / .seconds(1))
        return (records, verdicts, Double(states.reduce(0) { $0 + $1.bytes.count }) / Double(states.count))
    }
}

extension FlakyBenchmark {
    /// As many runs and failures as a window holds, on two hundred hosts, of which one is ill.
    private func environmentMilliseconds() -> Double {
        var random = SeededGenerator(seed: seed)
        let runs = (0..<EnvironmentWindow.runLimit).map { (run: Int) -> EnvironmentWindow.Run in
            EnvironmentWindow.Run(
                commit: UInt64(run / 50 + 1), host: UInt64(run % 200 + 1), zone: UInt64(run % 3 + 1), at: Int64(run) * 30_000, results: 2000)
        }
        let failures = (0..<EnvironmentWindow.failureLimit).map { (index: Int) -> EnvironmentWindow.Failure in
            let run = index % 4 == 0 ? Int.random(in: 0..<25, using: &random) * 200 : Int.random(in: 0..<runs.count, using: &random)
            let test = UInt64.random(in: 1...2000, using: &random)
            return EnvironmentWindow.Failure(run: run, test: test, group: test / 10 + 1, order: UInt64(index))
        }
        let window = EnvironmentWindow(runs: runs, failures: failures)
        let start = ContinuousClock.now
        let causes = EnvironmentSearch.causes(in: window)
        let time = (ContinuousClock.now - start) / .milliseconds(1)
        return causes.isEmpty ? .infinity : time
    }
}

extension FlakyBenchmark.Row {
    /// Whether each of `runs` drawn runs passed, without replacement.
    func draw(_ runs: Int, using random: inout SeededGenerator) -> [Bool] {
        var left = (failures: failures, all: failures + passes)
        return (0..<runs).map { _ in
            guard left.all > 0 else { return true }
            let fails = Int.random(in: 0..<left.all, using: &random) < left.failures
            left = (left.failures - (fails ? 1 : 0), left.all - 1)
            return !fails
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): the same numbers for a seed everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
