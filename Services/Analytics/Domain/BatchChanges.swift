import Foundation
import Primitives

/// What is known of a test before a batch.
struct KnownTest: Sendable {
    /// `nil` while it has neither passed nor failed.
    var lastPassed: Bool?
    /// `nil` when there is no such test yet.
    var lastOutcome: Outcome?
    /// Start of the newest run.
    var lastStartedAt = Date.distantPast
    var lines: [TestLine] = []
}

/// How a test ended next before and next behind what a run has of it, as far as that is stored and no environment's doing; `nil` where nothing is.
struct Neighbours: Sendable {
    /// An execution that passed or failed, with what executions are ordered by.
    struct End: Sendable {
        let passed: Bool
        let at: Date
        let result: ID<Result>

        func precedes(_ other: End) -> Bool { (at.instant, result) < (other.at.instant, other.result) }
    }

    let before: End?
    let behind: End?
}

/// What batches make of one test.
struct TestChange: Sendable {
    let test: ID<Test>
    let suiteName: String
    let className: String
    let name: String
    /// What is added.
    private(set) var tally = Tally()
    private(set) var flips: Int64 = 0
    /// Executions that were carried out and said how long they took, and the sum of it in microseconds.
    private(set) var timed: Int64 = 0
    private(set) var duration: Int64 = 0
    /// What it is known for afterwards.
    private(set) var lastPassed: Bool?
    private(set) var lastOutcome: Outcome
    private(set) var lastStartedAt: Date
    /// Of the batches alone.
    private(set) var firstStartedAt = Date.distantFuture
    fileprivate(set) var lines: TestLines
    /// `nil` when no line has changed.
    fileprivate(set) var receipt: StabilityReceipt?

    fileprivate init(_ fact: Fact, of test: ID<Test>, known: KnownTest) {
        self.test = test
        suiteName = fact.suiteName
        className = fact.className
        name = fact.name
        lastPassed = known.lastPassed
        lastOutcome = known.lastOutcome ?? fact.outcome
        lastStartedAt = known.lastStartedAt
        lines = TestLines(known.lines)
    }

    /// How it ended last in the run that the newest fact is of: within a batch executions follow each other as they stand there, even in a late one.
    private var before: Bool?
    private var batch = -1
    fileprivate private(set) var isLate = false
    private var lastOfBatch: Bool?
    /// Before the batch's first fact.
    private var beforeBatch: Bool?
    /// Of the batches so far, when they are late: what is stored does not tell it yet.
    private var lastLate: Neighbours.End?

    /// Skipped executions say nothing about the test.
    /// - Returns: how long it had failed on its line before it passed, in microseconds.
    fileprivate mutating func add(_ fact: Fact, of batch: FactBatch, number: Int, between neighbours: Neighbours?) -> Int64? {
        tally.count(fact.outcome)
        if let time = fact.taken {
            timed += 1
            duration += time
        }
        let recovery = lines.record(fact, of: batch)
        firstStartedAt = min(firstStartedAt, batch.startedAt)
        if self.batch != number {
            // Deliveries of one run come in any order: it is the newest if nothing stands behind it.
            let (newest, start) = (lastStartedAt.instant, batch.startedAt.instant)
            let isNewest = newest < start || (newest == start && neighbours?.behind == nil)
            before = isNewest ? lastPassed : [neighbours?.before, lastLate].compactMap(\.self).max { $0.precedes($1) }?.passed
            beforeBatch = before
            (isLate, lastOfBatch) = (!isNewest, nil)
        }
        self.batch = number
        let isNewest = !isLate
        if fact.outcome != .skipped {
            let passed = fact.outcome == .passed
            if let before, before != passed { flips += 1 }
            (before, lastOfBatch) = (passed, passed)
            let end = Neighbours.End(passed: passed, at: batch.startedAt, result: fact.result)
            if isNewest { lastPassed = passed } else if lastLate?.precedes(end) ?? true { lastLate = end }
        }
        guard isNewest else { return recovery }
        lastStartedAt = batch.startedAt
        lastOutcome = fact.outcome
        return recovery
    }

    /// After the last fact of a batch. A run in between has two new neighbours where these had each other.
    fileprivate mutating func end(between neighbours: Neighbours) {
        guard isLate, let lastOfBatch else { return }
        // Newer ones were skipped, or are an environment's.
        guard let behind = neighbours.behind else { return lastPassed = lastOfBatch }
        if behind.passed != lastOfBatch { flips += 1 }
        if let beforeBatch, beforeBatch != behind.passed { flips -= 1 }
    }
}

/// What batches of one project change, worked out from what is known of its tests: as if each came by itself, in the order of their runs.
struct BatchChanges: Sendable {
    /// By id: rows of one order are found and written side by side.
    private(set) var tests: [TestChange] = []
    /// Lines to be written, and such that make room for others.
    private(set) var lines: [(test: ID<Test>, line: TestLine)] = []
    private(set) var gone: [(test: ID<Test>, line: TestLine)] = []
    private(set) var batches: [Part] = []

