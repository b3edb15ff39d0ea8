import Foundation

/// How far two sets differ in one figure, and how sure that is.
struct Effect: Sendable, Equatable {
    /// Of the second over the first: a difference of rates, or a factor between durations.
    let size: Double
    /// 95 % interval.
    let low: Double
    let high: Double
}

/// Failure rates of one test in two sets of runs.
enum RateComparison {
    /// The difference with its interval: Newcombe, *Interval Estimation for the Difference between Independent Proportions*, Statistics in Medicine 17, 1998,
    /// method 10, made of Wilson's score intervals: it stays sensible with few runs and with rates of 0 and 1.
    /// - Returns: `nil` when the test was judged in one of the sets only.
    static func effect(_ base: TestSums, _ other: TestSums) -> Effect? {
        guard let before = base.failureRate, let after = other.failureRate else { return nil }
        let (one, two) = (wilson(base.failed, base.judged), wilson(other.failed, other.judged))
        let difference = after - before
        let low = difference - hypot(after - two.low, one.high - before)
        let high = difference + hypot(two.high - after, before - one.low)
        return Effect(size: difference, low: max(-1, low), high: min(1, high))
    }

    /// Wilson, J. Am. Statist. Assoc. 22, 1927.
    static func wilson(_ hits: Int64, _ trials: Int64) -> (low: Double, high: Double) {
        let (x, n, z) = (Double(hits), Double(trials), NormalDistribution.quantile95)
        let middle = (x + z * z / 2) / (n + z * z)
        let half = z / (n + z * z) * (x * (n - x) / n + z * z / 4).squareRoot()
        return (max(0, middle - half), min(1, middle + half))
    }

    /// Probability of results at least as unlikely as these if both sets fail alike: Fisher's exact test, both sides (Fisher, *Statistical Methods for
    /// Research Workers*, 1934; as R and SciPy add up what is at most as likely). It holds for any number of runs.
    static func chance(_ base: TestSums, _ other: TestSums) -> Double {
        let (n, m, bad) = (base.judged, other.judged, base.failed + other.failed)
        let (least, most) = (max(0, bad - m), min(bad, n))
        guard least < most else { return 1 }
        // Likelihoods beside that of the likeliest, which is 1: whatever is so small that it vanishes adds nothing.
        let mode = min(most, max(least, Int64((Double(bad + 1) * Double(n + 1) / Double(n + m + 2)).rounded(.down))))
        func ratio(_ k: Int64) -> Double { Double(bad - k) * Double(n - k) / (Double(k + 1) * Double(m - bad + k + 1)) }
        var observed = 1.0
        if base.failed > mode {
            for k in mode..<base.failed { observed *= ratio(k) }
        } else {
            for k in (base.failed..<mode).reversed() { observed /= ratio(k) }
        }
        let bound = observed * (1 + 1e-7)
        var (all, extreme, likelihood) = (1.0, bound >= 1 ? 1.0 : 0, 1.0)
        func count() -> Bool {
            all += likelihood
            if likelihood <= bound { extreme += likelihood }
            return likelihood > 0
        }
        var k = mode
        while k < most {
            likelihood *= ratio(k)
            k += 1
            guard count() else { break }
        }
        (k, likelihood) = (mode, 1)
        while k > least {
            k -= 1
            likelihood /= ratio(k)
            guard count() else { break }
        }
        return min(1, extreme / all)
    }

    /// Whether the outcome could have been another: tests that always passed, or always failed, in both sets can show nothing, and are no part of the
    /// family of tests that errors are shared by (Tarone, *A Modified Bonferroni Method for Discrete Data*, Biometrics 46, 1990).
    static func canDiffer(_ base: TestSums, _ other: TestSums) -> Bool {
        base.judged > 0 && other.judged > 0 && base.failed + other.failed > 0 && base.passed + other.passed > 0
    }
}

/// Durations of one test in two sets of runs: the factor between their typical values. Welch, *The Generalization of "Student's" Problem when Several
/// Different Population Variances are Involved*, Biometrika 34, 1947, on logarithms.
struct DurationComparison: Sendable {
    /// Executions of each side: of fewer the spread is not known.
    static let fewest: Int64 = 3
    /// Spread of logarithms that is taken for granted, though all durations were the same to the digit: reports round them, and no clock is better.
    static let leastSpread = 0.01

    private let difference: Double
    private let error: Double
    private let distribution: StudentDistribution

    /// `nil` when one of the sets has too few durations.
    init?(_ base: TestSums, _ other: TestSums) {
        guard base.timed >= Self.fewest, other.timed >= Self.fewest, let before = base.meanLog, let after = other.meanLog,
            let one = base.varianceOfLogs, let two = other.varianceOfLogs
        else { return nil }
        let least = Self.leastSpread * Self.leastSpread
        let (a, b) = (max(least, one) / Double(base.timed), max(least, two) / Double(other.timed))
        difference = after - before
        error = (a + b).squareRoot()
        distribution = StudentDistribution(freedom: (a + b) * (a + b) / (a * a / Double(base.timed - 1) + b * b / Double(other.timed - 1)))
    }

    var factor: Double { exp(difference) }

    /// Probability of so great a difference either way by chance.
    var chance: Double { distribution.bothTails(abs(difference) / error) }

    var effect: Effect {
        let half = distribution.quantile95 * error
        return Effect(size: factor, low: exp(difference - half), high: exp(difference + half))
    }
}

/// Paired differences over many tests: each test is its own control, so what it does in both sets alike cancels out.
struct PairedDifferences: Sendable {
    private(set) var count = 0
    private var mean = 0.0
    private var squares = 0.0

    /// Welford, *Note on a Method for Calculating Corrected Sums of Squares and Products*, Technometrics 4, 1962.
    mutating func add(_ difference: Double) {
        count += 1
        let step = difference - mean
        mean += step / Double(count)
        squares += step * (difference - mean)
    }

    /// The mean with its interval by Student's t; `nil` for fewer than two. It treats tests as independent of each other.
    var effect: Effect? {
        guard count > 1 else { return nil }
        let freedom = Double(count - 1)
        let half = StudentDistribution(freedom: freedom).quantile95 * (squares / freedom / Double(count)).squareRoot()
        return Effect(size: mean, low: mean - half, high: mean + half)
    }
}

/// Of many tests some differ by chance. Benjamini, Hochberg, *Controlling the False Discovery Rate*, J. R. Statist. Soc. B 57, 1995.
enum FalseDiscovery {
    /// Of what is said to differ at most this share does so by chance, on average.
    static let share = 0.05

    /// For each chance the least share at which it would be said to differ.
    static func adjusted(_ chances: [Double]) -> [Double] {
        var adjusted = chances
        var least = 1.0
        let order = chances.indices.sorted { chances[$0] > chances[$1] }
        for (position, index) in order.enumerated() {
            least = min(least, chances[index] * Double(chances.count) / Double(chances.count - position))
            adjusted[index] = least
        }
        return adjusted
    }
}
