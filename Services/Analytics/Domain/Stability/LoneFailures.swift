/// Failures of commits that were run once, whose tests passed before and behind: by places of one kind.
///
/// Code may be the reason of any of them, since one commit breaks what the next one mends, and of all that failed on a commit at once. But code does
/// not choose the place. So commits are counted, each once however much failed on it, and a place should have as many as its share of the runs around
/// them, as in a case-crossover study (Maclure, Am. J. Epidemiol. 133, 1991). Failures on several commits in a row may be one breakage.
struct LoneFailures {
    /// Runs of a test before and behind in which its hosts and zones are counted: these come and go.
    static let reach = 16
    /// On its own line, which may have machines of its own; where there are fewer, on any branch.
    static let fewestOnLine = 8

    private let window: EnvironmentWindow
    private let sequences: [UInt64: TestSequence]
    private let kind: EnvironmentCause.Place.Kind
    /// Runs in places that are found already: what failed in them says nothing any more.
    private let silent: Set<UInt64>
    /// By run; of those that were spread over several places, none.
    private let places: [UInt64: EnvironmentCause.Place]

    init(
        _ window: EnvironmentWindow, _ sequences: [UInt64: TestSequence], by kind: EnvironmentCause.Place.Kind, without silent: Set<UInt64>
    ) {
        self.window = window
        self.sequences = sequences
        self.kind = kind
        self.silent = silent
        var places: [UInt64: EnvironmentCause.Place] = [:]
        var spread = Set<UInt64>()
        for run in window.runs {
            if let place = kind.place(of: run), (places[run.run] ?? place) == place {
                places[run.run] = place
            } else {
                spread.insert(run.run)
            }
        }
        for run in spread { places[run] = nil }
        self.places = places
    }

    /// What failed alone on one commit in one place.
    private struct Portion {
        var groups = Set<UInt64>()
        /// Places in their sequences.
        var tests: [UInt64: Int] = [:]
        /// Those whose tests passed in another place before and behind.
        var groupsElsewhere = Set<UInt64>()
        var testsElsewhere = Set<UInt64>()
        var failures = 0
    }

    private struct TestOfPlace: Hashable {
        let place: EnvironmentCause.Place
        let test: UInt64
    }

    /// Commits on which unrelated tests failed alone, in the order of the commits: sums of fractions depend on theirs.
    func commits(fewestGroups: Int) -> [CommitContrast.Counts] {
        let all = portions()
        // Where many tests are flaky, some of them fail on each commit.
        let fewest = fewestGroups + 2 * usual(all)
        return all.sorted { $0.key < $1.key }.compactMap { _, places in
            // What fails in several places of a commit is the code's.
            let ill = places.filter { $0.value.groups.count >= fewest }
            guard ill.count == 1, let (place, portion) = ill.first else { return nil }
            var counts = CommitContrast.Counts(
                compared: 1, shares: shares(of: portion, at: place), failures: [place: portion.failures])
            if portion.groupsElsewhere.count >= fewest {
                counts.hits[place] = 1
                counts.groups[place] = portion.groupsElsewhere
                counts.tests[place] = portion.testsElsewhere
            }
            return counts
        }
    }

    /// Whether the test passed in other places before and behind, and failed in between only where failures say nothing.
    func passed(around failure: EnvironmentWindow.Failure, outside place: EnvironmentCause.Place) -> Bool {
        guard let sequence = sequences[failure.test], let index = sequence.places[window.runs[failure.run].run] else { return false }
        return passed(around: index, of: sequence, outside: place)
    }

    // MARK: - Alone

    private func portions() -> [UInt64: [EnvironmentCause.Place: Portion]] {
        var found: [(failure: EnvironmentWindow.Failure, commit: UInt64, place: EnvironmentCause.Place, index: Int)] = []
        var commits: [TestOfPlace: Set<UInt64>] = [:]
        for failure in window.failures {
            let run = window.runs[failure.run]
            guard let place = kind.place(of: run), !silent.contains(run.run), let sequence = sequences[failure.test],
                let index = sequence.places[run.run], isAlone(index, in: sequence)
            else { continue }
            found.append((failure, run.commit, place, index))
            if kind == .hour { commits[TestOfPlace(place: place, test: failure.test), default: []].insert(run.commit) }
        }
        var all: [UInt64: [EnvironmentCause.Place: Portion]] = [:]
        for one in found {
            // Commits of one hour may share a breakage; what each of them breaks by itself they do not share.
            guard (commits[TestOfPlace(place: one.place, test: one.failure.test)]?.count ?? 1) == 1, let sequence = sequences[one.failure.test] else {
                continue
            }
            let isElsewhere = passed(around: one.index, of: sequence, outside: one.place)
            var portion = all[one.commit]?[one.place] ?? Portion()
            portion.groups.insert(one.failure.related)
            portion.tests[one.failure.test] = one.index
            if isElsewhere {
                portion.groupsElsewhere.insert(one.failure.related)
                portion.testsElsewhere.insert(one.failure.test)
            }
            portion.failures += 1
            all[one.commit, default: [:]][one.place] = portion
        }
        return all
    }

