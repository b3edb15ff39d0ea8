import Foundation

/// Puts failures down to a host, a zone, an hour, or to what befell a single run.
///
/// Only results of one commit are compared with each other, so that code cannot be the reason: a commit that breaks a test breaks it everywhere. Tests that
/// failed on a commit in one place only are counted there by their groups (tests of one class fail together for reasons of their own); of all these, a
/// place should have its share of the results, and the binomial tail says how surprising more is. Commits are added up with the mean of their shares,
/// which errs on the safe side for the tail (Hoeffding, On the Distribution of the Number of Successes in Independent Trials, Ann. Math. Statist. 27,
/// 1956). Kinds of places share one error, and the places of a kind its part (Bonferroni).
///
/// Of the places that are more than chance the one that explains most is taken, what it explains is set aside, and the rest is looked at again.
package struct EnvironmentSearch: Sendable {
    /// Unrelated means: so many tests of so many groups.
    package static let fewestTests = 5
    package static let fewestGroups = 3
    /// Error over all places of a window.
    package static let error = 0.01
    /// Odds of failing there against elsewhere, at least.
    package static let leastOdds = 2.0
    package static let causeLimit = 16

    private let window: EnvironmentWindow
    /// Of each run, in the order of the kinds.
    private let places: [[EnvironmentCause.Place]]
    /// Places of a kind that the window knows.
    private let tried: [Int]
    private var guilty: [EnvironmentCause.Place] = []
    /// Place in `guilty` by which a failure is explained.
    private var explained: [Int?]

    // The hour is always known, the others only if their hash is not 0. Of two places that explain as much the first kind is named.
    private static let kinds: [@Sendable (EnvironmentWindow.Run) -> EnvironmentCause.Place?] = [
        { $0.host == 0 ? nil : .host($0.host) },
        { .hour(Int64((Double($0.at) / 3_600_000).rounded(.down))) },
        { $0.zone == 0 ? nil : .zone($0.zone) },
        { $0.run == 0 ? nil : .run($0.run) },
    ]

    private init(_ window: EnvironmentWindow) {
        self.window = window
        places = window.runs.map { run in Self.kinds.compactMap { $0(run) } }
        tried = Self.kinds.map { kind in Set(window.runs.compactMap(kind)).count }
        explained = [Int?](repeating: nil, count: window.failures.count)
    }

    /// What explains most first. The order of runs and failures does not matter.
    package static func causes(in window: EnvironmentWindow) -> [EnvironmentCause] {
        var search = EnvironmentSearch(window)
        var found: [(place: EnvironmentCause.Place, numbers: PlaceNumbers)] = []
        while found.count < causeLimit, let next = search.next() {
            search.guilty.append(next.place)
            search.explain()
            found.append(next)
        }
        return found.enumerated().compactMap { index, place in
            let failures = window.failures.indices.filter { search.explained[$0] == index }
            return failures.isEmpty ? nil : EnvironmentCause(place: place.place, numbers: place.numbers, failures: failures)
        }
    }

    private func next() -> (place: EnvironmentCause.Place, numbers: PlaceNumbers)? {
        var best: (place: PlaceComparison, numbers: PlaceNumbers)?
        for (kind, tried) in zip(Self.kinds, tried) {
            for place in compare(by: kind) where !guilty.contains(place.place) {
                let numbers = place.numbers(among: tried * Self.kinds.count)
                guard numbers.isMoreThanChance else { continue }
                let explainsMore = best.map { known in
                    place.excess > known.place.excess || place.excess == known.place.excess && place.failures < known.place.failures
                }
                if explainsMore ?? true { best = (place, numbers) }
            }
        }
        return best.map { ($0.place.place, $0.numbers) }
    }

    /// Every place of a kind where something failed that is not explained, against the others.
    private func compare(by kind: (EnvironmentWindow.Run) -> EnvironmentCause.Place?) -> [PlaceComparison] {
        let places = window.runs.map { $0.commit != 0 ? kind($0) : nil }
        let isOpen = self.places.map { places in !places.contains(where: guilty.contains) }
        // A commit is looked at without its guilty runs, whose failures say nothing any more; with them, if it was run in one other place only.
        var (open, all): ([UInt64: CommitContrast], [UInt64: CommitContrast]) = ([:], [:])
        for (index, run) in window.runs.enumerated() {
            guard let place = places[index] else { continue }
            all[run.commit, default: CommitContrast()].ran(run.results, in: place)
            if isOpen[index] { open[run.commit, default: CommitContrast()].ran(run.results, in: place) }
        }
        for failure in window.failures {
            guard let place = places[failure.run] else { continue }
            all[window.runs[failure.run].commit]?.failed(failure, in: place)
            if isOpen[failure.run] { open[window.runs[failure.run].commit]?.failed(failure, in: place) }
        }
        // In the order of commits: sums of fractions depend on theirs, and a window has to give the same numbers in every process.
        let contrasts = all.sorted { $0.key < $1.key }.map { commit, all in
            open[commit].map { $0.results.count > 1 ? $0 : all } ?? all
        }.filter(\.canCompare).map { $0.counted() }
        return Set(contrasts.flatMap(\.there.keys)).sorted { $0.key < $1.key }.map { place in
            var comparison = PlaceComparison(place)
            for contrast in contrasts { comparison.add(contrast) }
            return comparison
        }
    }

    /// Failures in guilty places, of tests that failed in no other on the commit, and not in all of its runs: what fails everywhere is the code's.
    private mutating func explain() {
        let blame = places.map { places in guilty.firstIndex { places.contains($0) } }
        var runs: [UInt64: Set<UInt64>] = [:]
        for index in window.runs.indices where window.runs[index].results > 0 { runs[window.runs[index].commit, default: []].insert(id(index)) }
        var failed: [TestOfCommit: (runs: Set<UInt64>, elsewhere: Bool)] = [:]
        for failure in window.failures {
            let key = TestOfCommit(commit: window.runs[failure.run].commit, test: failure.test)
            failed[key, default: ([], false)].runs.insert(id(failure.run))
            if blame[failure.run] == nil { failed[key]?.elsewhere = true }
        }
        for (index, failure) in window.failures.enumerated() {
            let commit = window.runs[failure.run].commit
            guard commit != 0, let place = blame[failure.run], let known = failed[TestOfCommit(commit: commit, test: failure.test)],
                !known.elsewhere, known.runs.count < runs[commit]?.count ?? 0
            else { continue }
            explained[index] = place
        }
    }

    /// A run that has no name is one by itself.
    private func id(_ index: Int) -> UInt64 { window.runs[index].run == 0 ? .max - UInt64(index) : window.runs[index].run }

    private struct TestOfCommit: Hashable {
        let commit: UInt64
        let test: UInt64
    }
}
