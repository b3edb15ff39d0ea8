import Foundation
import Primitives

extension Run {
    /// What a finished run is called. A missed assertion outweighs everything; a report that is not complete must never look like a pass.
    static func verdict(_ counts: Counts, incomplete: Bool) -> State {
        if counts.failed > 0 { return .failed }
        return counts.errored > 0 || incomplete ? .error : .passed
    }

    /// When a run of uploads began: at the earliest moment that its reports name, but never after the run was here. A time without a zone is read as
    /// UTC, so that of an agent in the east lies hours ahead, and whatever is ordered by runs' beginnings (days, turns, what is newest, suspects)
    /// would take the run for a later one than it is. What a report says of its results stays with them.
    /// - Parameter createdAt: when its first upload came; of an import when it began.
    static func start(named: [Date?], createdAt: Date) -> Date? {
        named.compactMap(\.self).min().map { min($0, createdAt) }
    }

    /// One more upload. A late shard opens a finished run again: it finishes a second time, with a higher version, and is announced again.
    func adding(_ delta: RunDelta) throws(Fault) -> Run {
        guard kind == .upload else { throw .notAnUploadRun(id) }
        var run = self
        run.counts = counts + delta.counts
        run.testMicroseconds += delta.testMicroseconds
        run.incomplete = incomplete || delta.incomplete
        run.startedAt = Self.start(named: [startedAt, delta.startedAt], createdAt: createdAt)
        run.state = .running
        run.finishedAt = nil
        run.version += 1
        return run
    }

    /// The first case of a suite is under way.
    func started(at now: Date) throws(Fault) -> Run {
        guard state == .queued else { throw .alreadyStarted(id) }
        var run = self
        run.state = .running
        run.startedAt = now
        run.version += 1
        return run
    }

    /// Nothing more will come.
    /// - Throws: `runs.already_finished`, or `runs.pending_cases` while cases of a suite wait.
    func finished(at now: Date) throws(Fault) -> Run {
        guard counts.pending <= 0 else { throw .pendingCases(id, counts.pending) }
        return try ended(Self.verdict(counts, incomplete: incomplete), at: now)
    }

    /// Why a run ended before its time.
    enum EarlyEnd: Sendable {
        case cancelled
        case timedOut
    }

    /// The counts stand, the verdict is that there is none.
    func ended(early end: EarlyEnd, at now: Date) throws(Fault) -> Run {
        switch end {
        case .cancelled: try ended(.cancelled, at: now)
        case .timedOut: try ended(.timedOut, at: now)
        }
    }

    private func ended(_ end: State, at now: Date) throws(Fault) -> Run {
        guard !state.isFinal else { throw .alreadyFinished(id) }
        var run = self
        run.state = end
        run.startedAt = startedAt ?? createdAt
        run.finishedAt = max(now, run.startedAt ?? now)
        run.version += 1
        return run
    }
}
