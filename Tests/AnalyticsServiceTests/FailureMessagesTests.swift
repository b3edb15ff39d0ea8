import Foundation
import Jobs
import Postgres
import Primitives
import ServiceKit
import TestSupport
import Testing

@testable import AnalyticsService

@Suite struct FailureMessagesTests {
    /// What happens to a state: a result, a message of one, or that the environment is to blame for one or not.
    private enum Event {
        case result(TestObservation)
        case message(TestObservation)
        case excuse(TestObservation)
        case readmit(TestObservation)

        func happen(to state: inout StabilityState) {
            switch self {
            case .result(let result):
                state.record(
                    TestObservation(at: result.at, order: result.order, commit: result.commit, passed: result.passed, attempt: result.attempt))
            case .message(let result): state.messages.hear(result.fingerprint, at: result.at, order: result.order)
            case .excuse(let result):
                state.excuse(at: result.at, order: result.order)
                state.messages.excuse(at: result.at, order: result.order)
            case .readmit(let result):
                state.readmit(TestObservation(at: result.at, order: result.order, commit: result.commit, passed: false))
                state.messages.readmit(at: result.at, order: result.order)
            }
        }
    }

    @Test(
        "the verdict is the same whether messages come with their results, before or after them, in any order, twice, and of failures put down to the environment",
        arguments: 1...60 as ClosedRange<UInt64>)
    func order(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let results = Histories.random(
            runs: Int.random(in: 3...120, using: &random), failing: Double.random(in: 0.05...0.9, using: &random),
            commitLength: Int.random(in: 1...8, using: &random), using: &random)
        let failures = results.filter { !$0.passed }
        // An excuse follows its result: it is found by looking at results.
        let excused = failures.filter { _ in Int.random(in: 0..<6, using: &random) == 0 }
        let given = excused.filter { _ in Bool.random(using: &random) }
        let outcomes = results.map(Event.result) + excused.map(Event.excuse) + given.map(Event.readmit)
        var expected = StabilityState()
        for result in results {
            Event.result(result).happen(to: &expected)
            if !result.passed { Event.message(result).happen(to: &expected) }
        }
        for one in excused.map(Event.excuse) + given.map(Event.readmit) { one.happen(to: &expected) }
        let verdict = StabilityVerdict([expected])

        for _ in 0..<5 {
            // Results in their order, messages anywhere between them, some twice.
            var events = outcomes
            let again = failures.filter { _ in Bool.random(using: &random) }
            for failure in (failures + again).shuffled(using: &random) {
                events.insert(.message(failure), at: Int.random(in: 0...events.count, using: &random))
            }
            var state = StabilityState()
            for event in events { event.happen(to: &state) }
            #expect(state == expected)
            #expect(StabilityVerdict([state]) == verdict)
            #expect(StabilityState(bytes: state.bytes, messages: state.messages.bytes) == state)
        }
    }

