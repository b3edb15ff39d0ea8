import Foundation

/// The Beta distribution: what is known of a rate after `failures` and `passes`, and the exact tail of the binomial.
package struct BetaDistribution: Sendable, Equatable {
    package let alpha: Double
    package let beta: Double

    package init(alpha: Double, beta: Double) {
        self.alpha = alpha
        self.beta = beta
    }

    /// Posterior of a failure rate under Jeffreys' prior, whose intervals cover well also near 0 (Brown, Cai, DasGupta: Interval Estimation for a Binomial
    /// Proportion, Statistical Science 16, 2001).
    package static func failureRate(failures: Int, passes: Int) -> BetaDistribution {
        BetaDistribution(alpha: Double(failures) + 0.5, beta: Double(passes) + 0.5)
    }

    package var mean: Double { alpha / (alpha + beta) }

    /// log B(α, β).
    static func logFunction(_ alpha: Double, _ beta: Double) -> Double { lgamma(alpha) + lgamma(beta) - lgamma(alpha + beta) }

    /// The share below `x`, by the continued fraction of Press et al., Numerical Recipes, 3rd ed., 6.4 (modified Lentz). To about 1e-12.
    package func cumulative(_ x: Double) -> Double { cumulative(x, logFunction: Self.logFunction(alpha, beta)) }

    private func cumulative(_ x: Double, logFunction: Double) -> Double {
        guard x > 0 else { return 0 }
        guard x < 1 else { return 1 }
        let front = exp(alpha * log(x) + beta * log1p(-x) - logFunction)
        return x < (alpha + 1) / (alpha + beta + 2)
            ? front * Self.fraction(alpha, beta, x) / alpha : 1 - front * Self.fraction(beta, alpha, 1 - x) / beta
    }

    /// To 1e-9, which is more than people read. By Newton's method, which takes some six looks where halving takes thirty; where it would leave what is known to
    /// hold the quantile, or comes closer too slowly, that is halved (Press et al., 9.4).
    package func quantile(_ share: Double) -> Double {
        let logFunction = Self.logFunction(alpha, beta)
        var (low, high) = (0.0, 1.0)
        var x = mean
        var step = 1.0
        while high - low > 1e-9 {
            let miss = cumulative(x, logFunction: logFunction) - share
            if miss < 0 { low = x } else { high = x }
            let density = exp((alpha - 1) * log(x) + (beta - 1) * log1p(-x) - logFunction)
            let next = x - miss / density
            if next > low, next < high, abs(next - x) <= step / 2 {
                step = abs(next - x)
                x = next
                if step < 1e-10 { return x }
            } else {
                step = (high - low) / 2
                x = low + step
            }
        }
        return (low + high) / 2
    }

    /// P(X ≥ hits) for `trials` that each hit with `rate`.
    package static func binomialTail(hits: Int, trials: Int, rate: Double) -> Double {
        guard hits > 0 else { return 1 }
        guard hits <= trials else { return 0 }
        return BetaDistribution(alpha: Double(hits), beta: Double(trials - hits + 1)).cumulative(rate)
    }

    private static func fraction(_ a: Double, _ b: Double, _ x: Double) -> Double {
        let tiny = 1e-300
        var c = 1.0
        var d = 1 - (a + b) * x / (a + 1)
        d = 1 / (abs(d) < tiny ? tiny : d)
        var result = d
        func step(_ factor: Double) {
            d = 1 + factor * d
            d = 1 / (abs(d) < tiny ? tiny : d)
            c = 1 + factor / c
            c = abs(c) < tiny ? tiny : c
            result *= d * c
        }
        // Some √max(a, b) steps are needed; the bound only ends what never would.
        for number in 1...10_000 {
            let m = Double(number)
            step(m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)))
            step(-(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)))
            if abs(d * c - 1) < 1e-14 { break }
        }
        return result
    }
}
