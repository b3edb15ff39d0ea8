import Foundation

/// How often something happened by hour or day (UTC).
struct Occurrences: Sendable, Equatable {
    static let defaultDays = 30
    static let maxDays = 90
    /// Up to so many days are told by the hour.
    static let hourlyDays = 7

    struct Point: Sendable, Equatable {
        let at: Date
        var failures: Int64
        /// Different tests, estimated (`DistinctSketch`); `nil` where they were not counted, or too much was.
        var tests: Int64?
    }

    let points: [Point]

    /// Seconds that a point stands for.
    static func step(days: Int) -> Int32 { days <= hourlyDays ? 3600 : 86_400 }

    /// The first hour of a list that ends with today's.
    static func start(days: Int, now: Date) -> Date {
        Date(timeIntervalSince1970: ((now.timeIntervalSince1970 / 86_400).rounded(.down) - Double(days - 1)) * 86_400)
    }

    /// - Parameter hours: counted so far, from `start(days:now:)` on. Different tests of several hours are no sum, so a point takes those of one.
    init(_ hours: [Point], days: Int, now: Date) {
        let step = Double(Self.step(days: days))
        let start = Self.start(days: days, now: now).timeIntervalSince1970
        let count = Int((now.timeIntervalSince1970 - start) / step) + 1
        var points = (0..<count).map { Point(at: Date(timeIntervalSince1970: start + Double($0) * step), failures: 0, tests: 0) }
        for hour in hours {
            let place = Int(((hour.at.timeIntervalSince1970 - start) / step).rounded(.down))
            // A run's clock may be ahead of ours.
            guard points.indices.contains(place) else { continue }
            points[place].failures += hour.failures
            points[place].tests = hour.tests
        }
        self.points = points
    }
}
