/// What other lines of the test ask of one (`[TestLine].noteEnds`), and how far a line is beyond what happened on another.
extension StabilityState {
    /// Its newest failures have ended on another line.
    var hasEndedElsewhere: Bool { endedElsewhere != 0 && endedElsewhere == failingCommit }

    /// The commit of the newest failure while nothing on the line has passed behind it; 0 when that is not known, or it passes.
    var failingCommit: UInt64 {
        if let newest = loose.last { return newest.passed ? 0 : newest.commit }
        guard let newest = stretches.last, !newest.passed else { return 0 }
        return newest.lastCommit
    }

    /// Start of the run in which it began to fail on that commit, in milliseconds. Of failures that are kept together the commits of the first and the last
    /// are known: on that of the last it may have failed before.
    var failingOnCommitSince: Int64? {
        let commit = failingCommit
        guard commit != 0 else { return nil }
        let single = loose.reversed().prefix { !$0.passed }
        var known = single.filter { $0.commit == commit }.map(\.at)
        if single.count == loose.count, let settled = stretches.last, !settled.passed {
            if settled.firstCommit == commit {
                known.append(settled.first)
            } else if settled.lastCommit == commit {
                known.append(settled.last)
            }
        }
        return known.min()
    }

    /// Start of the newest run in which it passed, in milliseconds.
    var lastPass: Int64? {
        let single = loose.lazy.filter(\.passed).map(\.at).max()
        let settled = stretches.lazy.filter(\.passed).map(\.last).max()
        return [single, settled].compactMap(\.self).max()
    }

    /// How many of the passes that it ends with are newer than a moment: of those that are no longer kept one by one, their share by time.
    func passes(after moment: Int64) -> Int {
        guard let newest = allStretches.last, newest.passed else { return 0 }
        let single = loose.reversed().prefix(while: \.passed)
        let newer = single.count { $0.at > moment }
        let settled = Int(newest.count) - single.count
        guard settled > 0, let last = stretches.last?.last, last > moment else { return newer }
        guard newest.first <= moment else { return newer + settled }
        let share = (Double(last) - Double(moment)) / (Double(last) - Double(newest.first))
        return newer + Int(Double(settled) * share)
    }

    /// Those of them that are kept one by one.
    func passing(after moment: Int64) -> Stretch? {
        var newer: [Stretch] = []
        for result in loose.reversed().prefix(while: \.passed).reversed() where result.at > moment { Self.append(result, to: &newer) }
        return newer.last
    }
}
