import Foundation
import Primitives

/// What is remembered of one test on one line, that is one branch in one environment: a test that fails on Windows and passes on Linux is not flaky.
///
/// The newest results are kept one by one (`loose`), what is older as stretches of equal outcomes, what is older still as sums. Taking a result in
/// costs the same however many came before, and the size is bounded (under 2 KB, mostly 150 bytes, see `bytes`). As long as no result comes later
/// than `looseLimit` newer ones of its test and line, the state does not depend on the order of arrival, and a result that comes twice counts once.
package struct StabilityState: Sendable, Equatable {
    /// Newest results that are kept one by one.
    package static let looseLimit = 16
    package static let stretchLimit = 24

    package internal(set) var loose: [LooseResult] = []
    package internal(set) var stretches: [Stretch] = []
    package internal(set) var past = PastEpisodes()
    /// Failures that were put down to the environment: kept to be shown, they train nothing.
    package internal(set) var environmentFailures: UInt32 = 0
    package internal(set) var lastEnvironmentAt: Int64 = .min
    /// What the newest failures said.
    package internal(set) var messages = FailureMessages()
    /// Commit of the newest failures, if another line of the environment has passed on it (`[TestLine].noteEnds`); 0 otherwise.
    package internal(set) var endedElsewhere: UInt64 = 0

    package init() {}

    /// The state of a history: what ingest arrives at, too, if nothing comes later than `looseLimit` newer results.
    package init(_ observations: some Sequence<TestObservation>) {
        for observation in observations { record(observation) }
    }

    package mutating func record(_ observation: TestObservation) {
        guard observation.lane == .trusted else { return }
        if observation.isEnvironmental { return countEnvironment(observation.at) }
        messages.hear(observation.fingerprint, at: observation.at, order: observation.order)
        let result = LooseResult(observation)
        guard !loose.contains(where: { $0.isSame(as: result) }) else { return }
        let isKnownCommit = result.commit != 0 && loose.contains { $0.commit == result.commit }
        if let settled = stretches.last, !isKnownCommit {
            if result.commit != 0, result.commit == settled.lastCommit { return settle(result) }
            if result.at < settled.last { return settleLate(result) }
        }
        insert(result, isKnownCommit: isKnownCommit)
        if loose.count > Self.looseLimit { settle(loose.removeFirst()) }
    }

    /// Takes back a failure that turned out to be the environment's.
    /// - Returns: whether there was such a failure.
    @discardableResult
    package mutating func excuse(at: Int64, order: UInt32) -> Bool {
        guard leaveOut(at: at, order: order) else { return false }
        countEnvironment(at)
        return true
    }

    /// The state without a failure, or without a pass. Of one that is no longer kept by itself, the stretch at its moment loses one.
    /// - Returns: whether there was such a result.
    @discardableResult
    package mutating func leaveOut(at: Int64, order: UInt32, passed: Bool = false) -> Bool {
        if let index = loose.firstIndex(where: { $0.at == at && $0.order == order && $0.passed == passed }) {
            loose.remove(at: index)
        } else if let index = stretches.firstIndex(where: { $0.passed == passed && $0.first <= at && at <= $0.last }) {
            stretches[index].count -= 1
            if stretches[index].count == 0 {
                stretches.remove(at: index)
                join(at: index)
            }
        } else {
            return false
        }
        return true
    }

    /// Takes a failure in that was put down to the environment wrongly.
    package mutating func readmit(_ observation: TestObservation) {
        guard environmentFailures > 0 else { return }
        environmentFailures -= 1
        if environmentFailures == 0 { lastEnvironmentAt = .min }
        record(observation)
    }

    /// All that is kept as stretches, the newest results included, oldest first; no two that follow each other ended alike.
    package var allStretches: [Stretch] {
        var all: [Stretch] = []
        for stretch in stretches {
            if let last = all.indices.last, all[last].passed == stretch.passed { all[last].append(stretch) } else { all.append(stretch) }
        }
        for result in loose { Self.append(result, to: &all) }
        return all
    }

    /// When the failures began that nothing has passed since, in milliseconds; `nil` while the test passes. What is older than the stretches that are kept
    /// is not known any more.
    var failingSince: Int64? {
        guard let newest = loose.last, !newest.passed else { return nil }
        var since = newest.at
        for result in loose.reversed() {
            if result.passed { return since }
            since = min(since, result.at)
        }
        for stretch in stretches.reversed() {
            if stretch.passed { break }
            since = min(since, stretch.first)
        }
        return since
    }

    /// Whether it passed on a commit, as far as that is known: of results that are kept one by one, and of those that begin or end a stretch.
    /// - Parameter looseAlone: stretches are not asked.
    func hasPassed(on commit: UInt64, looseAlone: Bool = false) -> Bool {
        guard commit != 0 else { return false }
        if loose.contains(where: { $0.passed && $0.commit == commit }) { return true }
        return !looseAlone && stretches.contains { $0.passed && ($0.firstCommit == commit || $0.lastCommit == commit) }
    }

    private mutating func countEnvironment(_ at: Int64) {
        environmentFailures = environmentFailures.plus(1)
        lastEnvironmentAt = max(lastEnvironmentAt, at)
    }

    /// Commits stand in the order of their first result, results in that of their time within a commit: runs of two commits that overlap, or a second
    /// look at the older one, would otherwise seem to go back and forth.
    private mutating func insert(_ result: LooseResult, isKnownCommit: Bool) {
        let newest = loose.last
        loose.append(result)
        guard let newest, newest.at >= result.at || newest.commit != result.commit && isKnownCommit else { return }
        let settled = stretches.last?.lastCommit ?? 0
        let begins = loose.map { one in
            if one.commit == 0 { return one.at }
            return one.commit == settled ? Int64.min : loose.reduce(Int64.max) { $1.commit == one.commit ? min($0, $1.at) : $0 }
        }
        loose = zip(begins, loose).sorted { left, right in
            (left.0, left.1.commit, left.1.at, left.1.attempt, left.1.order) < (right.0, right.1.commit, right.1.at, right.1.attempt, right.1.order)
        }.map(\.1)
    }

    private mutating func settle(_ result: LooseResult) {
        Self.append(result, to: &stretches)
        fold()
    }

    static func append(_ result: LooseResult, to stretches: inout [Stretch]) {
        if let last = stretches.indices.last, stretches[last].passed == result.passed {
            stretches[last].append(result)
        } else {
            stretches.append(Stretch(result))
        }
    }

    /// A result from before what has been settled: it joins the stretch at its moment or before it, or splits one that ended otherwise. Between two stretches
    /// nothing is known to be, so there it is put exactly: a history that is imported afterwards comes in its order, and all of it into one such place.
    /// Until there are too many of them, two stretches that ended alike stay apart there for what comes between.
    private mutating func settleLate(_ result: LooseResult) {
        guard let index = stretches.lastIndex(where: { $0.first <= result.at }) else {
            guard past.isEmpty else { return past.take(result) }
            stretches.insert(Stretch(result), at: 0)
            return fold()
        }
        let isBehind = result.at > stretches[index].last
        if stretches[index].passed == result.passed {
            if isBehind { stretches[index].append(result) } else { stretches[index].take(result) }
            return
        }
        if result.at < stretches[index].last, stretches[index].count > 1 {
            let (left, right) = stretches[index].split(at: result.at)
            stretches.replaceSubrange(index...index, with: [left, Stretch(result), right])
        } else {
            stretches.insert(Stretch(result), at: index + 1)
        }
        fold()
    }

    /// The stretches at both sides of what was removed.
    private mutating func join(at index: Int) {
        guard index > 0, index < stretches.count, stretches[index - 1].passed == stretches[index].passed else { return }
        let next = stretches.remove(at: index)
        stretches[index - 1].append(next)
    }

    private mutating func fold() {
        while stretches.count > Self.stretchLimit {
            let alike = stretches.indices.dropLast().filter { stretches[$0].passed == stretches[$0 + 1].passed }
            // The last such place is left to what is just coming in.
            if let first = alike.first, alike.count > 1 || first == 0 {
                let next = stretches.remove(at: first + 1)
                stretches[first].append(next)
                continue
            }
            let lengths = stretches.compactMap { $0.passed ? nil : $0.count }.sorted()
            let oldest = stretches.removeFirst()
            past.take(
                oldest, episode: oldest.passed ? nil : FailingEpisode(oldest, after: past.lastCommit, before: stretches.first),
                usual: lengths.isEmpty ? 1 : lengths[lengths.count / 2])
        }
    }
}
