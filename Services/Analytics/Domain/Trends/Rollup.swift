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
    /// Of suites, branches, environments and tags that one delivery may add to; what is more is added up under `rest`.
    static let mostValues = 200
    static let rest = "…"
    /// Characters of a value: a suite may be named by a whole path, and an index holds no more than some 2 KiB.
    static let mostCharacters = 200

    let dimension: TrendDimension
    let value: String
    /// Start of the run; the day in UTC is what counts.
    let day: String

    /// The values under which a run with these tags is counted, each once.
    static func values(ofTags tags: [String]) -> [String] {
        Array(Set(tags.map { String($0.prefix(mostCharacters)) }).filter { !$0.isEmpty }.sorted().prefix(mostValues))
    }
}

/// What batches of one project add to the rollups of its days.
struct RollupChanges: Sendable {
    private(set) var rollups: [RollupKey: Rollup] = [:]

    /// The suites of a delivery that are counted by their own names: the first ones of it.
    static func suites(of facts: [Fact]) -> Set<String> {
        var suites = Set<String>()
        var last = ""
        for fact in facts where fact.suiteName != last {
            last = fact.suiteName
            if !last.isEmpty, suites.count < RollupKey.mostValues { suites.insert(last) }
        }
        return suites
    }

    init(_ parts: [BatchChanges.Part]) {
        for part in parts { add(part.batch, recoveries: part.recoveries) }
    }

    private mutating func add(_ batch: FactBatch, recoveries: [Int64]) {
        let day = batch.startedAt.day
        var whole = Rollup()
        var suites: [String: Rollup] = [:]
        for fact in batch.facts {
            whole.add(fact)
            guard !fact.suiteName.isEmpty else { continue }
            // Neighbours are of one suite; the text is cut once for all of them.
            let isNew = suites[fact.suiteName] == nil
            suites[isNew && suites.count >= RollupKey.mostValues ? RollupKey.rest : fact.suiteName, default: Rollup()].add(fact)
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
        let key = RollupKey(dimension: dimension, value: String(value.prefix(RollupKey.mostCharacters)), day: day)
        rollups[key, default: Rollup()].add(rollup)
    }
}

extension Date {
    /// In UTC: `2026-03-01`.
    var day: String { formatted(.iso8601.year().month().day()) }
}
