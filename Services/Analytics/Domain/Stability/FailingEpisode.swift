/// A failing stretch between what stood before and behind it.
package struct FailingEpisode: Sendable, Equatable {
    /// How the outcome changed at one side of the stretch.
    package enum Edge: Sendable, Equatable {
        /// Nothing is known before it.
        case beginning
        /// Nothing came behind it.
        case open
        /// The commits differ: the code may have changed the outcome.
        case betweenCommits
        /// The commit is the same: the code has not.
        case withinCommit
        /// At least one of the commits is unknown.
        case withoutCommit
        /// A further attempt within the same run passed.
        case retried
    }

    /// The edge that says most, for sums that keep no edges.
    package enum Setting: Sendable { case retried, withinCommit, betweenCommits, withoutCommit }

    package let count: UInt32
    package let commits: UInt32
    package let start: Edge
    package let end: Edge
    package let firstCommit: UInt64
    package let lastCommit: UInt64

    /// - Parameters:
    ///   - before: the commit of the result before it, 0 when unknown; `nil` when there was none.
    ///   - hasEndedElsewhere: nothing came behind it, and another line has passed on its last commit.
    init(_ stretch: Stretch, after before: UInt64?, before next: Stretch?, hasEndedElsewhere: Bool = false) {
        count = stretch.count
        commits = stretch.commits
        firstCommit = stretch.firstCommit
        lastCommit = stretch.lastCommit
        start = before.map { Self.edge($0, stretch.firstCommit) } ?? .beginning
        let unfollowed: Edge = hasEndedElsewhere ? .withinCommit : .open
        end = next.map { $0.beginsWithRetry ? .retried : Self.edge(stretch.lastCommit, $0.firstCommit) } ?? unfollowed
    }

    package var isMixed: Bool { start == .withinCommit || end == .withinCommit || end == .retried }

    /// It passed before or behind it without the code having been seen to change, and passed again.
    package var provesChance: Bool { end != .open && (isMixed || start == .withoutCommit || end == .withoutCommit) }

    package var setting: Setting {
        if end == .retried { return .retried }
        if isMixed { return .withinCommit }
        return start == .withoutCommit || end == .withoutCommit ? .withoutCommit : .betweenCommits
    }

    private static func edge(_ before: UInt64, _ after: UInt64) -> Edge {
        if before == 0 || after == 0 { return .withoutCommit }
        return before == after ? .withinCommit : .betweenCommits
    }
}
