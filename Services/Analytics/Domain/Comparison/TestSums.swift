import Foundation

/// What one test did in one set of runs, in numbers that add up exactly, in any order and grouping.
///
/// Of durations the logarithm is kept: they scatter by factors, not by seconds, so the mean of the logarithms is their typical value (the geometric mean),
/// and its spread says how sure that is. Logarithms are whole steps of a thousandth, so that sums are the same whoever adds them. Only executions that passed
/// are timed: one that failed stopped early, or waited for its timeout.
struct TestSums: Sendable, Equatable {
    /// Steps of one natural logarithm.
    static let steps = 1024.0

    var passed: Int64 = 0
    /// Failed or errored.
    var failed: Int64 = 0
    var skipped: Int64 = 0
    /// Passed executions that said how long they took.
    var timed: Int64 = 0
    /// Sum of their logarithms (of microseconds), and of the squares of these.
    var logs: Int64 = 0
    var squares: Int64 = 0

    var judged: Int64 { passed + failed }

    mutating func add(_ fact: Fact) {
        switch fact.outcome {
        case .passed: passed += 1
        case .failed, .errored: failed += 1
        case .skipped: skipped += 1
        }
        guard fact.outcome == .passed, let duration = fact.duration else { return }
        let steps = Int64((log(Double(min(max(1, duration), DurationHistogram.longest))) * Self.steps).rounded())
        timed += 1
        logs += steps
        squares += steps * steps
    }

    mutating func add(_ other: TestSums) {
        passed += other.passed
        failed += other.failed
        skipped += other.skipped
        timed += other.timed
        logs += other.logs
        squares += other.squares
    }

    /// Mean of the logarithms; `nil` when nothing was timed.
    var meanLog: Double? { timed > 0 ? Double(logs) / Double(timed) / Self.steps : nil }

    /// Geometric mean of the durations in microseconds.
    var typicalDuration: Int64? { meanLog.map { Int64(exp($0).rounded()) } }

    /// Variance of the logarithms (n − 1); `nil` for fewer than two.
    var varianceOfLogs: Double? {
        guard timed > 1 else { return nil }
        let (n, sum) = (Double(timed), Double(logs))
        return max(0, (Double(squares) - sum * sum / n) / (n - 1)) / (Self.steps * Self.steps)
    }

    /// Failed of those that say something.
    var failureRate: Double? { judged > 0 ? Double(failed) / Double(judged) : nil }
}