    /// Of a commit that the test was run on once, between passes: the next ones on its line, and on any, where the same breakage would show as well.
    private func isAlone(_ index: Int, in sequence: TestSequence) -> Bool {
        let steps = sequence.steps
        guard steps[index].commit != 0, !steps[index].passed, sequence.commits[steps[index].commit]?.count == 1 else { return false }
        let ways: [(Int) -> Int?] = [
            { steps[$0].before }, { steps[$0].behind }, { $0 > 0 ? $0 - 1 : nil }, { $0 + 1 < steps.count ? $0 + 1 : nil },
        ]
        return ways.allSatisfy { passes(steps, from: index, by: $0) { _ in true } }
    }

    private func passed(around index: Int, of sequence: TestSequence, outside place: EnvironmentCause.Place) -> Bool {
        let steps = sequence.steps
        let ways: [(Int) -> Int?] = [{ steps[$0].before }, { steps[$0].behind }]
        return ways.allSatisfy { way in
            passes(steps, from: index, by: way) { step in places[step.run].map { $0 != place } ?? false }
        }
    }

    /// Whether there are but passes up to one on another commit that is enough.
    private func passes(
        _ steps: [TestSequence.Step], from index: Int, by next: (Int) -> Int?, until isEnough: (TestSequence.Step) -> Bool
    ) -> Bool {
        let commit = steps[index].commit
        var place = next(index)
        while let index = place {
            let step = steps[index]
            if !silent.contains(step.run) {
                guard step.passed else { return false }
                if step.commit != 0, step.commit != commit, isEnough(step) { return true }
            } else if kind == .hour, !step.passed, step.commit != commit {
                // An ill hour, or what was broken for as long.
                return false
            }
            place = next(index)
        }
        return false
    }

    // MARK: - Shares

    /// Groups that fail alone on commits that have few of them (lower quartile).
    private func usual(_ portions: [UInt64: [EnvironmentCause.Place: Portion]]) -> Int {
        var groups: [UInt64: [EnvironmentCause.Place: Int]] = [:]
        for run in window.runs where run.commit != 0 && run.results > 0 && !silent.contains(run.run) {
            guard let place = kind.place(of: run) else { continue }
            groups[run.commit, default: [:]][place] = portions[run.commit]?[place]?.groups.count ?? 0
        }
        let sorted = groups.values.flatMap(\.values).sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 4]
    }

    /// Where what failed might as well have failed: the mean over its tests of where these ran around it.
    private func shares(of portion: Portion, at place: EnvironmentCause.Place) -> [EnvironmentCause.Place: Double] {
        var shares: [EnvironmentCause.Place: Double] = [:]
        for (test, index) in portion.tests.sorted(by: { $0.key < $1.key }) {
            guard let steps = sequences[test]?.steps else { continue }
            var ran = [place: 1]
            for other in around(index, of: steps) where !silent.contains(steps[other].run) {
                if let place = places[steps[other].run] { ran[place, default: 0] += 1 }
            }
            let all = Double(ran.values.reduce(0, +)) * Double(portion.tests.count)
            for (place, count) in ran { shares[place, default: 0] += Double(count) / all }
        }
        return shares
    }

    /// Runs of a test among which the one that it failed in is held to be any.
    private func around(_ index: Int, of steps: [TestSequence.Step]) -> [Int] {
        if kind != .hour {
            var line: [Int] = []
            for way in [\TestSequence.Step.before, \TestSequence.Step.behind] {
                var (next, left) = (steps[index][keyPath: way], Self.reach)
                while let other = next, left > 0 {
                    line.append(other)
                    (next, left) = (steps[other][keyPath: way], left - 1)
                }
            }
            if line.count >= Self.fewestOnLine { return line }
        }
        // An hour is one of all that are known.
        let near = kind == .hour ? steps.indices : steps.indices.clamped(to: index - Self.reach..<index + Self.reach + 1)
        return near.filter { $0 != index && steps[$0].environment == steps[index].environment }
    }
}
