import Foundation
import Primitives

/// Runs that are compared with others: those of a branch, of an environment, or of a branch in an environment.
struct RunSet: Sendable, Hashable {
    /// The raw values are stored.
    enum Kind: String, Sendable { case branch, environment, line }

    let kind: Kind
    /// Cut as values of trends are; empty where it is no part of the set.
    let branch: String
    let environment: String

    /// `nil` when neither is named.
    init?(branch: String, environment: String) {
        guard !branch.isEmpty || !environment.isEmpty else { return nil }
        kind = environment.isEmpty ? .branch : branch.isEmpty ? .environment : .line
        self.branch = String(branch.prefix(RollupKey.mostCharacters))
        self.environment = String(environment.prefix(RollupKey.mostCharacters))
    }

    /// The sets that a run on this branch in this environment is in.
    static func all(branch: String, environment: String) -> Set<RunSet> {
        let ofBranch = RunSet(branch: branch, environment: "")
        let ofEnvironment = RunSet(branch: "", environment: environment)
        return Set([ofBranch, ofEnvironment, RunSet(branch: branch, environment: environment)].compactMap(\.self))
    }
}

/// Whole weeks (UTC, from Monday), the last of which may be under way.
struct WeekRange: Sendable, Equatable {
    /// Of one side.
    static let most = 13
    static let mostAgo = 52
    /// Weeks that are kept.
    static let kept = most + mostAgo + 1

    /// First days of its weeks, oldest first.
    let weeks: [String]

    /// - Parameters:
    ///   - count: weeks, the last of them included.
    ///   - ago: how many weeks before that of `now` the last one is.
    init(_ count: Int, ago: Int = 0, now: Date) {
        weeks = (0..<count).reversed().map { TrendPeriod.week.start(of: (now - Double($0 + ago) * 7 * 86_400).day) }
    }
}

/// What batches add to the sets that their runs are in.
struct SheetChanges: Sendable {
    struct Key: Sendable, Hashable {
        let set: RunSet
        /// Its Monday.
        let week: String
    }

    private(set) var sheets: [Key: TestSheet] = [:]

    /// Tests stand in sheets as they were delivered: what they are joined with is looked up when sheets are read, so that it can be taken back.
    init(_ batches: [FactBatch]) {
        for batch in batches {
            let sets = RunSet.all(branch: batch.branch, environment: batch.environment)
            guard !sets.isEmpty else { continue }
            let sheet = TestSheet(batch.facts)
            let week = TrendPeriod.week.start(of: batch.startedAt.day)
            for set in sets { sheets[Key(set: set, week: week), default: TestSheet()].add(sheet) }
        }
    }
}

/// Sheets of one set and week lie in several parts, so that a small delivery to a large project writes little: the logarithmic method (Bentley, Saxe,
/// *Decomposable Searching Problems I*, J. Algorithms 1, 1980). Each part is at least twice as large as the one behind it; so there are a few, reading all
/// costs at most twice what one would, and a test is written again some log₂ times at most.
enum SheetParts {
    /// How many of the parts stay as they are when another comes; those behind are merged with it.
    /// - Parameters:
    ///   - sizes: tests in each part, in their order.
    ///   - size: tests in the new one.
    static func staying(_ sizes: [Int], adding size: Int) -> Int {
        var (size, staying) = (size, sizes.count)
        while staying > 0, sizes[staying - 1] < 2 * size {
            staying -= 1
            size += sizes[staying]
        }
        return staying
    }
}
