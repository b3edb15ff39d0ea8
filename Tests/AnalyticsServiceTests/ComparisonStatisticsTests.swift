import Foundation
import Primitives
import Testing

@testable import AnalyticsService

/// Numbers of SciPy 1.17 (`stats`) and statsmodels 0.15 (`stats.proportion`), but for those of papers.
@Suite("the statistics of comparisons")
struct ComparisonStatisticsTests {
    private func rate(_ failed: Int64, of judged: Int64) -> TestSums { TestSums(passed: judged - failed, failed: failed) }

    private func near(_ one: Double, _ other: Double, _ precision: Double = 1e-9) -> Bool { abs(one - other) <= precision * max(1, abs(other)) }

    private func timed(_ milliseconds: [Int64]) -> TestSums {
        var sums = TestSums()
        for duration in milliseconds {
            sums.add(
                Fact(result: .new(), test: .new(), suiteName: "", className: "", name: "", outcome: .passed, duration: duration * 1_000))
        }
        return sums
    }

    /// `confint_proportions_2indep(method="newcomb", compare="diff")`, `fisher_exact`. The fourth is example (a) of Newcombe's paper.
    @Test(
        "a difference of failure rates has Newcombe's interval and the chance of Fisher's exact test",
        arguments: [
            (0, 10, 5, 10, 0.11736746745022203, 0.7634069094874361, 0.032507739938080496),
            (1, 40, 9, 40, 0.05457482422694293, 0.3514349578133479, 0.01431554473363503),
            (5, 5, 0, 5, -1.0, -0.38554900569034356, 0.007936507936507938),
            (48, 80, 56, 70, 0.05243147240236498, 0.33387265403690614, 0.012521129749209152),
            (0, 20, 0, 10, -0.1611251580528194, 0.27753279986288926, 1.0),
            (3, 1000, 30, 1200, 0.012582389169043362, 0.03264988855257451, 9.363873161586303e-06),
            (120, 400, 60, 390, -0.202950532047947, -0.08811220697217262, 1.138046478654425e-06),
            (0, 3, 3, 3, 0.2059232824597782, 1.0, 0.1),
            (7, 9, 7, 9, -0.3619776842517243, 0.3619776842517243, 1.0),
        ])
    func rates(failed: Int64, judged: Int64, otherFailed: Int64, otherJudged: Int64, low: Double, high: Double, chance: Double) throws {
        let (base, other) = (rate(failed, of: judged), rate(otherFailed, of: otherJudged))
        let effect = try #require(RateComparison.effect(base, other))
        #expect(near(effect.low, low) && near(effect.high, high))
        #expect(near(effect.size, Double(otherFailed) / Double(otherJudged) - Double(failed) / Double(judged)))
        #expect(near(RateComparison.chance(base, other) / chance, 1))
        let back = try #require(RateComparison.effect(other, base))
        #expect(near(back.low, -high) && near(back.high, -low) && near(RateComparison.chance(other, base) / chance, 1))
    }

    @Test("what was not judged has no difference; what never failed, or never passed, cannot differ; a million results are no matter")
    func extremes() {
        #expect(RateComparison.effect(TestSums(skipped: 3), rate(1, of: 2)) == nil)
        #expect(!RateComparison.canDiffer(rate(0, of: 9), rate(0, of: 9)) && !RateComparison.canDiffer(rate(9, of: 9), rate(1, of: 1)))
        #expect(RateComparison.canDiffer(rate(9, of: 9), rate(0, of: 1)))
        #expect(RateComparison.chance(rate(0, of: 1_000_000), rate(900_000, of: 1_000_000)) < 1e-100)
        #expect(near(RateComparison.chance(rate(500_000, of: 1_000_000), rate(500_000, of: 1_000_000)), 1))
    }

    /// `t.ppf(.975, df)`, `2 * t.sf(2.5, df)`, `2 * t.sf(30, df)`.
    @Test(
        "Student's distribution",
        arguments: [
            (1.0, 12.706204736174694, 0.24223788318168682, 0.02121280481107085),
            (2, 4.302652729749462, 0.12961172022151082, 0.001109262681959659),
            (3, 3.1824463052837078, 0.08770664700806556, 8.135280427163958e-05),
            (4.5, 2.6589123472044034, 0.059905686502200545, 2.34397429878852e-06),
            (9, 2.262157162798205, 0.033861827682985735, 2.4837047041582635e-10),
            (30, 2.0422724563012378, 0.01811564906806669, 6.25179163060889e-24),
            (250.75, 1.9694697400990702, 0.013058945737853935, 6.153478001568059e-85),
            (100_000, 1.9599877075346095, 0.012420919192559051, 7.37853687222276e-197),
        ])
    func student(freedom: Double, quantile: Double, tails: Double, farTails: Double) {
        let distribution = StudentDistribution(freedom: freedom)
        #expect(near(distribution.quantile95, quantile, 1e-8))
        #expect(near(distribution.bothTails(2.5) / tails, 1, 1e-8) && near(distribution.bothTails(30) / farTails, 1, 1e-6))
    }

