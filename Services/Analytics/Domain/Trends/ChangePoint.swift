import Foundation

/// Where a series went to another level and stayed.
package struct ChangePoint: Sendable, Equatable {
    /// The first point of the new level.
    package let index: Int
    /// Medians of durations, or pass rates, of the stretches before and behind it.
    package let before: Double
    package let after: Double
    /// By how much the two levels explain the stretches better than one, less the penalty; above 0. Of two changes the greater is the clearer.
    package let gain: Double
}

/// Finds changes of level. How many there are is found out as well: each has to be worth its penalty, and to be more than chance by the ranks of the
/// points beside it, so that a few outliers are no level.
package enum ChangePoints {
    /// Of the method by which changes are told now. Told with each answer.
    package static var edition: Int32 { ChangeEdition.current.number }

    /// Durations of one test, one of each execution, oldest first. Makes no assumption on their distribution.
    package static func inDurations(_ durations: [Double], by edition: ChangeEdition = .current) -> [ChangePoint] {
        let points = Array(durations.suffix(edition.pointLimit))
        guard points.count >= 2 * edition.shortestLevel else { return [] }
        let penalty = edition.durationPenalty * log(Double(points.count))
        let cost = DistributionCost(points)
        return changes(points, by: edition, penalty: penalty, dropped: durations.count - points.count, cost: cost.of) { median(points[$0..<$1]) }
            .filter { max($0.before, $0.after) >= edition.leastRatio * min($0.before, $0.after) }
    }

    /// Passed and judged results of runs or days, oldest first.
    package static func inPassRates(_ counts: [(passed: Int, all: Int)], by edition: ChangeEdition = .current) -> [ChangePoint] {
        let points = counts.suffix(edition.pointLimit).map { (passed: max(0, min($0.passed, $0.all)), all: max(0, $0.all)) }
        guard points.count >= 2 * edition.shortestLevel else { return [] }
        let penalty = edition.ratePenalty * log(Double(points.count))
        let cost = RateCost(points)
        let rates = points.indices.map { cost.rate($0, $0 + 1) }
        return changes(rates, by: edition, penalty: penalty, dropped: counts.count - points.count, cost: cost.of, level: cost.rate)
    }

    private static func changes(
        _ points: [Double], by edition: ChangeEdition, penalty: Double, dropped: Int, cost: (Int, Int) -> Double, level: (Int, Int) -> Double
    ) -> [ChangePoint] {
        var places = [0] + search(points.count, by: edition, penalty: penalty, cost: cost) + [points.count]
        func chance(_ index: Int) -> Double {
            RankTest.chance(points[places[index - 1]..<places[index]], points[places[index]..<places[index + 1]])
        }
        // The least certain one goes first: what it parted then stands together against its neighbours.
        while places.count > 2 {
            let weakest = (1..<places.count - 1).map { ($0, chance($0)) }.max { $0.1 < $1.1 }
            guard let weakest, weakest.1 * Double(points.count) >= edition.error else { break }
            places.remove(at: weakest.0)
        }
        return (1..<max(1, places.count - 1)).map { index in
            let (start, middle, end) = (places[index - 1], places[index], places[index + 1])
            return ChangePoint(
                index: middle + dropped, before: level(start, middle), after: level(middle, end),
                gain: cost(start, end) - cost(start, middle) - cost(middle, end) - penalty)
        }
    }

    /// Where levels begin, but for the first. Of long series every so manieth place is tried, and then those around the ones found: what a search costs
    /// grows with the square of the places where nothing changes.
    private static func search(_ count: Int, by edition: ChangeEdition, penalty: Double, cost: (Int, Int) -> Double) -> [Int] {
        let (searchLimit, shortestLevel) = (edition.searchLimit, edition.shortestLevel)
        let step = (count + searchLimit - 1) / searchLimit
        let grid = Array(stride(from: 0, to: count - count % step, by: step)) + [count]
        let shortest = (shortestLevel + step - 1) / step
        let found = LevelSearch(count: grid.count - 1, penalty: penalty, shortest: shortest) { cost(grid[$0], grid[$1]) }.changes.map { grid[$0] }
        guard step > 1 else { return found }
        var places = [0] + found + [count]
        for index in places.indices.dropFirst().dropLast() {
            let (start, end) = (places[index - 1], places[index + 1])
            let around = max(start + shortestLevel, places[index] - step)...min(end - shortestLevel, places[index] + step)
            let costs = around.map { (cost(start, $0) + cost($0, end), $0) }
            places[index] = costs.min { $0.0 < $1.0 }?.1 ?? places[index]
        }
        return Array(places.dropFirst().dropLast())
    }

    private static func median(_ values: ArraySlice<Double>) -> Double {
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}
