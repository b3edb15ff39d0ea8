import Foundation

/// How well a project's tests serve, 0…100, by a formula that anybody can work out again:
///
///     score = 100 · Σ weight · value / Σ weight        value = 1 − measured / zero, within 0…1
///
/// over the terms that could be measured. Each term's points stand beside it and add up to the score.
package struct QualityScore: Sendable, Equatable {
    package enum Term: String, Sendable, CaseIterable {
        /// Failed of all judged results, without those that are put down to the environment: they say nothing either way.
        case failing
        /// Flaky tests of all tests.
        case flaky
        /// Broken and regressed tests of all tests.
        case regressed
        /// Tests of the main branch that have become slower (`SetComparison` of its last weeks with those before) of those that are timed.
        case slower
        /// Skipped of all results.
        case skipped
        /// Median hours from a test's first failure on the main branch until it passed again.
        case recovery

        /// What of the measured is worth nothing any more.
        package var zero: Double {
            switch self {
            case .failing: 0.2
            case .flaky: 0.1
            case .regressed: 0.05
            case .slower: 0.2
            case .skipped: 0.25
            case .recovery: 72
            }
        }

        package var usualWeight: Double {
            switch self {
            case .failing: 25
            case .flaky: 25
            case .regressed: 25
            case .slower: 10
            case .skipped: 5
            case .recovery: 10
            }
        }
    }

    package struct Share: Sendable, Equatable {
        package let term: Term
        /// In the term's unit: a share of 1, or hours.
        package let measured: Double
        /// 0…1
        package let value: Double
        package let weight: Double
        /// What it gives to the score, and what it would give at best.
        package let points: Double
        package let most: Double
    }

    /// 0…100; `nil` when nothing could be measured, or nothing that was has a weight.
    package let score: Double?
    /// In the order of the terms.
    package let shares: [Share]

    /// - Parameter measured: a term that is absent, negative or not a number could not be measured and counts neither way.
    /// - Parameter weights: those that are not given are the usual ones; negative ones count as 0.
    package init(_ measured: [Term: Double], weights: [Term: Double] = [:]) {
        let known = Term.allCases.compactMap { term -> (Term, Double, Double)? in
            guard let value = measured[term], value >= 0, value.isFinite else { return nil }
            let weight = weights[term] ?? term.usualWeight
            return (term, value, weight.isFinite ? max(0, weight) : 0)
        }
        let all = known.reduce(0) { $0 + $1.2 }
        shares = known.map { term, measured, weight in
            let value = max(0, 1 - measured / term.zero)
            let most = all > 0 ? 100 * weight / all : 0
            return Share(term: term, measured: measured, value: value, weight: weight, points: most * value, most: most)
        }
        score = all > 0 ? shares.reduce(0) { $0 + $1.points } : nil
    }

    /// The same measurements by other weights.
    package func weighed(by weights: [Term: Double]) -> QualityScore {
        QualityScore(Dictionary(uniqueKeysWithValues: shares.map { ($0.term, $0.measured) }), weights: weights)
    }
}
