/// What is left of stretches that are too old to be kept: sums, halved when they have grown, so that a test is not held to its youth.
package struct PastEpisodes: Sendable, Equatable {
    /// Results remembered here, above which all sums are halved.
    static let limit: UInt32 = 4096
    /// A failing stretch that is longer than that many usual ones, and than as many results, was a breakage and no episode of a possible flake. A test that
    /// fails nine times out of ten has long episodes.
    static let longestEpisode: UInt32 = 4

    package internal(set) var passes: UInt32 = 0
    /// Failures within episodes.
    package internal(set) var failures: UInt32 = 0
    /// Episodes by how they stood to commits: see `FailingEpisode.Setting`.
    package internal(set) var retried: UInt32 = 0
    package internal(set) var withinCommit: UInt32 = 0
    package internal(set) var betweenCommits: UInt32 = 0
    package internal(set) var withoutCommit: UInt32 = 0
    /// Failing stretches too long to be an episode.
    package internal(set) var breakages: UInt32 = 0
    /// Commits that had both outcomes.
    package internal(set) var mixedCommits: UInt32 = 0

    /// Commit of the newest result in here, 0 when unknown; `nil` while there is none.
    package internal(set) var lastCommit: UInt64?

    var isEmpty: Bool { self == PastEpisodes() }

    /// - Parameter usual: how long its failing stretches mostly are.
    mutating func take(_ stretch: Stretch, episode: FailingEpisode?, usual: UInt32) {
        lastCommit = stretch.lastCommit
        guard let episode else {
            passes = passes.plus(stretch.count)
            return halve()
        }
        if episode.isMixed { mixedCommits = mixedCommits.plus(1) }
        if episode.count / Self.longestEpisode >= max(1, usual), episode.count > Self.longestEpisode {
            breakages = breakages.plus(1)
        } else {
            failures = failures.plus(episode.count)
            switch episode.setting {
            case .retried: retried = retried.plus(1)
            case .withinCommit: withinCommit = withinCommit.plus(1)
            case .betweenCommits: betweenCommits = betweenCommits.plus(1)
            case .withoutCommit: withoutCommit = withoutCommit.plus(1)
            }
        }
        halve()
    }

    /// One that comes so late that nobody knows any more what stood next to it.
    mutating func take(_ result: LooseResult) {
        if result.passed {
            passes = passes.plus(1)
        } else {
            failures = failures.plus(1)
            withoutCommit = withoutCommit.plus(1)
        }
        halve()
    }

    private mutating func halve() {
        guard passes.plus(failures) > Self.limit else { return }
        passes /= 2
        failures /= 2
        retried /= 2
        withinCommit /= 2
        betweenCommits /= 2
        withoutCommit /= 2
        breakages /= 2
        mixedCommits /= 2
    }
}
