import ArgumentParser

/// What the drawn runs are told to be runs of.
enum FlakySetting: String, CaseIterable, ExpressibleByArgument {
    case oneCommit = "one_commit"
    /// A new commit every one to eight runs.
    case someCommits = "some_commits"
    /// Real changes mixed into the tests that never fail.
    case someCommitsWithChanges = "some_commits_with_changes"

    var mixesChanges: Bool { rawValue.hasSuffix("with_changes") }

    /// The commit of each run.
    func schedule(runs: Int, using random: inout SeededRandom) -> [UInt64] {
        switch self {
        case .oneCommit: return [UInt64](repeating: 1, count: runs)
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
    static func some(commits: [UInt64], using random: inout SeededRandom) -> FlakyChange? {
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

    /// What is to be said of the test at the end.
    var expected: String {
        switch kind {
        case .regressed, .regressedWithinCommit: "REGRESSED"
        case .mended, .brokenForCommits, .brokenForOneCommit, .brokenForRuns: "STABLE"
        }
    }
}
