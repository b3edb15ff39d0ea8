import AnalyticsService

/// What the drawn runs are told to be runs of.
enum FlakySetting: String, CaseIterable {
    case oneCommit = "one_commit"
    case commitsUntold = "commits_untold"
    /// A new commit every one to eight runs.
    case someCommits = "some_commits"
    case commitEachRun = "commit_each_run"
    /// Real changes mixed into the tests that never fail.
    case someCommitsWithChanges = "some_commits_with_changes"
    case oneCommitWithChanges = "one_commit_with_changes"
    case commitsUntoldWithChanges = "commits_untold_with_changes"
    case commitEachRunWithChanges = "commit_each_run_with_changes"

    var isGoal: Bool { self == .oneCommit || self == .someCommits || self == .someCommitsWithChanges }

    var mixesChanges: Bool { rawValue.hasSuffix("with_changes") }

    /// The commit of each run.
    func schedule(runs: Int, using random: inout SeededGenerator) -> [UInt64] {
        switch self {
        case .oneCommit, .oneCommitWithChanges: return [UInt64](repeating: 1, count: runs)
        case .commitsUntold, .commitsUntoldWithChanges: return [UInt64](repeating: 0, count: runs)
        case .commitEachRun, .commitEachRunWithChanges: return (0..<runs).map { UInt64($0 + 1) }
        case .someCommits, .someCommitsWithChanges:
            var commits: [UInt64] = []
            while commits.count < runs {
                commits += [UInt64](repeating: UInt64(commits.count + 1), count: Int.random(in: 1...8, using: &random))
            }
            return Array(commits.prefix(runs))
        }
    }
}

/// Something that really happened to a test: the runs of `failing` fail.
struct FlakyChange {
    enum Kind: String, CaseIterable {
        /// From a commit on.
        case regressed
        /// From some run on, whatever its commit.
        case regressedWithinCommit = "regressed_within_commit"
        /// Until a commit.
        case mended
        /// From one commit until another, at least two commits.
        case brokenForCommits = "broken_for_commits"
        /// By one commit, mended by the next.
        case brokenForOneCommit = "broken_for_one_commit"
        /// For four to twelve runs, whatever their commits.
        case brokenForRuns = "broken_for_runs"
    }

    let kind: Kind
    let failing: Range<Int>

    /// Of a hundred tests, two of each kind that the commits allow.
    static func some(commits: [UInt64], using random: inout SeededGenerator) -> FlakyChange? {
        let pick = Int.random(in: 0..<100, using: &random)
        guard pick < 2 * Kind.allCases.count else { return nil }
        let kind = Kind.allCases[pick / 2]
        // Where they are not told there are commits still.
        let begins = commits.indices.dropFirst().filter { commits[$0] == 0 ? $0 % 4 == 0 : commits[$0] != commits[$0 - 1] }
        switch kind {
        case .regressedWithinCommit: return FlakyChange(kind: kind, failing: Int.random(in: 1..<commits.count, using: &random)..<commits.count)
        case .brokenForRuns:
            let length = Int.random(in: 4...12, using: &random)
            let first = Int.random(in: 1..<commits.count - length, using: &random)
            return FlakyChange(kind: kind, failing: first..<first + length)
        default: break
        }
        guard begins.count >= 4 else { return nil }
        switch kind {
        case .regressed, .regressedWithinCommit, .brokenForRuns:
            return FlakyChange(kind: kind, failing: begins.randomElement(using: &random)!..<commits.count)
        case .mended: return FlakyChange(kind: kind, failing: 0..<begins.randomElement(using: &random)!)
        case .brokenForCommits:
            let first = Int.random(in: 0..<begins.count - 2, using: &random)
            let last = Int.random(in: first + 2...min(first + 6, begins.count - 1), using: &random)
            return FlakyChange(kind: kind, failing: begins[first]..<begins[last])
        case .brokenForOneCommit:
            let first = Int.random(in: 0..<begins.count - 1, using: &random)
            return FlakyChange(kind: kind, failing: begins[first]..<begins[first + 1])
        }
    }

    func apply(to draw: inout [Bool]) {
        for run in failing { draw[run] = false }
    }

    func isTold(by kind: StabilityVerdict.Kind) -> Bool {
        switch self.kind {
        case .regressed, .regressedWithinCommit: kind == .regressed
        case .mended, .brokenForCommits, .brokenForOneCommit, .brokenForRuns: kind == .stable
        }
    }
}

/// How often what was said is right.
struct FlakyScore {
    private(set) var shown = 0
    private(set) var hits = 0
    private(set) var called = 0
    private(set) var calledRightly = 0
    private(set) var broken = 0
    private(set) var brokenCalledFlaky = 0
    private(set) var projects: [String: (shown: Int, hits: Int)] = [:]
    private(set) var changes: [String: (all: Int, right: Int)] = [:]

    var precision: Double { called == 0 ? 1 : Double(calledRightly) / Double(called) }
    var found: Double { shown == 0 ? 1 : Double(hits) / Double(shown) }

    /// Of those with at least ten to find.
    var worstProject: (name: String, found: Double)? {
        projects.filter { $0.value.shown >= 10 }.map { (name: $0.key, found: Double($0.value.hits) / Double($0.value.shown)) }
            .min { ($0.found, $0.name) < ($1.found, $1.name) }
    }

    mutating func count(_ verdict: StabilityVerdict, of row: FlakyBenchmark.Row, shown isShown: Bool, change: FlakyChange?) {
        let isCalled = verdict.kind == .flaky
        if isCalled { called += 1 }
        if isCalled, row.isFlaky { calledRightly += 1 }
        if isShown {
            shown += 1
            hits += isCalled ? 1 : 0
            projects[row.project, default: (0, 0)].shown += 1
            projects[row.project, default: (0, 0)].hits += isCalled ? 1 : 0
        }
        if row.passes == 0 {
            broken += 1
            brokenCalledFlaky += isCalled ? 1 : 0
        }
        if let change {
            changes[change.kind.rawValue, default: (0, 0)].all += 1
            changes[change.kind.rawValue, default: (0, 0)].right += change.isTold(by: verdict.kind) ? 1 : 0
        }
    }
}

/// What is said of a test that fails once in a while on one commit, with messages that are alike or not.
enum RareFailures {
    static var chances: [(String, Double)] {
        [
            ("1_of_100", chance(runs: 100, failing: [57], alike: true)),
            ("1_of_1000", chance(runs: 1000, failing: [557], alike: true)),
            ("1_of_10000", chance(runs: 10_000, failing: [5557], alike: true)),
            ("2_of_200_alike", chance(runs: 200, failing: [57, 143], alike: true)),
            ("2_of_200_unlike", chance(runs: 200, failing: [57, 143], alike: false)),
            ("5_of_500_alike", chance(runs: 500, failing: [57, 143, 240, 390, 451], alike: true)),
            ("5_of_500_unlike", chance(runs: 500, failing: [57, 143, 240, 390, 451], alike: false)),
            ("5_of_500_in_a_row", chance(runs: 500, failing: [301, 302, 303, 304, 305], alike: true)),
        ]
    }

    private static func chance(runs: Int, failing: Set<Int>, alike: Bool) -> Double {
        var state = StabilityState()
        for run in 0..<runs {
            let fails = failing.contains(run)
            state.record(
                TestObservation(
                    at: Int64(run), order: UInt64(run), commit: 1, passed: !fails, fingerprint: fails ? (alike ? 7 : UInt64(run) + 1) : 0))
        }
        return StabilityVerdict([state]).flakyChance
    }
}
