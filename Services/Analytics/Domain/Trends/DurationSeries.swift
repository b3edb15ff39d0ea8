import Primitives

/// What changes of a test's durations are told from: its executions of which it is known how long they took. As text it is what is hashed, and what is
/// kept with a change that was found in it.
struct DurationSeries: Sendable, Equatable {
    struct Point: Sendable, Equatable {
        let result: ID<Result>
        /// Microseconds.
        let duration: Int64
    }

    /// Oldest first.
    let points: [Point]

    init(_ points: [Point]) { self.points = points }

    /// `nil` for what is no such text.
    init?(text: String) {
        var points: [Point] = []
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 2, let result = try? ID<Result>(String(parts[0])), let duration = Int64(parts[1]) else { return nil }
            points.append(Point(result: result, duration: duration))
        }
        self.points = points
    }

    /// A line an execution: `res_01jd3v9k2m8q4r6s7t0w1x2y3z 12000`.
    var text: String { points.map { "\($0.result) \($0.duration)" }.joined(separator: "\n") }

    /// The same series have the same changes by the same edition.
    var inputHash: UInt64 { StableHash.of(text) }

    /// Indices are places in `points`.
    func changes(by edition: ChangeEdition = .current) -> [ChangePoint] { ChangePoints.inDurations(points.map { Double($0.duration) }, by: edition) }
}
