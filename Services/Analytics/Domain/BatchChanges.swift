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
    /// Whether it ever passed, and ever did not.
    var hasPassed = false
    var hasFailed = false
    var lines: [TestLine] = []
    /// What stands around runs that are older than the newest one known, by their start; see `BatchChanges.late`.
    var gaps: [Date: Gap] = [:]

    /// Between two executions that are known. Skipped ones say nothing.
    struct Gap: Sendable, Equatable {
        /// Whether the one before passed, and the one behind; `nil` when there is none.
        var before: Bool?
        var behind: Bool?
        /// The one behind: runs with the same stand in the same gap.
        var behindResult: ID<Result>?
    }
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
    /// Executions that said how long they took, and the sum of it in microseconds.
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
    fileprivate(set) var stability: Stability?

    fileprivate init(_ fact: Fact, of test: ID<Test>, known: KnownTest) {
        self.test = test
        suiteName = fact.suiteName
        className = fact.className
        name = fact.name
        lastPassed = known.lastPassed
        lastOutcome = known.lastOutcome ?? fact.outcome
        lastStartedAt = known.lastStartedAt
        lines = TestLines(known.lines)
        self.known = known
        gap = .init(before: known.lastPassed)
    }

    private let known: KnownTest
    /// Where the executions that are added stand now. They follow each other there; each stands between the one before it and what is behind the gap.
    private var gap: KnownTest.Gap

    private var batch = -1

    /// Skipped executions say nothing about the test.
    /// - Parameter batch: not older than the one that was added before.
    fileprivate mutating func add(_ fact: Fact, of batch: FactBatch, number: Int) {
        tally.count(fact.outcome)
        if let time = fact.duration {
            timed += 1
            duration += time
        }
        lines.record(fact, of: batch)
        firstStartedAt = min(firstStartedAt, batch.startedAt)
        let isNewest = lastStartedAt <= batch.startedAt
        if self.batch != number {
            let next = batch.startedAt < known.lastStartedAt ? known.gaps[batch.startedAt] ?? .init() : .init(before: known.lastPassed)
            if next.behindResult != gap.behindResult || self.batch < 0 { gap = next }
        }
        self.batch = number
        if fact.outcome != .skipped {
            let passed = fact.outcome == .passed
            // Two new neighbours for one old one.
            flips += Self.flip(gap.before, passed) + Self.flip(passed, gap.behind) - Self.flip(gap.before, gap.behind)
            gap.before = passed
            if isNewest { lastPassed = passed }
        }
        guard isNewest else { return }
        lastStartedAt = batch.startedAt
        lastOutcome = fact.outcome
    }
}

extension TestChange {
    private static func flip(_ one: Bool?, _ other: Bool?) -> Int64 { one != nil && other != nil && one != other ? 1 : 0 }
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
        /// Microseconds over all facts.
        fileprivate(set) var duration: Int64 = 0
        /// Passes and failures by machine.
        fileprivate(set) var results: [String: Int64] = [:]
        /// What failed, with its test.
        fileprivate(set) var failures: [(fact: Fact, test: ID<Test>)] = []

        /// Something failed, or a test passed that had failed before: both may show that it was the environment.
        var mayShowEnvironment: Bool { !failures.isEmpty || flips > 0 }
    }

    /// - Parameters:
    ///   - batches: of one project.
    ///   - aliases: the tests that others stand for.
    ///   - known: tests that are known already.
    init(_ batches: [FactBatch], aliases: [ID<Test>: ID<Test>], known: [ID<Test>: KnownTest]) {
        var places: [ID<Test>: Int] = [:]
        for (number, batch) in batches.sorted(by: { $0.startedAt < $1.startedAt }).enumerated() {
            var part = Part(batch: batch, tests: batch.facts.map { aliases[$0.test] ?? $0.test })
            for (fact, test) in zip(batch.facts, part.tests) {
                let place = places[test] ?? tests.endIndex
                if place == tests.endIndex {
                    tests.append(TestChange(fact, of: test, known: known[test] ?? KnownTest()))
                    places[test] = place
                }
                let flips = tests[place].flips
                tests[place].add(fact, of: batch, number: number)
                part.flips += tests[place].flips - flips
                part.tally.count(fact.outcome)
                part.duration += fact.duration ?? 0
                if fact.outcome != .skipped { part.results[fact.host, default: 0] += 1 }
                if fact.outcome == .failed || fact.outcome == .errored { part.failures.append((fact, test)) }
            }
            self.batches.append(part)
        }
        let newest = self.batches.last?.batch.startedAt ?? .distantPast
        for index in tests.indices {
            let trimmed = tests[index].lines.trim(at: newest)
            guard !trimmed.changed.isEmpty else { continue }
            tests[index].stability = Stability(tests[index].lines.verdict)
            lines += trimmed.changed.map { (tests[index].test, $0) }
            gone += trimmed.gone.map { (tests[index].test, $0) }
        }
        tests.sort { $0.test < $1.test }
        lines.sort { $0.test < $1.test }
    }
}

extension BatchChanges {
    /// Executions of runs that are older than the newest one known of their test: results of the past that are imported, or that were overtaken. Of tests
    /// that have always ended alike nothing has to be known: there is no flip anywhere.
    static func late(_ batches: [FactBatch], aliases: [ID<Test>: ID<Test>], known: [ID<Test>: KnownTest]) -> [(test: ID<Test>, startedAt: Date)] {
        var mixed = known
        for fact in batches.lazy.flatMap(\.facts) {
            let test = aliases[fact.test] ?? fact.test
            switch fact.outcome {
            case .passed: mixed[test]?.hasPassed = true
            case .failed, .errored: mixed[test]?.hasFailed = true
            case .skipped: break
            }
        }
        var late: [Date: Set<ID<Test>>] = [:]
        for batch in batches {
            for fact in batch.facts {
                let test = aliases[fact.test] ?? fact.test
                guard let known = mixed[test], known.hasPassed, known.hasFailed, batch.startedAt < known.lastStartedAt else { continue }
                late[batch.startedAt, default: []].insert(test)
            }
        }
        return late.flatMap { time, tests in tests.map { (test: $0, startedAt: time) } }
    }
}
