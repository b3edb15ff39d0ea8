/// Where tests that failed ran on the same commit and in the same environment.
///
/// Jobs of one commit may be runs of their own, with other tests or on another system. What ran in one place only says nothing of that place, since the
/// commit may have broken it; so a failure tells of its place if its test passed in another one. Its share of a place is how many of these runs were
/// there: many other results elsewhere make no failure rarer.
struct CommitRuns {
    /// Of one failure.
    struct Ran {
        let environment: UInt64
        /// Those of which somebody knows where they were.
        fileprivate var runs: [(run: UInt64, places: Set<EnvironmentCause.Place>, passed: Bool)] = []

        /// Parts of the runs; of such as were spread over several places, a whole one for each, which errs on the safe side.
        /// - Parameter silent: runs that are left out.
        func shares(without silent: Set<UInt64>) -> [EnvironmentCause.Place: Double] {
            let runs = runs.filter { !silent.contains($0.run) }
            var counts: [EnvironmentCause.Place: Int] = [:]
            for run in runs { for place in run.places { counts[place, default: 0] += 1 } }
            return counts.mapValues { Double($0) / Double(runs.count) }
        }
    }

    private struct Key: Hashable {
        let test: TestOfCommit<UInt64, UInt64>
        let environment: UInt64
    }

    private let kind: EnvironmentCause.Place.Kind
    private let sequences: [UInt64: TestSequence]
    /// By run; of one of which nobody knows where some of it was carried out, none.
    private let places: [UInt64: Set<EnvironmentCause.Place>]
    private var known: [Key: Ran] = [:]

    private init(_ window: EnvironmentWindow, _ sequences: [UInt64: TestSequence], by kind: EnvironmentCause.Place.Kind) {
        self.kind = kind
        self.sequences = sequences
        var places: [UInt64: Set<EnvironmentCause.Place>] = [:]
        var unknown = Set<UInt64>()
        for run in window.runs {
            if let place = kind.place(of: run) { places[run.run, default: []].insert(place) } else { unknown.insert(run.run) }
        }
        for run in unknown { places[run] = nil }
        self.places = places
    }

    /// In the order of the window's failures; `nil` of such as tell nothing of their place: the test did not pass elsewhere, or nobody knows.
    static func all(
        in window: EnvironmentWindow, _ sequences: [UInt64: TestSequence], by kind: EnvironmentCause.Place.Kind
    ) -> [Ran?] {
        var runs = CommitRuns(window, sequences, by: kind)
        return window.failures.map { failure in
            let run = window.runs[failure.run]
            guard let place = kind.place(of: run), runs.places[run.run] != nil, let ran = runs.ran(failure.test, with: run) else { return nil }
            return ran.runs.contains { $0.passed && !$0.places.contains(place) } ? ran : nil
        }
    }

    private mutating func ran(_ test: UInt64, with run: EnvironmentWindow.Run) -> Ran? {
        guard run.commit != 0, let sequence = sequences[test], let own = sequence.places[run.run] else { return nil }
        let key = Key(test: TestOfCommit(test: test, commit: run.commit), environment: sequence.steps[own].environment)
        if let ran = known[key] { return ran }
        var ran = Ran(environment: key.environment)
        for index in sequence.commits[run.commit] ?? [] {
            let step = sequence.steps[index]
            guard step.environment == key.environment, let there = places[step.run] else { continue }
            ran.runs.append((step.run, there, step.passed))
        }
        known[key] = ran
        return ran
    }
}
