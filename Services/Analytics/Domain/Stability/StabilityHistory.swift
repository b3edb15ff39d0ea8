/// What a verdict weighs: the failing episodes of a test on its lines, and how often it passed around them.
struct StabilityHistory: Sendable {
    /// Failing stretches that ended, of all lines.
    private(set) var closed: [FailingEpisode] = []
    /// The failing stretch that the first line stands in.
    private(set) var open: FailingEpisode?
    private(set) var passes = 0
    /// Failures of episodes, open ones of other lines left out: on a branch the code under work may well be broken.
    private(set) var failures = 0
    /// Those that are left out.
    private(set) var failuresElsewhere = 0
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
    /// What it has passed since the last failure, wherever that was, as far as it is kept; `nil` when it fails, or nothing has passed since.
    private(set) var passing: Stretch?

    init(_ lines: [StabilityState], _ model: StabilityModel) {
        var commits = Set<UInt64>()
        var lastElsewhere: Int64?
        for (index, line) in lines.enumerated() {
            let stretches = line.allStretches
            for (position, stretch) in stretches.enumerated() {
                if stretch.passed {
                    passes += Int(stretch.count)
                    continue
                }
                let before = position > 0 ? stretches[position - 1].lastCommit : line.past.lastCommit
                let next = position + 1 < stretches.count ? stretches[position + 1] : nil
                let hasEnded = model.looksElsewhere && next == nil && line.hasEndedElsewhere
                // The line that is judged fails until it passes itself: what it is tested with may be broken there alone.
                let episode = FailingEpisode(stretch, after: before, before: next, hasEndedElsewhere: hasEnded && index > 0)
                if episode.end != .open {
                    closed.append(episode)
                    failures += Int(episode.count)
                    if hasEnded { lastElsewhere = max(lastElsewhere ?? .min, stretch.last) }
                } else if index == 0 {
                    open = episode
                    failures += Int(episode.count)
                } else {
                    failuresElsewhere += Int(episode.count)
                }
                if episode.start == .withinCommit { commits.insert(episode.firstCommit) }
                if hasEnded || episode.end == .withinCommit || episode.end == .retried { commits.insert(episode.lastCommit) }
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
        guard let first = lines.first, let newest, newest.passed else { return }
        passing = newest
        if let lastElsewhere { count(first, newest, since: lastElsewhere) }
    }

    /// Passes of the first line count from the last failure on, also when that was on another line. How many there were before such is not known.
    private mutating func count(_ first: StabilityState, _ newest: Stretch, since moment: Int64) {
        passesSince = first.passes(after: moment)
        if first.allStretches.count == 1 { passesBefore = 0 }
        if newest.first <= moment { passing = first.passing(after: moment) }
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