    /// What one batch adds by itself.
    struct Part: Sendable {
        let batch: FactBatch
        /// Of each fact.
        let tests: [ID<Test>]
        fileprivate(set) var tally = Tally()
        fileprivate(set) var flips: Int64 = 0
        /// More or fewer on days of runs behind it, by day: a change of outcome counts on the day of the later of its two executions.
        fileprivate(set) var flipsBehind: [String: Int64] = [:]
        /// Microseconds over all facts that were carried out.
        fileprivate(set) var duration: Int64 = 0
        /// Passes and failures by machine.
        fileprivate(set) var results: [String: Int64] = [:]
        /// How long tests had failed that passed now, in microseconds.
        fileprivate(set) var recoveries: [Int64] = []
        /// What failed, if only at first, with its test.
        fileprivate(set) var failures: [(fact: Fact, test: ID<Test>)] = []

        /// Something failed, or a test passed that had failed before: both may show that it was the environment.
        var mayShowEnvironment: Bool { !failures.isEmpty || flips != 0 || flipsBehind.values.contains { $0 != 0 } }
    }

    /// Tests that have run since the batch did or that another delivery of its run holds, with their first and last result in it: those that passed or
    /// failed in it, and of which such a result is known. Of others nothing stands beside it, and looking for that would read all that they skipped.
    static func late(
        _ batch: FactBatch, aliases: [ID<Test>: ID<Test>], known: [ID<Test>: KnownTest]
    ) -> [(test: ID<Test>, first: ID<Result>, last: ID<Result>)] {
        let start = batch.startedAt.instant
        var late: [ID<Test>: (first: ID<Result>, last: ID<Result>)] = [:]
        for fact in batch.facts where fact.outcome != .skipped {
            let test = aliases[fact.test] ?? fact.test
            guard let known = known[test], known.lastPassed != nil, known.lastStartedAt.instant >= start else { continue }
            let ends = late[test] ?? (first: fact.result, last: fact.result)
            late[test] = (first: min(ends.first, fact.result), last: max(ends.last, fact.result))
        }
        return late.map { (test: $0.key, first: $0.value.first, last: $0.value.last) }.sorted { $0.test < $1.test }
    }

    /// - Parameters:
    ///   - batches: of one project.
    ///   - aliases: the tests that others stand for.
    ///   - known: tests that are known already.
    ///   - around: by batch, of tests that have run since it did or in its run (`late`): their neighbours, as they are stored.
    init(
        _ batches: [FactBatch], aliases: [ID<Test>: ID<Test>], known: [ID<Test>: KnownTest], around: [String: [ID<Test>: Neighbours]] = [:]
    ) {
        var places: [ID<Test>: Int] = [:]
        for (number, batch) in batches.sorted(by: Self.precedes).enumerated() {
            var part = Part(batch: batch, tests: batch.facts.map { aliases[$0.test] ?? $0.test })
            let around = around[batch.event] ?? [:]
            var late = Set<ID<Test>>()
            for (fact, test) in zip(batch.facts, part.tests) {
                let place = places[test] ?? tests.endIndex
                if place == tests.endIndex {
                    tests.append(TestChange(fact, of: test, known: known[test] ?? KnownTest()))
                    places[test] = place
                }
                let flips = tests[place].flips
                if let recovery = tests[place].add(fact, of: batch, number: number, between: around[test]) { part.recoveries.append(recovery) }
                part.flips += tests[place].flips - flips
                if tests[place].isLate { late.insert(test) }
                part.tally.count(fact.outcome)
                part.duration += fact.taken ?? 0
                if fact.outcome != .skipped { part.results[fact.host, default: 0] += 1 }
                if fact.failedOnce { part.failures.append((fact, test)) }
            }
            for test in late.sorted() {
                guard let place = places[test] else { continue }
                // Of what nothing has counted yet nothing was asked.
                let neighbours = around[test] ?? Neighbours(before: nil, behind: nil)
                let flips = tests[place].flips
                tests[place].end(between: neighbours)
                let change = tests[place].flips - flips
                if change != 0, let behind = neighbours.behind { part.flipsBehind[behind.at.day, default: 0] += change }
            }
            self.batches.append(part)
        }
        let newest = self.batches.last?.batch.startedAt ?? .distantPast
        for index in tests.indices {
            let trimmed = tests[index].lines.trim(at: newest)
            guard !trimmed.changed.isEmpty else { continue }
            tests[index].receipt = tests[index].lines.receipt
            lines += trimmed.changed.map { (tests[index].test, $0) }
            gone += trimmed.gone.map { (tests[index].test, $0) }
        }
        tests.sort { $0.test < $1.test }
        lines.sort { $0.test < $1.test }
    }

    /// Deliveries of one run follow each other as their results were made.
    private static func precedes(_ one: FactBatch, _ other: FactBatch) -> Bool {
        let (start, otherStart) = (one.startedAt.instant, other.startedAt.instant)
        guard start == otherStart else { return start < otherStart }
        guard let first = one.facts.lazy.map(\.result).min(), let otherFirst = other.facts.lazy.map(\.result).min() else { return false }
        return first < otherFirst
    }
}

extension Date {
    /// In microseconds, as facts are kept: what came from there and what comes in say the same of one run.
    fileprivate var instant: Int64 { Int64((timeIntervalSinceReferenceDate * 1_000_000).rounded()) }
}
