import Foundation

/// The division of a series into levels with the least cost, a penalty for each change included. PELT: Killick, Fearnhead, Eckley, Optimal Detection of
/// Changepoints with a Linear Computational Cost, J. Am. Statist. Assoc. 107, 2012. Exact; linear in time where changes come regularly.
struct LevelSearch {
    /// Where levels begin, but for the first.
    let changes: [Int]

    /// - Parameter cost: of a level from one place to before another: twice the negative logarithm of its likelihood.
    init(count: Int, penalty: Double, shortest: Int, cost: (_ from: Int, _ to: Int) -> Double) {
        guard count >= 2 * shortest else {
            changes = []
            return
        }
        // Of the first n points: the least cost, and where its last level begins.
        var least = [Double](repeating: .infinity, count: count + 1)
        var begins = [Int](repeating: 0, count: count + 1)
        least[0] = -penalty
        var candidates = [0]
        for end in shortest...count {
            if end >= 2 * shortest { candidates.append(end - shortest) }
            let costs = candidates.map { least[$0] + cost($0, end) }
            var best = 0
            for index in costs.indices where costs[index] < costs[best] { best = index }
            least[end] = costs[best] + penalty
            begins[end] = candidates[best]
            // One that is behind by the penalty never catches up.
            var kept: [Int] = []
            for (candidate, value) in zip(candidates, costs) where value <= least[end] { kept.append(candidate) }
            candidates = kept
        }
        var places: [Int] = []
        var end = count
        while begins[end] > 0 {
            end = begins[end]
            places.append(end)
        }
        changes = places.reversed()
    }
}

/// Cost of a level by the empirical distribution of its values: Haynes, Fearnhead, Eckley, A Computationally Efficient Nonparametric Approach for
/// Changepoint Detection, Statistics and Computing 27, 2017. The distribution is taken at 4 log n places, closer towards its ends.
struct DistributionCost {
    /// For the first n points, how many are below each place, twice over: one that is equal counts half. Places of one n stand together.
    private let below: [Int32]
    private let places: Int
    /// n log n for twice the points.
    private let entropy: [Double]
    private let scale: Double

    init(_ points: [Double]) {
        let count = points.count
        let places = min(count, Int((4 * log(Double(max(2, count)))).rounded(.up)))
        let sorted = points.sorted()
        let width = log(Double(max(2, 2 * count - 1)))
        let values = (0..<places).map { place in
            let share = 1 / (1 + Double(2 * count - 1) * exp(-width * Double(2 * place + 1) / Double(places)))
            return sorted[min(count - 1, Int(Double(count - 1) * share))]
        }
        var below = [Int32](repeating: 0, count: (count + 1) * places)
        for index in 0..<count {
            for place in 0..<places {
                below[(index + 1) * places + place] =
                    below[index * places + place] + (points[index] < values[place] ? 2 : points[index] == values[place] ? 1 : 0)
            }
        }
        self.below = below
        self.places = places
        entropy = (0...2 * count).map { $0 == 0 ? 0 : Double($0) * log(Double($0)) }
        scale = width / Double(max(1, places))
    }

    func of(_ from: Int, _ to: Int) -> Double {
        let all = 2 * (to - from)
        var sum = entropy[all] * Double(places)
        for place in 0..<places {
            let low = Int(below[to * places + place] - below[from * places + place])
            sum -= entropy[low] + entropy[all - low]
        }
        return scale * sum
    }
}

/// Cost of a level by the binomial likelihood, divided by how much more than binomially the series scatters (quasi-likelihood: McCullagh, Nelder, Generalized
/// Linear Models, 2nd ed., 4.5): failures of one run come together, and without it every bad run would be a level. The scatter is taken from
/// neighbours, so that the levels themselves do not add to it.
struct RateCost {
    private let passed: [Double]
    private let all: [Double]
    private let scatter: Double

    init(_ points: [(passed: Int, all: Int)]) {
        var passed = [0.0]
        var all = [0.0]
        for point in points {
            passed.append(passed[passed.count - 1] + Double(point.passed))
            all.append(all[all.count - 1] + Double(point.all))
        }
        var sum = 0.0
        var pairs = 0.0
        for (one, two) in zip(points, points.dropFirst()) where one.all > 0 && two.all > 0 {
            let (n, m) = (Double(one.all), Double(two.all))
            // Half a result at both ends keeps the variance of a pair without failures above 0.
            let rate = (Double(one.passed + two.passed) + 0.5) / (n + m + 1)
            let difference = Double(one.passed) / n - Double(two.passed) / m
            sum += difference * difference / (rate * (1 - rate) * (1 / n + 1 / m))
            pairs += 1
        }
        self.passed = passed
        self.all = all
        scatter = pairs > 0 ? max(1, sum / pairs) : 1
    }

    func rate(_ from: Int, _ to: Int) -> Double {
        let all = all[to] - all[from]
        return all > 0 ? (passed[to] - passed[from]) / all : 0
    }

    func of(_ from: Int, _ to: Int) -> Double {
        let all = all[to] - all[from]
        let passes = passed[to] - passed[from]
        guard passes > 0, passes < all else { return 0 }
        return -2 * (passes * log(passes / all) + (all - passes) * log((all - passes) / all)) / scatter
    }
}
