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

    /// All that changes are told from.
    var series: DurationSeries { DurationSeries(zip(executions, durations).map { DurationSeries.Point(result: $0.result, duration: $1) }) }
}