    /// `ttest_ind(equal_var=False)` of logarithms of microseconds in steps of 1/1024.
    @Test(
        "durations are compared by the factor between their geometric means, with Welch's interval",
        arguments: [
            ([100, 120, 90, 110, 105, 98], [150, 140, 180, 160], 1.5166499257245238, 1.288801488924091, 1.7847799036300498, 0.000699930844917086),
            ([1000, 1000, 1000, 1100, 1050], [1010, 950, 1080], 0.9832793883103014, 0.863538813410152, 1.119623507897455, 0.7117200399895917),
        ] as [([Int64], [Int64], Double, Double, Double, Double)])
    func durations(base: [Int64], other: [Int64], factor: Double, low: Double, high: Double, chance: Double) throws {
        let compared = try #require(DurationComparison(timed(base), timed(other)))
        #expect(near(compared.chance, chance) && near(compared.effect.size, factor))
        #expect(near(compared.effect.low, low) && near(compared.effect.high, high))
    }

    @Test("a duration is typical by its geometric mean; of two nobody knows how they scatter")
    func typical() {
        #expect(timed([100, 120, 90, 110, 105, 98]).typicalDuration == 103_403)
        #expect(DurationComparison(timed([1, 2]), timed([1, 2, 3])) == nil && TestSums().typicalDuration == nil)
    }

    @Test("a test of which every duration is the same to the digit is not said to be slower for a thousandth")
    func rounded() throws {
        let same = try #require(DurationComparison(timed(Array(repeating: 1_000, count: 5)), timed(Array(repeating: 1_001, count: 5))))
        #expect(same.chance > 0.5)
        let slower = try #require(DurationComparison(timed(Array(repeating: 1_000, count: 5)), timed(Array(repeating: 1_500, count: 5))))
        #expect(slower.chance < 1e-6 && slower.effect.low > 1.4)
    }

    /// The example of Benjamini, Hochberg as `false_discovery_control` adjusts it.
    @Test("chances of many tests are adjusted so that of what differs one in twenty at most does so by chance")
    func adjusted() {
        let chances = [
            0.205, 0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.212, 0.216, 0.222, 0.251, 0.269, 0.275, 0.34, 0.341, 0.384, 0.569, 0.594, 0.696,
            0.762, 0.94, 0.942, 0.975, 0.986,
        ]
        let shares = FalseDiscovery.adjusted(chances)
        for (index, share) in [
            (0, 0.49107142857142866), (1, 0.025), (2, 0.1), (3, 0.21), (5, 0.21), (7, 0.2642857142857143), (15, 0.5328125), (16, 0.5647058823529413),
            (18, 0.781578947368421), (20, 0.9071428571428571), (24, 0.986),
        ] { #expect(near(shares[index], share)) }
        #expect(FalseDiscovery.adjusted([]).isEmpty)
    }

    /// `ttest_1samp(...).confidence_interval(.95)`
    @Test("paired differences have a mean with Student's interval")
    func paired() throws {
        var differences = PairedDifferences()
        #expect(differences.effect == nil)
        for difference in [0.1, -0.02, 0.05, 0, 0.3, 0.12, -0.04] { differences.add(difference) }
        let effect = try #require(differences.effect)
        #expect(near(effect.size, 0.07285714285714286) && near(effect.low, -0.03509184778765856) && near(effect.high, 0.18080613350194427))
    }

    @Test("of many tests that are alike hardly one is said to differ, and those that do are found")
    func discovery() throws {
        var seed: UInt64 = 7
        func chance() -> Double {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(seed >> 11) / Double(UInt64(1) << 53)
        }
        var (before, after): ([Fact], [Fact]) = ([], [])
        let ids = (0..<200).map { _ in ID<AnalyticsService.Test>.new() }
        for (index, id) in ids.enumerated() {
            for run in 0..<20 {
                func fact(_ rate: Double, _ factor: Double) -> Fact {
                    let scatter = exp(0.2 * (chance() + chance() + chance() + chance() - 2))
                    return Fact(
                        result: .new(), test: id, suiteName: "", className: "", name: "", outcome: chance() < rate ? .failed : .passed,
                        duration: Int64(50_000 * factor * scatter) + Int64(run))
                }
                before.append(fact(0.05, 1))
                after.append(fact(index < 10 ? 0.9 : 0.05, index % 50 == 25 ? 1.4 : 1))
            }
        }
        let comparison = SetComparison(TestSheet(before), TestSheet(after))
        let failing = Set(comparison.rows.filter { $0.kinds.contains(.failsMore) }.map(\.test))
        let slower = Set(comparison.rows.filter { $0.kinds.contains(.slower) }.map(\.test))
        #expect(failing.isSuperset(of: ids.prefix(10)) && failing.count <= 12)
        #expect(slower.isSuperset(of: [25, 75, 125, 175].map { ids[$0] }) && slower.count <= 6)
        let failure = try #require(comparison.failure.effect)
        #expect(failure.low > 0 && failure.low < 0.0425 && failure.high > 0.0425)
        #expect(comparison.paired == 200 && comparison.count(.alike) > 180)
    }
}
