import Foundation
import Primitives

/// A run that others are held against, as Validation tells of it.
struct HeldAgainst: Sendable, Equatable {
    let id: String
    let number: Int64
    let branch: String
    let environment: String
    let run: ID<Run>
    let commit: String
    /// Its approval has been taken back since.
    var isWithdrawn = false

    var point: RegressionPoint { RegressionPoint(run: run, commit: commit, at: nil) }
}

/// How many tests differ from a baseline in which way. Kept in receipts as JSON.
struct RegressionCounts: Codable, Equatable, Sendable {
    /// Passed there, fail here.
    var regressed = 0
    /// Are not there, fail here.
    var added = 0
    /// Were skipped there, fail here.
    var unskipped = 0
    var stillFailing = 0
    var fixed = 0
    var removed = 0

    /// All that fail and did not.
    var all: Int { regressed + added + unskipped }
}

/// The newest finished run of a branch and environment, held against its baseline.
struct RegressionState: Sendable {
    let held: HeldAgainst
    /// `nil` when none has finished since.
    var run: Run?
    var counts = RegressionCounts()
    /// What the failures among `counts` are believed to be; `nil` where the run was not told, or not of this baseline.
    var assessed: AssessmentCounts?
}

/// Where a test last passed, or first failed.
struct RegressionPoint: Codable, Equatable, Sendable {
    let run: ID<Run>
    let commit: String
    let at: Date?
}

/// Commits after one run up to another, of which one may be why tests fail. Receipts are replayed by it.
struct Suspects: Equatable, Sendable {
    static let most = 20

    let commits: [String]

    /// - Parameters:
    ///   - seen: commits of runs after the last good one, up to the first bad one, oldest first.
    ///   - good: what passed is no suspect, unless there is no other: then it fails by chance, or by something outside.
    init(seen: [String], good: String, bad: String) {
        var commits: [String] = []
        for commit in seen where !commit.isEmpty && commit != good && commit != bad && !commits.contains(commit) { commits.append(commit) }
        if commits.count >= Self.most { commits.removeFirst(commits.count - Self.most + 1) }
        self.commits = bad.isEmpty ? commits : commits + [bad]
    }
}
