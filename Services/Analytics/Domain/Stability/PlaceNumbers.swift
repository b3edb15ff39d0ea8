import Foundation

/// What was counted of a place: all that decides whether it is more than chance, so that it can be decided once more.
package struct PlaceNumbers: Sendable, Equatable {
    package var contrast: EnvironmentContrast
    /// Distinct tests and groups of tests that failed there and, as the contrast has it, not elsewhere.
    package var tests: Int
    package var groups: Int
    /// On the same commit: groups with a test that failed in one place of its commit only, once for each such place; on other commits: commits on which
    /// unrelated tests failed between passes. How many of them here, and how many by chance.
    package var compared: Int
    package var there: Int
    package var expected: Double
    /// Places among which the error is shared, of all kinds and contrasts.
    package var tried: Int

    /// Probability of that many or more by chance.
    package var chance: Double { BetaDistribution.binomialTail(hits: there, trials: compared, rate: share) }

    package func isMoreThanChance(by method: EnvironmentMethod) -> Bool {
        guard tests >= method.fewestTests, groups >= method.fewestGroups, there >= method.fewestGroups else { return false }
        // Half a group at both sides, so that nothing is divided by nothing.
        let odds = (Double(there) + 0.5) / (Double(compared - there) + 0.5)
        return odds * (1 - share) >= method.leastOdds * share && chance * Double(tried) < method.error
    }

    private var share: Double { expected / Double(max(1, compared)) }
}
