/// Failures that a line ends with, and that have ended all the same: another line of its environment has passed on their commit, the same code.
/// A merge queue runs each commit once on a branch of its own and once on the main one, so nothing ever comes behind a failure on such a branch.
///
/// It is noted with the line that failed (`StabilityState.endedElsewhere`) as soon as both are known, in whichever order they came: the other line
/// goes on, and soon no longer knows on which commits it passed.
extension [TestLine] {
    /// After a result of a line has come.
    mutating func noteEnds(after index: Int) {
        // What has ended stays so, also when it fails on the same commit again.
        if !self[index].state.hasEndedElsewhere {
            let ended = endedCommit(of: index)
            if self[index].state.endedElsewhere != ended { self[index].state.endedElsewhere = ended }
        }
        for other in indices where other != index && self[other].environment == self[index].environment { noteEnd(of: other) }
    }

    /// What has ended stays so, also when it is forgotten where.
    mutating func noteEnd(of index: Int) {
        let failing = self[index].state.failingCommit
        guard failing != 0, failing != self[index].state.endedElsewhere, endedCommit(of: index) == failing else { return }
        self[index].state.endedElsewhere = failing
    }

    /// When a pass on a commit is left out, and no other is known there.
    mutating func forgetEnds(on commit: UInt64, in environment: String) {
        guard commit != 0, !contains(where: { $0.environment == environment && $0.state.hasPassed(on: commit) }) else { return }
        for index in indices where self[index].environment == environment && self[index].state.endedElsewhere == commit {
            self[index].state.endedElsewhere = 0
        }
    }

    /// The commit of the failures that a line ends with, if they have ended elsewhere, otherwise 0. Not before something has passed in the
    /// environment since the first of them: until then it may be broken by something outside, and fail wherever it runs. The first, so that it is the
    /// same whether the pass on their commit comes before a further one or behind it.
    private func endedCommit(of index: Int) -> UInt64 {
        let (state, environment) = (self[index].state, self[index].environment)
        let commit = state.failingCommit
        guard commit != 0 else { return 0 }
        let others = indices.filter { $0 != index && self[$0].environment == environment }
        guard others.contains(where: { self[$0].state.hasPassed(on: commit) }), let since = state.failingOnCommitSince,
            others.contains(where: { self[$0].state.lastPass ?? .min >= since })
        else { return 0 }
        return commit
    }
}
