import Foundation

/// Puts failures down to a host, a zone or an hour.
///
/// Only results of one commit are compared with each other, so that code cannot be the reason: a commit that breaks a test breaks it everywhere. Of the
/// groups of tests that failed either in the place or elsewhere on that commit, but not in both, the share that failed in the place should be the place's
/// share of the results; the binomial tail says how surprising more is. Commits are added up with the mean of their shares, which errs on the safe
/// side for the tail (Hoeffding, On the Distribution of the Number of Successes in Independent Trials, Ann. Math. Statist. 27, 1956). Groups and not
/// tests are counted, because tests of one class fail together for reasons of their own. All places tried share one error (Bonferroni); the surest is
/// taken, its failures are set aside, and the rest is looked at again (Holm, Scand. J. Statist. 6, 1979).
package struct EnvironmentSearch: Sendable {
    /// Unrelated means: so many tests of so many groups.
    package static let fewestTests = 5
    package static let fewestGroups = 3
    /// Error over all places of a window.
    package static let error = 0.01
    /// Odds of failing there against elsewhere, at least.
    package static let leastOdds = 5.0
    package static let causeLimit = 16

    private let window: EnvironmentWindow
    private var open: [Bool]

    private init(_ window: EnvironmentWindow) {
        self.window = window
        open = [Bool](repeating: true, count: window.failures.count)
    }

    /// Surest first. The order of runs and failures does not matter.
    package static func causes(in window: EnvironmentWindow) -> [EnvironmentCause] {
        var search = EnvironmentSearch(window)
        var causes: [EnvironmentCause] = []
        while causes.count < causeLimit, let cause = search.surest() {
            for index in cause.failures { search.open[index] = false }
            causes.append(cause)
        }
        return causes
    }

    // Of equally sure ones the first is named.
    private static let kinds: [@Sendable (EnvironmentWindow.Run) -> EnvironmentCause.Place?] = [
        { $0.host == 0 ? nil : .host($0.host) },
        { .hour(Int64((Double($0.at) / 3_600_000).rounded(.down))) },
        { $0.zone == 0 ? nil : .zone($0.zone) },
    ]

    private func surest() -> EnvironmentCause? {
        var candidates: [EnvironmentCause] = []
        var tried = 0
        for kind in Self.kinds {
            tried += Set(window.runs.compactMap(kind)).count
            candidates += compare(by: kind).compactMap { $0.cause() }
        }
        let best = candidates.min { ($0.chance, -$0.tests, $0.failures.first ?? 0) < ($1.chance, -$1.tests, $1.failures.first ?? 0) }
        guard let best, best.chance * Double(tried) < Self.error else { return nil }
        return best.among(tried)
    }

    /// What is known of every place of a kind that had a failure and can be compared.
    private func compare(by kind: (EnvironmentWindow.Run) -> EnvironmentCause.Place?) -> [Comparison] {
        let places = window.runs.map(kind)
        var results: [UInt64: [EnvironmentCause.Place: Int]] = [:]
        for (run, place) in zip(window.runs, places) where run.commit != 0 {
            if let place { results[run.commit, default: [:]][place, default: 0] += max(0, run.results) }
        }
        // Per commit, where each group and each test failed.
        var failed: [UInt64: (groups: [UInt64: Set<EnvironmentCause.Place>], tests: [UInt64: Set<EnvironmentCause.Place>])] = [:]
        for (index, failure) in window.failures.enumerated() where open[index] {
            guard let place = places[failure.run], results[window.runs[failure.run].commit] != nil else { continue }
            failed[window.runs[failure.run].commit, default: ([:], [:])].groups[failure.unit, default: []].insert(place)
            failed[window.runs[failure.run].commit, default: ([:], [:])].tests[failure.test, default: []].insert(place)
        }
        // Commits in their order: sums of fractions depend on theirs, and the same window has to give the same numbers in every process.
        let contrasts = failed.keys.sorted().compactMap { commit in
            results[commit].flatMap { $0.count > 1 ? Contrast(groups: failed[commit]!.groups.values, results: $0) : nil }
        }
        var comparisons: [EnvironmentCause.Place: Comparison] = [:]
        for place in Set(contrasts.flatMap(\.only.keys)) {
            var comparison = Comparison(place)
            for contrast in contrasts { comparison.add(contrast) }
            comparisons[place] = comparison
        }
        for (index, failure) in window.failures.enumerated() where open[index] {
            guard let place = places[failure.run], let failing = failed[window.runs[failure.run].commit], comparisons[place] != nil,
                failing.tests[failure.test] == [place], (results[window.runs[failure.run].commit]?.count ?? 0) > 1
            else { continue }
            comparisons[place]?.take(index, failure)
        }
        return Array(comparisons.values)
    }
}

extension EnvironmentWindow.Failure {
    /// A test without a group is a group of its own.
    fileprivate var unit: UInt64 { group == 0 ? test : group }
}

extension EnvironmentCause {
    fileprivate func among(_ tried: Int) -> EnvironmentCause {
        EnvironmentCause(
            place: place, tests: tests, groups: groups, compared: compared, there: there, expected: expected, chance: chance * Double(tried),
            failures: failures)
    }
}

/// Where the groups of one commit failed.
private struct Contrast {
    /// Groups that failed in this place only, and in this place as well as elsewhere.
    var only: [EnvironmentCause.Place: Int] = [:]
    var both: [EnvironmentCause.Place: Int] = [:]
    let groups: Int
    let results: [EnvironmentCause.Place: Int]
    let all: Int

    init(groups: some Collection<Set<EnvironmentCause.Place>>, results: [EnvironmentCause.Place: Int]) {
        self.groups = groups.count
        self.results = results
        all = max(1, results.values.reduce(0, +))
        for places in groups {
            if places.count == 1 {
                only[places.first!, default: 0] += 1
            } else {
                for place in places { both[place, default: 0] += 1 }
            }
        }
    }
}

/// One place against the rest, added up over commits.
private struct Comparison {
    let place: EnvironmentCause.Place
    var there = 0
    var compared = 0
    var expected = 0.0
    var failures: [Int] = []
    var tests = Set<UInt64>()
    var groups = Set<UInt64>()

    init(_ place: EnvironmentCause.Place) { self.place = place }

    mutating func add(_ contrast: Contrast) {
        guard let results = contrast.results[place] else { return }
        let failing = contrast.groups - contrast.both[place, default: 0]
        there += contrast.only[place, default: 0]
        compared += failing
        expected += Double(failing) * Double(results) / Double(contrast.all)
    }

    mutating func take(_ index: Int, _ failure: EnvironmentWindow.Failure) {
        failures.append(index)
        tests.insert(failure.test)
        groups.insert(failure.unit)
    }

    func cause() -> EnvironmentCause? {
        guard tests.count >= EnvironmentSearch.fewestTests, groups.count >= EnvironmentSearch.fewestGroups, there >= EnvironmentSearch.fewestGroups
        else { return nil }
        let share = expected / Double(compared)
        // Half a group at both sides, so that nothing is divided by nothing.
        let odds = (Double(there) + 0.5) / (Double(compared - there) + 0.5)
        guard odds * (1 - share) >= EnvironmentSearch.leastOdds * share else { return nil }
        let chance = BetaDistribution.binomialTail(hits: there, trials: compared, rate: share)
        return EnvironmentCause(
            place: place, tests: tests.count, groups: groups.count, compared: compared, there: there, expected: expected, chance: chance,
            failures: failures)
    }
}
