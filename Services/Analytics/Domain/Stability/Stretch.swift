/// Results of one test on one line that follow each other and ended alike. A test that never fails has one, however often it ran.
package struct Stretch: Sendable, Equatable {
    package internal(set) var passed: Bool
    package internal(set) var count: UInt32
    /// Different commits, 0 when none was known.
    package internal(set) var commits: UInt32
    package internal(set) var firstCommit: UInt64
    package internal(set) var lastCommit: UInt64
    package internal(set) var first: Int64
    package internal(set) var last: Int64
    /// Its first result is a further attempt within a run that had failed.
    package internal(set) var beginsWithRetry: Bool

    init(_ result: LooseResult) {
        passed = result.passed
        count = 1
        commits = result.commit == 0 ? 0 : 1
        firstCommit = result.commit
        lastCommit = result.commit
        first = result.at
        last = result.at
        beginsWithRetry = result.passed && result.attempt > 0
    }

    init(
        passed: Bool, count: UInt32, commits: UInt32, firstCommit: UInt64, lastCommit: UInt64, first: Int64, last: Int64, beginsWithRetry: Bool
    ) {
        self.passed = passed
        self.count = count
        self.commits = commits
        self.firstCommit = firstCommit
        self.lastCommit = lastCommit
        self.first = first
        self.last = last
        self.beginsWithRetry = beginsWithRetry
    }

    /// Takes in what comes behind its last result.
    mutating func append(_ result: LooseResult) {
        count = count.plus(1)
        if result.commit != 0, result.commit != lastCommit { commits = commits.plus(1) }
        lastCommit = result.commit
        last = max(last, result.at)
    }

    /// Takes in a result from before its end, of which nothing but its moment is known any more.
    mutating func take(_ result: LooseResult) {
        count = count.plus(1)
        if result.at < first {
            if result.commit != 0, result.commit != firstCommit { commits = commits.plus(1) }
            first = result.at
            firstCommit = result.commit
            beginsWithRetry = result.passed && result.attempt > 0
        }
    }

    /// Takes in the stretch behind it, when what stood between them is gone.
    mutating func append(_ next: Stretch) {
        count = count.plus(next.count)
        let shared: UInt32 = next.firstCommit != 0 && next.firstCommit == lastCommit ? 1 : 0
        commits = commits.plus(next.commits - min(shared, next.commits))
        lastCommit = next.lastCommit
        last = max(last, next.last)
    }

    /// The two sides of a moment within it. What is known of its inside is gone, so both get their share by time and at least one result, and each
    /// keeps only the end that is certain: a further late one then joins its neighbour instead of making up a change that may never have been.
    func split(at moment: Int64) -> (Stretch, Stretch) {
        var left = self
        var right = self
        let share = last > first ? (Double(moment) - Double(first)) / (Double(last) - Double(first)) : 0.5
        left.count = min(max(1, UInt32((Double(count) * share).rounded())), count - 1)
        right.count = count - left.count
        left.commits = commits == 0 ? 0 : min(commits, max(1, UInt32((Double(commits) * share).rounded())))
        right.commits = commits == 0 ? 0 : max(1, commits - left.commits)
        left.last = first
        right.first = last
        // One commit is that of both sides; of several nobody knows any more which stood next to the moment.
        left.lastCommit = commits == 1 ? firstCommit : 0
        right.firstCommit = commits == 1 ? lastCommit : 0
        right.beginsWithRetry = false
        return (left, right)
    }
}

/// One of the newest results, still kept by itself: what arrives late finds its place among them exactly.
package struct LooseResult: Sendable, Equatable {
    package let at: Int64
    package let order: UInt32
    package let commit: UInt64
    package let passed: Bool
    package let attempt: UInt8
}

extension LooseResult {
    init(_ observation: TestObservation) {
        self.init(
            at: observation.at, order: observation.order, commit: observation.commit, passed: observation.passed, attempt: observation.attempt)
    }

    func isSame(as other: LooseResult) -> Bool { at == other.at && order == other.order && attempt == other.attempt }
}

extension UInt32 {
    /// Counts stop at their end rather than begin again.
    func plus(_ other: UInt32) -> UInt32 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