    @Test(
        "whatever comes, as many are kept as weigh, the newest of all, in bounded bytes that nothing else is taken for",
        arguments: 1...20 as ClosedRange<UInt64>)
    func bounded(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var messages = FailureMessages()
        var all: [(at: Int64, order: UInt32)] = []
        for _ in 0..<500 {
            let one = (
                at: Int64.random(in: -1_000_000_000_000...2_000_000_000_000, using: &random), order: UInt32.random(in: 0 ... .max, using: &random)
            )
            all.append(one)
            if Bool.random(using: &random) {
                messages.excuse(at: one.at, order: one.order)
            } else {
                messages.hear(random.next() | 1, at: one.at, order: one.order)
            }
        }
        #expect(messages.newest.map(\.at) == Array(all.map(\.at).sorted().suffix(FailureMessages.limit)))
        let bytes = messages.bytes
        #expect(bytes.count <= 250)
        #expect(FailureMessages(bytes: bytes) == messages)
        for length in 1..<bytes.count { #expect(FailureMessages(bytes: Array(bytes.prefix(length))) == nil) }
        for _ in 0..<200 {
            var damaged = bytes
            damaged[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            _ = FailureMessages(bytes: damaged)
        }
        #expect(FailureMessages(bytes: []) == FailureMessages())
    }

    @Test("failures that say the same across passes speak for a flake, others for breakages; what a result says that nobody knows weighs nothing")
    func weight() {
        let alike = StabilityVerdict([StabilityState(Histories.of("P^20|F|P^20"))])
        func chance(_ text: String) -> Double { StabilityVerdict([StabilityState(Histories.of(text))]).flakyChance }
        #expect(chance("P^20|F|P^20|F|P^20") > chance("P^20|F|P^20|f|P^20"))
        #expect(chance("P^20|F^4|P^20") < chance("P^20|f^4|P^20"))
        var state = StabilityState(Histories.of("P^20|F|P^20"))
        state.messages.hear(5, at: 1, order: 77)
        state.messages.hear(5, at: 2, order: 78)
        #expect(StabilityVerdict([state]).flakyChance == alike.flakyChance)
        #expect(!StabilityVerdict([state]).reasons.contains { if case .alikeMessages = $0 { true } else { false } })
    }
}

/// Messages as Validation delivers them, over a real database.
@Suite("messages of failures reach what is remembered of tests", .database(AnalyticsProgram.schema, JobSchema.schema))
struct MessageStoreTests {
    typealias TestID = ID<AnalyticsService.Test>

    private let project = ID<Project>.new()
    private let began = Date(timeIntervalSince1970: 1_790_000_000)

    private var database: Database { TestDatabase.current.database }
    private var stabilities: StabilityStore { StabilityStore(database: database) }
    private var facts: FactStore { FactStore(database: database, stabilities: stabilities) }
    private var tests: TestStore { TestStore(database: database) }

    /// Twelve runs of four tests, of which one in three fails, with one of three messages.
    private func runs(_ tests: [TestID], using random: inout SplitMix) -> [(facts: FactBatch, messages: MessageBatch)] {
        (0..<12).map { run in
            let at = began + Double(run) * 60
            let facts = tests.map { test in
                Fact(
                    result: .new(), test: test, suiteName: "s", className: "c", name: "n",
                    outcome: Int.random(in: 0..<3, using: &random) == 0 ? .failed : .passed, duration: 1)
            }
            let messages = facts.filter { $0.outcome == .failed }.map {
                FailureMessage(result: $0.result, test: $0.test, fingerprint: UInt64.random(in: 1...3, using: &random))
            }
            return (
                FactBatch(
                    project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c\(run / 4)", startedAt: at, facts: facts),
                MessageBatch(project: project, branch: "main", environment: "", startedAt: at, messages: messages)
            )
        }
    }

    @Test("in any order, twice and at once with the facts, they leave the same lines and receipts", arguments: [7, 8] as [UInt64])
    func order(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let all = (0..<4).map { _ in TestID.new() }
        let runs = runs(all, using: &random)
        let (one, other, before) = (ID<Tenant>.new(), ID<Tenant>.new(), ID<Tenant>.new())
        for run in runs {
            try await facts.insert(run.facts, tenant: one)
            try await stabilities.hear([run.messages], tenant: one)
        }
        let queue = FactQueue(facts: facts)
        let shuffled = (runs + runs.prefix(4)).shuffled(using: &random)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for run in shuffled {
                group.addTask { try await queue.insert(run.facts, tenant: other) }
                group.addTask { try await queue.hear(run.messages, tenant: other) }
            }
            try await group.waitForAll()
        }
        try await stabilities.hear(runs.map(\.messages), tenant: before)
        try await facts.insert(runs.map(\.facts), tenant: before)

        let expected = try await stabilities.lines(of: all, tenant: one)
        #expect(expected.values.contains { $0.lines[0].state.messages.newest.count > 2 })
        for tenant in [other, before] {
            let found = try await stabilities.lines(of: all, tenant: tenant)
            #expect(found.mapValues(\.lines) == expected.mapValues(\.lines))
            for test in all {
                let replay = try await stabilities.replay(test, tenant: tenant)
                let other = try await stabilities.replay(test, tenant: one)
                #expect(replay.agrees && replay.receipt == other.receipt)
            }
        }
    }

    @Test("they follow a test that is joined to another, and are told in its reasons")
    func joined() async throws {
        let (tenant, old, new) = (ID<Tenant>.new(), TestID.new(), TestID.new())
        let quarantines = QuarantineStore(database: database)
        let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: quarantines)
        func send(_ test: TestID, _ run: Int, _ outcome: Outcome, says fingerprint: UInt64 = 9) async throws {
            let result = ID<AnalyticsService.Result>.new()
            let at = began + Double(run) * 60
            try await facts.insert(
                FactBatch(
                    project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c", startedAt: at,
                    facts: [Fact(result: result, test: test, suiteName: "s", className: "c", name: "n", outcome: outcome, duration: 1)]),
                tenant: tenant)
            guard outcome == .failed else { return }
            let message = FailureMessage(result: result, test: test, fingerprint: fingerprint)
            try await stabilities.hear(
                [MessageBatch(project: project, branch: "main", environment: "", startedAt: at, messages: [message])], tenant: tenant)
        }
        for (run, outcome) in [Outcome.passed, .failed, .passed].enumerated() { try await send(old, run, outcome) }
        for (run, outcome) in [Outcome.passed, .failed, .passed].enumerated() { try await send(new, 3 + run, outcome) }
        try await aliases.set(new, to: old, project: project, tenant: tenant)
        try await send(new, 6, .failed, says: 10)
        try await send(new, 7, .passed)
        let lines = try #require(await stabilities.lines(of: [old, new], tenant: tenant)[old])
        #expect(lines.verdict.reasons.contains(.alikeMessages(pairs: 1, of: 2)), "\(lines.verdict.reasons)")
        #expect(try await stabilities.replay(old, tenant: tenant).agrees)
    }

    @Test("a message for a test that has not run yet waits for it")
    func early() async throws {
        let (tenant, test) = (ID<Tenant>.new(), TestID.new())
        let message = FailureMessage(result: .new(), test: test, fingerprint: 3)
        try await stabilities.hear(
            [MessageBatch(project: project, branch: "main", environment: "", startedAt: began, messages: [message])], tenant: tenant)
        let line = try #require(await stabilities.lines(of: [test], tenant: tenant)[test]?.lines.first)
        #expect(line.results == 0 && !line.state.messages.isEmpty)
        let fault = try await InProcess.fault { _ = try await tests.get(test, tenant: tenant) }
        #expect(fault.code == "test.not_found")
    }
}
