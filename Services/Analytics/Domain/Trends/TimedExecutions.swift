import Primitives

/// The executions of a test of which it is known how long they took: how long it takes, and since when longer or shorter. Skipped ones take no time.
struct TimedExecutions: Sendable {
    /// Oldest first.
    let executions: [Execution]
    /// Of each, in microseconds.
    let durations: [Int64]

    /// - Parameter newest: newest first.
    init(_ newest: [Execution]) {
        executions = newest.reversed().filter { $0.duration != nil && $0.outcome != .skipped }
        durations = executions.compactMap(\.duration)
    }

    var histogram: DurationHistogram {
        durations.reduce(into: DurationHistogram()) { $0.record($1) }
    }

    /// Indices are places in `executions`.
    var changes: [ChangePoint] { ChangePoints.inDurations(durations.map(Double.init)) }

    /// Of all that `changes` are told from: the same give the same.
    var inputHash: UInt64 {
        StableHash.of(zip(executions, durations).map { "\($0.result) \($1)" }.joined(separator: "\n"))
    }
}
