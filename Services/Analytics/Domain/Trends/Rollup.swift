import Foundation
import Primitives

/// What the results of a project are told apart by. The raw values are stored.
enum TrendDimension: String, Sendable, CaseIterable {
    case all, suite, branch, environment, tag
    /// A single test: no sums are kept by it here, but changes of its durations (`TestLook`).
    case test
}

/// Results of one part of a project, added up: of a day, or of several days. Adding up is exact in any order and grouping.
struct Rollup: Sendable, Equatable {
    var tally = Tally()
    /// Microseconds: the sum over all facts that were carried out.
    var duration: Int64 = 0
    var durations = DurationHistogram()
    /// How long tests had failed when they passed again; kept of branches alone.
    var recoveries = DurationHistogram()

    mutating func add(_ fact: Fact) {
        tally.count(fact.outcome)
        guard let time = fact.taken else { return }
        duration += time
        durations.record(time)
    }

    mutating func add(_ other: Rollup) {
        tally.add(other.tally)
        duration += other.duration
        durations.merge(other.durations)
        recoveries.merge(other.recoveries)
    }
}

/// Of which part of a project, on which day.
struct RollupKey: Sendable, Hashable {
    /// Of a run that are counted.
    static let mostTags = 200
    /// Suites of a project's day that stand by their names: enough for one to each of ten thousand classes, and 400 days of them are what one statement adds up
    /// in two seconds. What comes when there are as many is added up under `rest`. One delivery may bring a suite with each of its facts.
    static let mostSuites = 10_000
    static let rest = "…"
    /// Characters of a value: a suite may be named by a whole path, and an index holds no more than some 2 KiB.
    static let mostCharacters = 200

    let dimension: TrendDimension
    let value: String
    /// Start of the run; the day in UTC is what counts.
    let day: String

    /// - Parameter value: whole or cut.
    init(dimension: TrendDimension, value: String, day: String) {
        self.dimension = dimension
        // Hardly any has as many bytes, which need no counting.
        self.value = value.utf8.count > Self.mostCharacters ? String(value.prefix(Self.mostCharacters)) : value
        self.day = day
    }

    /// What suites add up to that stand under no name of their own.
    static func remaining(on day: String) -> RollupKey { RollupKey(dimension: .suite, value: rest, day: day) }

    /// The values under which a run with these tags is counted, each once.
    static func values(ofTags tags: [String]) -> [String] {
        Array(Set(tags.map { String($0.prefix(mostCharacters)) }).filter { !$0.isEmpty }.sorted().prefix(mostTags))
    }
}

/// What batches of one project add to the rollups of its days.
struct RollupChanges: Sendable {
    private(set) var rollups: [RollupKey: Rollup] = [:]

    init(_ parts: [BatchChanges.Part]) {
        for part in parts { add(part.batch, recoveries: part.recoveries) }
    }

    /// Adds up under `rest` what suites that come new to their day have no room for.
    /// - Parameters:
    ///   - known: what is stored of these keys.
    ///   - standing: by day, the suites that stand there by their names.
    ///   - most: of them.
    /// - Returns: the suites that are added up, and how many of the others come to stand on each day.
    mutating func makeRoom(known: Set<RollupKey>, standing: [String: Int], most: Int) -> (rest: Set<RollupKey>, new: [String: Int]) {
        var (rest, new): (Set<RollupKey>, [String: Int]) = ([], [:])
        // By name: days that begin with the same delivery keep the same ones.
        let coming = rollups.keys.filter { $0.dimension == .suite && $0.value != RollupKey.rest && !known.contains($0) }
        for key in coming.sorted(by: { $0.value < $1.value }) {
            if standing[key.day, default: 0] + new[key.day, default: 0] < most {
                new[key.day, default: 0] += 1
            } else if let rollup = rollups.removeValue(forKey: key) {
                rollups[RollupKey.remaining(on: key.day), default: Rollup()].add(rollup)
                rest.insert(key)
            }
        }
        return (rest, new)
    }

    private mutating func add(_ batch: FactBatch, recoveries: [Int64]) {
        let day = batch.startedAt.day
        var whole = Rollup()
        var suites: [String: Rollup] = [:]
        for fact in batch.facts {
            whole.add(fact)
            // The text is cut once for all facts of a suite.
            if !fact.suiteName.isEmpty { suites[fact.suiteName, default: Rollup()].add(fact) }
        }
        add(whole, .all, "", day)
        for (name, rollup) in suites { add(rollup, .suite, name, day) }
        if !batch.branch.isEmpty {
            var branch = whole
            for recovery in recoveries { branch.recoveries.record(recovery) }
            add(branch, .branch, batch.branch, day)
        }
        if !batch.environment.isEmpty { add(whole, .environment, batch.environment, day) }
        for tag in RollupKey.values(ofTags: batch.tags) { add(whole, .tag, tag, day) }
    }

    private mutating func add(_ rollup: Rollup, _ dimension: TrendDimension, _ value: String, _ day: String) {
        rollups[RollupKey(dimension: dimension, value: value, day: day), default: Rollup()].add(rollup)
    }
}

extension Date {
    /// In UTC: `2026-03-01`.
    var day: String { formatted(.iso8601.year().month().day()) }
}
