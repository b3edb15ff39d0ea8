import Primitives

/// Where a test turned, as others tell it: what is looked at to say since when it fails. Kept in receipts as JSON: a member that is added must be
/// optional.
struct KnownTurn: Codable, Equatable, Sendable {
    /// Tests of a run of which it is kept: as many as are asked for at once, so a run in which all fails waits no longer than others.
    static let mostKept = 50

    /// `nil` where no pass is known: then the test has been good in the baseline's run.
    var lastPass: RegressionPoint?
    /// `nil` where none is known, which is the run itself then: its own facts may be on their way still, and those of untrusted runs never come.
    var firstFailure: RegressionPoint?
    /// Commits of the branch's runs after the one, up to the other, oldest first.
    var seen: [String] = []
}

/// Since when a test fails, and the commits that may be why. Kept in receipts as JSON.
struct RegressionOrigin: Codable, Equatable, Sendable {
    let lastGood: RegressionPoint
    let firstBad: RegressionPoint
    let suspects: [String]

    /// - Parameters:
    ///   - run: in which the test fails.
    ///   - baseline: the baseline's run.
    init(_ turn: KnownTurn, in run: RegressionPoint, since baseline: RegressionPoint) {
        lastGood = turn.lastPass ?? baseline
        firstBad = turn.firstFailure ?? run
        suspects = Suspects(seen: turn.seen, good: lastGood.commit, bad: firstBad.commit).commits
    }

    /// When its runs began does not count: of the baseline's run that is known here, and not there.
    func isSame(as other: RegressionOrigin) -> Bool {
        lastGood.run == other.lastGood.run && firstBad.run == other.firstBad.run && suspects == other.suspects
    }
}
