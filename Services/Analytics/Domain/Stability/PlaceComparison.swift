/// Where the tests of one commit ran and failed, by places of one kind.
struct CommitContrast {
    private(set) var results: [EnvironmentCause.Place: Int] = [:]
    /// By group and test.
    private var failing: [UInt64: [UInt64: Set<EnvironmentCause.Place>]] = [:]
    /// By test, of those that are known to have passed elsewhere.
    private var elsewhere: [UInt64: CommitRuns.Ran] = [:]
    private(set) var failures: [EnvironmentCause.Place: Int] = [:]

    var canCompare: Bool { results.count > 1 && !failing.isEmpty }

    mutating func ran(_ count: Int, in place: EnvironmentCause.Place) { results[place, default: 0] += max(0, count) }

    mutating func failed(_ failure: EnvironmentWindow.Failure, in place: EnvironmentCause.Place, having ran: CommitRuns.Ran?) {
        failing[failure.related, default: [:]][failure.test, default: []].insert(place)
        failures[place, default: 0] += 1
        // Of several environments always the same one, in whatever order they come.
        guard let ran, ran.environment <= elsewhere[failure.test]?.environment ?? .max else { return }
        elsewhere[failure.test] = ran
    }

    /// What a commit says of its places.
    struct Counts {
        /// Groups with a test that failed as only the place explains, and the tests.
        var groups: [EnvironmentCause.Place: Set<UInt64>] = [:]
        var tests: [EnvironmentCause.Place: Set<UInt64>] = [:]
        /// What is counted of them.
        var hits: [EnvironmentCause.Place: Int] = [:]
        /// All of `hits`, over all places.
        var compared = 0
        /// Of `compared` that a place has by chance.
        var shares: [EnvironmentCause.Place: Double]
        let failures: [EnvironmentCause.Place: Int]
    }

    /// - Parameters:
    ///   - asksForPasses: only tests that passed elsewhere are counted, and where they ran makes the shares; else all results do.
    ///   - silent: runs that make no share.
    func counted(asksForPasses: Bool, without silent: Set<UInt64>) -> Counts {
        let all = Double(max(1, results.values.reduce(0, +)))
        var counts = Counts(shares: results.mapValues { Double($0) / all }, failures: failures)
        for (group, tests) in failing {
            for (test, places) in tests where places.count == 1 && (!asksForPasses || elsewhere[test] != nil) {
                for place in places {
                    counts.groups[place, default: []].insert(group)
                    counts.tests[place, default: []].insert(test)
                }
            }
        }
        counts.hits = counts.groups.mapValues(\.count)
        counts.compared = counts.hits.values.reduce(0, +)
        if asksForPasses { counts.shares = shares(among: counts.compared, without: silent) }
        return counts
    }

    /// The mean over what is compared, and within it over the tests: in the order of groups and tests, so that places of two kinds that have the same
    /// runs have the same sum.
    private func shares(among compared: Int, without silent: Set<UInt64>) -> [EnvironmentCause.Place: Double] {
        var shares: [EnvironmentCause.Place: Double] = [:]
        for (_, tests) in failing.sorted(by: { $0.key < $1.key }) {
            var counted: [(place: EnvironmentCause.Place, ran: CommitRuns.Ran)] = []
            for (test, places) in tests.sorted(by: { $0.key < $1.key }) {
                guard places.count == 1, let place = places.first, let ran = elsewhere[test] else { continue }
                counted.append((place, ran))
            }
            let numbers = Dictionary(counted.map { ($0.place, 1) }, uniquingKeysWith: +)
            for (place, ran) in counted {
                let all = Double(numbers[place, default: 1] * max(1, compared))
                for (other, share) in ran.shares(without: silent) { shares[other, default: 0] += share / all }
            }
        }
        return shares
    }
}

/// One place against the rest, added up over commits.
struct PlaceComparison {
    let place: EnvironmentCause.Place
    private var there = 0
    private var compared = 0
    private var expected = 0.0
    private var tests = Set<UInt64>()
    private var groups = Set<UInt64>()
    private(set) var failures = 0

    init(_ place: EnvironmentCause.Place) { self.place = place }

    /// What failed there beyond its share.
    var excess: Double { Double(there) - expected }

    mutating func add(_ contrast: CommitContrast.Counts) {
        guard let share = contrast.shares[place] else { return }
        there += contrast.hits[place] ?? 0
        compared += contrast.compared
        expected += Double(contrast.compared) * share
        groups.formUnion(contrast.groups[place] ?? [])
        tests.formUnion(contrast.tests[place] ?? [])
        failures += contrast.failures[place, default: 0]
    }

    /// - Parameter tried: places that share the error.
    func numbers(_ contrast: EnvironmentContrast, among tried: Int) -> PlaceNumbers {
        PlaceNumbers(
            contrast: contrast, tests: tests.count, groups: groups.count, compared: compared, there: there, expected: expected, tried: tried)
    }
}
