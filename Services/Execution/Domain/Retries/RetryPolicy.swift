import Primitives

/// What a project is willing to spend on trying failed tests again. Stored as JSON.
struct RetryPolicy: Codable, Equatable, Sendable {
    /// Executions of a test in one build, the first among them.
    var maxAttempts = 3
    /// With more failing tests none is tried again.
    var maxFailingTests = 30
    /// Minutes of the tests' own time, a day (UTC) and project; as many for builds that are not trusted.
    var minutesPerDay = 60

    static let mostAttempts = 10
    static let mostTests = 500
    static let mostMinutes = 100_000
    /// Microseconds that the tries of one upload count, at most: a minute for each test that may be tried. What they took is the report's own word,
    /// and one in another unit would spend every budget there is.
    static let mostCounted = Int64(mostTests) * 60_000_000

    init() {}

    /// - Throws: `request.invalid` naming the field.
    init(maxAttempts: Int, maxFailingTests: Int, minutesPerDay: Int) throws(Fault) {
        try Self.check("/max_attempts", maxAttempts, 1...Self.mostAttempts)
        try Self.check("/max_failing_tests", maxFailingTests, 1...Self.mostTests)
        try Self.check("/minutes_per_day", minutesPerDay, 0...Self.mostMinutes)
        self.maxAttempts = maxAttempts
        self.maxFailingTests = maxFailingTests
        self.minutesPerDay = minutesPerDay
    }

    /// Microseconds of tries that are left today.
    func remaining(after spent: Int64) -> Int64 { max(0, Int64(minutesPerDay) * 60_000_000 - spent) }

    private static func check(_ pointer: String, _ value: Int, _ range: ClosedRange<Int>) throws(Fault) {
        guard range.contains(value) else {
            throw .invalidField(pointer, "out_of_range", "\(pointer.dropFirst()) is from \(range.lowerBound) to \(range.upperBound).")
        }
    }
}
