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
    package func cumulative(_ x: Double) -> Double {
        guard x > 0 else { return 0 }
        guard x < 1 else { return 1 }
        let front = exp(alpha * log(x) + beta * log1p(-x) - Self.logFunction(alpha, beta))
        return x < (alpha + 1) / (alpha + beta + 2)
            ? front * Self.fraction(alpha, beta, x) / alpha : 1 - front * Self.fraction(beta, alpha, 1 - x) / beta
    }

    /// By bisection, to 1e-9: quantiles are shown to people, not computed with.
    package func quantile(_ share: Double) -> Double {
        var low = 0.0
        var high = 1.0
        while high - low > 1e-9 {
            let middle = (low + high) / 2
            if cumulative(middle) < share { low = middle } else { high = middle }
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
        // Some √max(a, b) steps are needed; the bound only ends what never would.
        for step in 1...10_000 {
            let m = Double(step)
            for factor in [m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))] {
                d = 1 + factor * d
                d = 1 / (abs(d) < tiny ? tiny : d)
                c = 1 + factor / c
                c = abs(c) < tiny ? tiny : c
                result *= d * c
            }
            if abs(d * c - 1) < 1e-14 { break }
        }
        return result
    }
}
