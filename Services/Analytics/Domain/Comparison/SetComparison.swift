import Foundation
import Primitives

/// Two sets of runs held against each other, test by test: what differs by more than chance, and what all tests together show.
struct SetComparison: Sendable {
    /// Of the way in which differences are told; to be raised with it.
    static let edition: Int32 = 1
    /// A duration that differs by less is not worth a look, however sure it is.
    static let leastFactor = 1.1

    enum Kind: Sendable, CaseIterable {
        case failsMore, failsLess, slower, faster
        /// Ran in the second set only, and in the first only.
        case added, removed
        /// Nothing of it differs by more than chance.
        case alike
    }

    struct Row: Sendable {
        let test: ID<Test>
        let base: TestSums?
        let other: TestSums?
        /// Chance of the difference, and the share of false ones among all that are at least as sure (`FalseDiscovery`).
        let failure: (chance: Double, share: Double)?
        let duration: (chance: Double, share: Double)?
        let kinds: Set<Kind>

        /// The surest first.
        var key: RowKey { RowKey(share: min(failure?.share ?? 1, duration?.share ?? 1), test: test) }

        var failureEffect: Effect? { base.flatMap { base in other.flatMap { RateComparison.effect(base, $0) } } }
        var durationEffect: Effect? { base.flatMap { base in other.flatMap { DurationComparison(base, $0)?.effect } } }
    }

    /// In the order of their keys.
    let rows: [Row]
    /// Mean difference of the failure rate over the tests that both sets judged, each counting once.
    let failure: PairedDifferences
    /// Of the logarithm of the duration, over the tests that both sets timed.
    let duration: PairedDifferences
    /// Tests of which durations could be compared one by one.
    let timed: Int
    /// Of all that both sets did: the same sheets are compared alike by the same edition.
    let inputHash: UInt64

    init(_ base: TestSheet, _ other: TestSheet) {
        var pairs: [(test: ID<Test>, base: TestSums?, other: TestSums?)] = []
        pairs.reserveCapacity(max(base.count, other.count))
        TestSheet.pair(base, other) { pairs.append(($0, $1, $2)) }
        var (failure, duration) = (PairedDifferences(), PairedDifferences())
        var (failures, durations): ([Int: Double], [Int: Double]) = ([:], [:])
        var slower: [Int: Double] = [:]
        for (index, pair) in pairs.enumerated() {
            guard let base = pair.base, let other = pair.other else { continue }
            if let before = base.failureRate, let after = other.failureRate { failure.add(after - before) }
            if let before = base.meanLog, let after = other.meanLog { duration.add(after - before) }
            if RateComparison.canDiffer(base, other) { failures[index] = RateComparison.chance(base, other) }
            if let compared = DurationComparison(base, other) {
                durations[index] = compared.chance
                slower[index] = compared.factor
            }
        }
        let failureShares = Self.shares(failures)
        let durationShares = Self.shares(durations)
        rows = pairs.enumerated().map { index, pair in
            let failed = failures[index].map { (chance: $0, share: failureShares[index] ?? 1) }
            let took = durations[index].map { (chance: $0, share: durationShares[index] ?? 1) }
            var kinds: Set<Kind> = []
            switch (pair.base, pair.other) {
            case (nil, _): kinds.insert(.added)
            case (_, nil): kinds.insert(.removed)
            case (let base?, let other?):
                if let failed, failed.share <= FalseDiscovery.share {
                    kinds.insert((other.failureRate ?? 0) > (base.failureRate ?? 0) ? .failsMore : .failsLess)
                }
                if let took, let factor = slower[index], took.share <= FalseDiscovery.share {
                    if factor >= Self.leastFactor { kinds.insert(.slower) }
                    if factor <= 1 / Self.leastFactor { kinds.insert(.faster) }
                }
                if kinds.isEmpty { kinds.insert(.alike) }
            }
            return Row(test: pair.test, base: pair.base, other: pair.other, failure: failed, duration: took, kinds: kinds)
        }.sorted { $0.key < $1.key }
        (self.failure, self.duration, timed) = (failure, duration, durations.count)
        var hash = NumberHash()
        base.add(to: &hash)
        other.add(to: &hash)
        inputHash = hash.value
    }

    func count(_ kind: Kind) -> Int { rows.count { $0.kinds.contains(kind) } }

    /// Tests in both sets.
    var paired: Int { rows.count { $0.base != nil && $0.other != nil } }

    /// A page of the rows of some kinds.
    func page(_ kinds: Set<Kind>, from start: RowStart, limit: Int) -> Page<Row> {
        switch start {
        case .sureness(let last):
            let following = rows.lazy.filter { row in (last.map { $0 < row.key } ?? true) && !row.kinds.isDisjoint(with: kinds) }
            return Page(rows: Array(following.prefix(limit + 1)), limit: limit) { $0.key.description }
        case .id(let last):
            let following = rows.filter { row in (last.map { $0 < row.test } ?? true) && !row.kinds.isDisjoint(with: kinds) }
            return Page(rows: Array(following.sorted { $0.test < $1.test }.prefix(limit + 1)), limit: limit) { $0.test.description }
        }
    }

    private static func shares(_ chances: [Int: Double]) -> [Int: Double] {
        let order = Array(chances)
        return Dictionary(uniqueKeysWithValues: zip(order.map(\.key), FalseDiscovery.adjusted(order.map(\.value))))
    }
}

/// Behind which row of a comparison a page of them begins, in one of their orders; `nil` for the first page.
enum RowStart: Sendable {
    /// The surest come first. What is delivered moves rows in it.
    case sureness(after: RowKey?)
    /// By the tests' ids: no row moves, so all pages together have each test once.
    case id(after: ID<Test>?)
}

/// Where a row of a comparison stands, and where a page of the surest ends.
struct RowKey: Sendable, Comparable, CustomStringConvertible {
    let share: Double
    let test: ID<Test>

    static func < (left: RowKey, right: RowKey) -> Bool { (left.share, left.test) < (right.share, right.test) }

    init(share: Double, test: ID<Test>) {
        self.share = share
        self.test = test
    }

    /// - Throws: `page.invalid_cursor`.
    init?(_ text: String?) throws(Fault) {
        guard let text else { return nil }
        let parts = text.split(separator: "~")
        guard parts.count == 2, let bits = UInt64(parts[0]), let test = try? ID<Test>(String(parts[1])) else { throw .invalidCursor }
        let share = Double(bitPattern: bits)
        guard share >= 0, share <= 1 else { throw .invalidCursor }
        self.init(share: share, test: test)
    }

    /// The number to its last bit: rounded, a row would come twice or never.
    var description: String { "\(share.bitPattern)~\(test)" }
}
