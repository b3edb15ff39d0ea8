import Foundation
import Primitives

/// When a run took place that is taken over from another system.
struct PastRun: Equatable, Sendable {
    /// Days that a run may lie back: ten years.
    static let mostDays = 3653
    /// Days that a run may have taken.
    static let longestDays = 30

    let startedAt: Date
    /// `nil` where the other system did not say.
    let finishedAt: Date?

    /// `nil` for results that come as they happen. Times are kept to the millisecond, as the wire has them.
    /// - Throws: `request.invalid` naming the field.
    init?(startedAt: Date?, finishedAt: Date?, now: Date) throws(Fault) {
        guard let startedAt = startedAt.map(Self.wholeMilliseconds) else {
            guard finishedAt == nil else { throw .invalidField("/started_at", "missing", "What has finished_at needs started_at.") }
            return nil
        }
        guard startedAt <= now, startedAt >= now.addingTimeInterval(-Double(Self.mostDays) * 86_400) else {
            throw .invalidField("/started_at", "out_of_range", "started_at must not be in the future, and not more than ten years ago.")
        }
        let finishedAt = finishedAt.map(Self.wholeMilliseconds)
        if let finishedAt {
            let latest = min(now, startedAt.addingTimeInterval(Double(Self.longestDays) * 86_400))
            guard finishedAt >= startedAt, finishedAt <= latest else {
                throw .invalidField(
                    "/finished_at", "out_of_range",
                    "finished_at must be at or after started_at, at most \(Self.longestDays) days later, and not in the future.")
            }
        }
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }

    private static func wholeMilliseconds(_ time: Date) -> Date {
        Date(timeIntervalSince1970: (time.timeIntervalSince1970 * 1000).rounded() / 1000)
    }

    /// When it ended, as far as anybody knows.
    /// - Parameter microseconds: that its tests took together. Some may have run side by side, so this is no later than now.
    func end(microseconds: Int64, now: Date) -> Date {
        finishedAt ?? min(now, startedAt.addingTimeInterval(Double(microseconds) / 1_000_000))
    }

    /// Whether the run that is there is this one.
    func isSame(as run: Run) -> Bool { run.importedAt != nil && abs(run.createdAt.timeIntervalSince(startedAt)) < 0.001 }
}
