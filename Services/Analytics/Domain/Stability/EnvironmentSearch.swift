/// Puts failures down to a host, a zone, an hour, or to what befell a single run.
///
/// Results of one commit are compared with each other first, so that code cannot be the reason: a commit that breaks a test breaks it everywhere. Tests
/// that failed on a commit in one place only, and passed in another, are counted there by their groups (tests of one class fail together for reasons
/// of their own); of all these, a place should have its share of their runs, and the binomial tail says how surprising more is. Commits are added up with the mean of their
/// shares, which errs on the safe side for the tail (Hoeffding, On the Distribution of the Number of Successes in Independent Trials, Ann. Math.
/// Statist. 27, 1956). Commits that were run once come second, and are compared with each other (`LoneFailures`). Contrasts have equal parts of one
/// error, kinds of places share a contrast's, and the places of a kind its part (Bonferroni).
///
/// Of the places that are more than chance the one that explains most is taken, what it explains is set aside, and the rest is looked at again.
package struct EnvironmentSearch: Sendable {
    package static let causeLimit = 16

    private let window: EnvironmentWindow
    private let method: EnvironmentMethod
    /// Of each run, in the order of the kinds.
    private let places: [[EnvironmentCause.Place]]
    /// Places of a kind that the window knows.
    private let tried: [EnvironmentCause.Place.Kind: Int]
    /// Of what failed; nothing where executions are not looked at.
    private let sequences: [UInt64: TestSequence]
    /// In the order of the window's failures; nothing where it is not asked for.
    private let ran: [EnvironmentCause.Place.Kind: [CommitRuns.Ran?]]
    private var guilty: [EnvironmentCause.Place] = []

    private init(_ window: EnvironmentWindow, by method: EnvironmentMethod) {
        self.window = window
        self.method = method
        let kinds = EnvironmentCause.Place.Kind.allCases
        places = window.runs.map { run in kinds.compactMap { $0.place(of: run) } }
        tried = Dictionary(uniqueKeysWithValues: kinds.map { kind in (kind, Set(window.runs.compactMap { kind.place(of: $0) }).count) })
        let sequences = TestSequence.all(method.looksAtExecutions ? window.executions : [])
        self.sequences = sequences
        ran = Dictionary(
            uniqueKeysWithValues: (method.asksForPasses ? kinds : []).map { ($0, CommitRuns.all(in: window, sequences, by: $0)) })
    }

    /// What explains most first. The order of runs and failures does not matter.
    package static func causes(in window: EnvironmentWindow, by method: EnvironmentMethod = .current) -> [EnvironmentCause] {
        var search = EnvironmentSearch(window, by: method)
        var found: [(place: EnvironmentCause.Place, numbers: PlaceNumbers)] = []
        for contrast in method.contrasts {
            while found.count < causeLimit, let next = search.next(in: contrast) {
                search.guilty.append(next.place)
                found.append(next)
            }
        }
        let explained = search.explained()
        return found.enumerated().compactMap { index, place in
            let failures = window.failures.indices.filter { explained[$0] == index }
            return failures.isEmpty ? nil : EnvironmentCause(place: place.place, numbers: place.numbers, failures: failures)
        }
    }

    private func next(in contrast: EnvironmentContrast) -> (place: EnvironmentCause.Place, numbers: PlaceNumbers)? {
        var best: (place: PlaceComparison, numbers: PlaceNumbers)?
        for kind in contrast.kinds {
            for place in compare(by: kind, in: contrast) where !guilty.contains(place.place) {
                let numbers = place.numbers(contrast, among: tried[kind, default: 1] * contrast.kinds.count * method.contrasts.count)
                guard numbers.isMoreThanChance(by: method) else { continue }
                let explainsMore = best.map { known in
                    place.excess > known.place.excess || place.excess == known.place.excess && place.failures < known.place.failures
                }
                if explainsMore ?? true { best = (place, numbers) }
            }
        }
        return best.map { ($0.place.place, $0.numbers) }
    }

    /// Every place of a kind where something failed that is not explained, against the others.
    private func compare(by kind: EnvironmentCause.Place.Kind, in contrast: EnvironmentContrast) -> [PlaceComparison] {
        let counts =
            switch contrast {
            case .sameCommit: withinCommits(by: kind)
            case .otherCommits: betweenCommits(by: kind).commits(fewestGroups: method.fewestGroups)
            }
        return Set(counts.flatMap(\.hits.keys)).sorted { $0.key < $1.key }.map { place in
            var comparison = PlaceComparison(place)
            for count in counts { comparison.add(count) }
            return comparison
        }
    }

    private func withinCommits(by kind: EnvironmentCause.Place.Kind) -> [CommitContrast.Counts] {
        let places = window.runs.map { $0.commit != 0 ? kind.place(of: $0) : nil }
        let isOpen = self.places.map { places in !places.contains(where: guilty.contains) }
        // A commit is looked at without its guilty runs, whose failures say nothing any more; with them, if it was run in one other place only.
        var (open, all): ([UInt64: CommitContrast], [UInt64: CommitContrast]) = ([:], [:])
        for (index, run) in window.runs.enumerated() {
            guard let place = places[index] else { continue }
            all[run.commit, default: CommitContrast()].ran(run.results, in: place)
            if isOpen[index] { open[run.commit, default: CommitContrast()].ran(run.results, in: place) }
        }
        let ran = self.ran[kind]
        for (index, failure) in window.failures.enumerated() {
            guard let place = places[failure.run] else { continue }
            all[window.runs[failure.run].commit]?.failed(failure, in: place, having: ran?[index])
            if isOpen[failure.run] { open[window.runs[failure.run].commit]?.failed(failure, in: place, having: ran?[index]) }
        }
        // In the order of commits: sums of fractions depend on theirs, and a window has to give the same numbers in every process.
        let silent = self.silent
        return all.sorted { $0.key < $1.key }.compactMap { commit, all in
            let rest = open[commit].flatMap { $0.results.count > 1 ? $0 : nil }
            let contrast = rest ?? all
            guard contrast.canCompare else { return nil }
            return contrast.counted(asksForPasses: method.asksForPasses, without: rest == nil ? [] : silent)
        }
    }

    private func betweenCommits(by kind: EnvironmentCause.Place.Kind) -> LoneFailures {
        LoneFailures(window, sequences, by: kind, without: silent)
    }

    /// Runs of which no part was outside the guilty places.
    private var silent: Set<UInt64> {
        let isGuilty = places.map { $0.contains(where: guilty.contains) }
        let all = Set(window.runs.indices.lazy.filter { isGuilty[$0] }.map { window.runs[$0].run })
        let open = Set(window.runs.indices.lazy.filter { !isGuilty[$0] }.map { window.runs[$0].run })
        return all.subtracting(open)
    }

    /// Of each failure the place in `guilty` that explains it: it failed there and in no other place on the commit, and either passed in one, since what
    /// fails wherever it runs is the code's, or between passes elsewhere on other commits.
    private func explained() -> [Int?] {
        let blame = places.map { places in guilty.firstIndex { places.contains($0) } }
        var runs: [UInt64: Set<UInt64>] = [:]
        for index in window.runs.indices where window.runs[index].results > 0 { runs[window.runs[index].commit, default: []].insert(id(index)) }
        var failed: [TestOfCommit<UInt64, UInt64>: (runs: Set<UInt64>, elsewhere: Bool)] = [:]
        for failure in window.failures {
            let key = TestOfCommit(test: failure.test, commit: window.runs[failure.run].commit)
            failed[key, default: ([], false)].runs.insert(id(failure.run))
            if blame[failure.run] == nil { failed[key]?.elsewhere = true }
        }
        let kinds = method.contrasts.contains(.otherCommits) ? EnvironmentContrast.otherCommits.kinds : []
        // Before it was asked for a pass, any run of the commit without the failure was enough.
        func passed(_ number: Int, _ kind: EnvironmentCause.Place.Kind, _ known: Set<UInt64>, _ commit: UInt64) -> Bool {
            method.asksForPasses ? ran[kind]?[number] != nil : known.count < runs[commit]?.count ?? 0
        }
        let around = Dictionary(uniqueKeysWithValues: kinds.map { ($0, betweenCommits(by: $0)) })
        return window.failures.enumerated().map { number, failure in
            let commit = window.runs[failure.run].commit
            guard commit != 0, let index = blame[failure.run], let known = failed[TestOfCommit(test: failure.test, commit: commit)], !known.elsewhere
            else { return nil }
            let place = guilty[index]
            if passed(number, place.kind, known.runs, commit) { return index }
            return around[place.kind]?.passed(around: failure, outside: place) ?? false ? index : nil
        }
    }

    /// A run that has no name is one by itself.
    private func id(_ index: Int) -> UInt64 { window.runs[index].run == 0 ? .max - UInt64(index) : window.runs[index].run }
}
