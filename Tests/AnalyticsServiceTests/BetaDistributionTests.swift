import Foundation
import Testing

@testable import AnalyticsService

@Suite("the Beta distribution")
struct BetaDistributionTests {
    /// Of `scipy.stats.beta.ppf(share, failures + 0.5, passes + 0.5)`, SciPy 1.17.
    @Test(
        "quantiles of a failure rate are those of SciPy",
        arguments: [
            (1, 0, 0.146746316310, 0.999614419019),
            (1, 1, 0.060830275920, 0.939169724080),
            (1, 99, 0.001081101709, 0.045778896601),
            (3, 7, 0.092694593938, 0.605818318149),
            (20, 80, 0.130790415419, 0.286279572827),
            (50, 1000, 0.035961022307, 0.061765188376),
            (1, 100000, 0.000001078968, 0.000046740575),
            (900, 3, 0.991160569322, 0.999063443923),
            (5000, 45000, 0.097393588892, 0.102652718195),
        ])
    func quantile(_ failures: Int, _ passes: Int, _ lower: Double, _ upper: Double) {
        let rate = BetaDistribution.failureRate(failures: failures, passes: passes)
        #expect(abs(rate.quantile(0.025) - lower) < 2e-9)
        #expect(abs(rate.quantile(0.975) - upper) < 2e-9)
    }

    @Test("a quantile has its share below it", arguments: [0.001, 0.025, 0.5, 0.975, 0.999], [0.5, 1, 1.5, 20, 4000])
    func roundTrip(_ share: Double, _ alpha: Double) {
        for beta in [0.5, 1, 3, 250, 100_000] {
            let distribution = BetaDistribution(alpha: alpha, beta: beta)
            let found = distribution.quantile(share)
            // Where the density is high, 1e-9 is more than that of the share.
            #expect(distribution.cumulative(max(0, found - 2e-9)) <= share)
            #expect(distribution.cumulative(min(1, found + 2e-9)) >= share)
        }
    }
}
