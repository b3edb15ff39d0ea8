/// What a verdict weighs: the failing episodes of a test on its lines, and how often it passed around them.
struct StabilityHistory: Sendable {
    /// Failing stretches that ended, of all lines.
    private(set) var closed: [FailingEpisode] = []
    /// The failing stretch that the first line stands in.
    private(set) var open: FailingEpisode?
    private(set) var passes = 0
    /// Failures of episodes, open ones of other lines left out: on a branch the code under work may well be broken.
    private(set) var failures = 0
    /// Of the first line: passes before its first failure, and since its last.
    private(set) var passesBefore = 0
    private(set) var passesSince = 0
    private(set) var past: [PastEpisodes] = []
    private(set) var mixedCommits = 0
    /// Neighbouring failures with known messages: of one episode, and of two.
    private(set) var within = FailureMessages.Pairs()
    private(set) var across = FailureMessages.Pairs()
    /// The stretch in which the first line stands.
    private(set) var newest: Stretch?

    init(_ lines: [StabilityState]) {
        var commits = Set<UInt64>()
        for (index, line) in lines.enumerated() {
            let stretches = line.allStretches
            for (position, stretch) in stretches.enumerated() {
                if stretch.passed {
                    passes += Int(stretch.count)
                    continue
                }
                let before = position > 0 ? stretches[position - 1].lastCommit : line.past.lastCommit
                let episode = FailingEpisode(stretch, after: before, before: position + 1 < stretches.count ? stretches[position + 1] : nil)
                if episode.end != .open {
                    closed.append(episode)
                    failures += Int(episode.count)
                } else if index == 0 {
                    open = episode
                    failures += Int(episode.count)
                }
                if episode.start == .withinCommit { commits.insert(episode.firstCommit) }
                if episode.end == .withinCommit || episode.end == .retried { commits.insert(episode.lastCommit) }
            }
            let pairs = line.messages.pairs(in: stretches)
            within += pairs.within
            across += pairs.across
            if index == 0 {
                newest = stretches.last
                if let last = stretches.last, last.passed, stretches.count > 1 || !line.past.isEmpty { passesSince = Int(last.count) }
                if let first = stretches.first, first.passed, line.past.isEmpty { passesBefore = Int(first.count) }
            }
            if !line.past.isEmpty { past.append(line.past) }
            passes += Int(line.past.passes)
            failures += Int(line.past.failures)
            mixedCommits += Int(line.past.mixedCommits)
        }
        mixedCommits += commits.subtracting([0]).count
    }

    var results: Int { passes + failures + past.reduce(0) { $0 + Int($1.breakages) } }

    /// Episodes of which no commit can be the reason.
    var chances: Int { closed.count(where: \.provesChance) + chancesOfPast }

    private var chancesOfPast: Int { past.reduce(0) { $0 + Int($1.retried.plus($1.withinCommit).plus($1.withoutCommit)) } }

    /// Episodes between passes, whatever the reason.
    var returns: Int {
        chancesOfPast + closed.count { $0.start != .beginning } + past.reduce(0) { $0 + Int($1.betweenCommits) }
    }

    var retries: Int { closed.count { $0.end == .retried } + past.reduce(0) { $0 + Int($1.retried) } }
}
