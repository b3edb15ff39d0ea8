import Foundation

/// Student's t (Student, *The Probable Error of a Mean*, Biometrika 6, 1908): how far the mean of few values may be from the true one.
struct StudentDistribution: Sendable {
    /// Above 0, not necessarily whole.
    let freedom: Double

    /// P(|T| ≥ t).
    func bothTails(_ t: Double) -> Double {
        guard t.isFinite else { return 0 }
        return BetaDistribution(alpha: freedom / 2, beta: 0.5).cumulative(freedom / (freedom + t * t))
    }

    /// What |T| exceeds with a chance of 5 %.
    var quantile95: Double {
        // The normal quantile with the first terms of Fisher's expansion (Abramowitz, Stegun, 26.7.5), which lie below; from there Newton's steps only climb,
        // since the tail is convex.
        let z = NormalDistribution.quantile95
        var t = z + (z * z * z + z) / (4 * freedom)
        for _ in 0..<50 {
            let density =
                exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2) - (freedom + 1) / 2 * log1p(t * t / freedom)) / (freedom * .pi).squareRoot()
            let step = (bothTails(t) - 0.05) / (2 * density)
            t += step
            if abs(step) < 1e-10 * t { break }
        }
        return t
    }
}

enum NormalDistribution {
    /// 95 % of values lie between this and its negative.
    static let quantile95 = 1.959963984540054
}
