import AnalyticsAPI
import CommonAPI
import Foundation
import Jobs
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import AnalyticsService

/// From facts to verdicts, over a real database.
@Suite("stability of tests, kept up with their facts", .database(AnalyticsProgram.schema, JobSchema.schema))
struct StabilityStoreTests {
    typealias TestID = ID<AnalyticsService.Test>

    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()
    let began = Date(timeIntervalSince1970: 1_790_000_000)

    private var stabilities: StabilityStore { StabilityStore(database: TestDatabase.current.database) }
    private var facts: FactStore { FactStore(database: TestDatabase.current.database, stabilities: stabilities) }
    private var quarantines: QuarantineStore { QuarantineStore(database: TestDatabase.current.database) }
    private var tests: TestStore { TestStore(database: TestDatabase.current.database) }

    private func batch(
        _ outcomes: [TestID: (outcome: Outcome, tries: Int)], run: Int, commit: String = "", branch: String = "main", environment: String = ""
    ) -> FactBatch {
        FactBatch(
            project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: commit, environment: environment,
            startedAt: began + Double(run) * 60,
            facts: outcomes.map {
                Fact(result: .new(), test: $0, suiteName: "s", className: "c", name: "n", outcome: $1.outcome, duration: 1, failedTries: $1.tries)
            })
    }

    private func send(_ batch: FactBatch) async throws { try await facts.insert(batch, tenant: tenant) }

    private func stability(_ test: TestID) async throws -> Stability? { try await tests.get(test, tenant: tenant).stability }

    /// Outcomes by letters: `p`assed, `f`ailed, `r`etried, `s`kipped; a commit for every third run.
    private func send(_ histories: [TestID: String], branch: String = "main", environment: String = "") async throws {
        let length = histories.values.map(\.count).max() ?? 0
        for run in 0..<length {
            var outcomes: [TestID: (outcome: Outcome, tries: Int)] = [:]
            for (test, history) in histories where run < history.count {
                switch Array(history)[run] {
                case "p": outcomes[test] = (.passed, 0)
                case "r": outcomes[test] = (.passed, 1)
                case "s": outcomes[test] = (.skipped, 0)
                default: outcomes[test] = (.failed, 0)
                }
            }
            try await send(batch(outcomes, run: run, commit: "c\(run / 3)", branch: branch, environment: environment))
        }
    }

    @Test(
        "flaky, retried, broken, regressed, stable and unknown tests are told apart as their facts arrive, and the flaky ones are listed, likeliest first"
    )
    func kinds() async throws {
        let known: [String: TestID] = ["flaky": .new(), "retried": .new(), "broken": .new(), "regressed": .new(), "stable": .new(), "young": .new()]
        func id(_ name: String) throws -> TestID { try #require(known[name]) }
        try await send([
            try id("flaky"): "pppfppppfpppppfpppppf" + "ppp", try id("retried"): "pppprppppprppprpp",
            try id("broken"): String(repeating: "f", count: 12),
            try id("regressed"): String(repeating: "p", count: 15) + String(repeating: "f", count: 9),
            try id("stable"): String(repeating: "p", count: 20) + "sss", try id("young"): "p",
        ])
        for (name, kind) in [
            ("flaky", StabilityVerdict.Kind.flaky), ("retried", .flaky), ("broken", .broken), ("regressed", .regressed), ("stable", .stable),
            ("young", .unknown),
        ] {
            let found = try await stability(id(name))
            #expect(found?.kind == kind, "\(name): \(String(describing: found))")
        }
        let rpc = StabilitiesRPC(
            tests: tests, stabilities: stabilities, quarantines: quarantines, revisions: RevisionStore(database: TestDatabase.current.database))
        try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway") { client in
            let client = PBStabilities.Client(wrapping: client)
            let first = try await client.listFlakyTests(
                .with {
                    $0.project = project.description; $0.limit = 1
                })
            let second = try await client.listFlakyTests(
                .with {
                    $0.project = project.description; $0.limit = 1; $0.cursor = first.page.nextCursor
                })
            let listed = first.data + second.data
            #expect(Set(listed.map(\.test.id)) == [try id("flaky").description, try id("retried").description] && !second.page.hasMore_p)
            #expect(listed[0].test.stability.flakyChance >= listed[1].test.stability.flakyChance)
            #expect(listed.allSatisfy { $0.reasons.contains { !$0.detail.isEmpty } })

            let regressed = try await client.getTestStability(.with { $0.test = (known["regressed"] ?? .new()).description })
            let since = try #require(regressed.reasons.first { $0.kind == .failsSince })
            #expect(since.commitSha == "c5" && since.count == 9)
            #expect(regressed.lines.map(\.results) == [24] && regressed.model == StabilityModel.current.edition)
            // The receipt: what was remembered gives the same verdict again.
            let states = zip(regressed.basis, regressed.messages).compactMap { StabilityState(bytes: Array($0), messages: Array($1)) }
            #expect(Stability(StabilityVerdict(states)) == (try await stability(id("regressed"))))
        }
    }

    @Test("a test that fails in one environment only is not flaky; a line is judged by itself when it is asked for")
    func lines() async throws {
        let test = TestID.new()
        try await send([test: String(repeating: "p", count: 20)], environment: "linux")
        try await send([test: String(repeating: "f", count: 10)], environment: "windows")
        #expect(try await stability(test)?.kind == .stable)
        let rpc = StabilitiesRPC(
            tests: tests, stabilities: stabilities, quarantines: quarantines, revisions: RevisionStore(database: TestDatabase.current.database))
        try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway") { client in
            let client = PBStabilities.Client(wrapping: client)
            let windows = try await client.getTestStability(
                .with {
                    $0.test = test.description; $0.branch = "main"; $0.environment = "windows"
                })
            #expect(windows.lines.map(\.environment) == ["windows", "linux"])
            #expect(windows.stability.kind != .flaky && windows.reasons.contains { $0.kind == .failsSince || $0.kind == .neverPassed })
            let missing = try await InProcess.fault {
                try await client.getTestStability(
                    .with {
                        $0.test = test.description; $0.branch = "gone"
                    })
            }
            #expect(missing.code == "test_line.not_found")
        }
    }

    @Test("of branches that come and go few are kept as long as they pass, of those that failed the newest, and always the main one")
    func branches() async throws {
        let test = TestID.new()
        func kept() async throws -> Set<String> {
            Set(try await stabilities.lines(of: [test], tenant: tenant)[test]?.lines.map(\.branch) ?? [])
        }
        for run in 0..<5 { try await send(batch([test: (.passed, 0)], run: run)) }
        for run in 5..<12 { try await send(batch([test: (.passed, 0)], run: run, branch: "pull/\(run)")) }
        #expect(try await kept() == ["main", "pull/5", "pull/6", "pull/7"])
        for run in 12..<14 { try await send(batch([test: (.failed, 0)], run: run, branch: "pull/\(run)")) }
        #expect(try await kept() == ["main", "pull/5", "pull/6", "pull/7", "pull/12", "pull/13"])
        // A month later what only passed has made room.
        try await send(batch([test: (.passed, 0)], run: 45_000))
        #expect(try await kept() == ["main", "pull/7", "pull/12", "pull/13"])
        for run in 45_001..<45_030 { try await send(batch([test: (.failed, 0)], run: run, branch: "pull/\(run)")) }
        #expect(try await kept() == Set(["main"] + (45_015..<45_030).map { "pull/\($0)" }))
    }

    // Fewer than are kept one by one.
    @Test("batches that arrive in any order, twice and at once, leave what one after the other leaves")
    func order() async throws {
        let (one, other) = (TestID.new(), TestID.new())
        let batches = (0..<12).map { run in
            batch([one: (run % 5 == 3 ? .failed : .passed, 0), other: (.passed, run % 4 == 1 ? 1 : 0)], run: run, commit: "c\(run / 4)")
        }
        for batch in batches { try await send(batch) }
        let expected = try await stabilities.lines(of: [one, other], tenant: tenant)
        let stranger = StabilityStoreTests()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for batch in (batches + batches).shuffled() { group.addTask { try await stranger.send(batch) } }
            try await group.waitForAll()
        }
        let found = try await stabilities.lines(of: [one, other], tenant: stranger.tenant)
        #expect(found.mapValues { $0.lines } == expected.mapValues { $0.lines })
        #expect(expected[other]?.lines.map(\.results) == [15])
    }

    @Test("results of one test in one upload, whose ids follow each other, and the tries of each are all told apart")
    func neighbours() {
        let base = UUID()
        var bytes = base.uuid
        var seen = Set<UInt32>()
        for index in 0..<200 {
            bytes.15 = UInt8(index)
            let fact = Fact(
                result: ID(uuid: UUID(uuid: bytes)), test: .new(), suiteName: "", className: "", name: "", outcome: .passed, duration: nil,
                failedTries: 3)
            let observations = fact.observations(at: began, commit: "c")
            #expect(observations.map(\.attempt) == [0, 1, 2, 3] && observations.map(\.passed) == [false, false, false, true])
            seen.formUnion(observations.map(\.order))
        }
        #expect(seen.count == 800)
    }

    @Test(
        "a test that fails on branches of a merge queue and passes on the main one at the same commits is listed as flaky, whichever arrives first",
        arguments: [false, true])
    func mergeQueue(isMainFirst: Bool) async throws {
        let (queued, worked) = (TestID.new(), TestID.new())
        for number in 0..<20 {
            let failed: Outcome = [2, 3, 7, 11, 12, 18].contains(number) ? .failed : .passed
            let queue = batch([queued: (failed, 0)], run: 3 * number, commit: "c\(number)", branch: "queue/\(number)")
            let main = batch([queued: (.passed, 0), worked: (.passed, 0)], run: 3 * number + 1, commit: "c\(number)")
            for batch in isMainFirst ? [main, queue] : [queue, main] { try await send(batch) }
            // What is under work has commits of its own.
            try await send(batch([worked: (failed, 0)], run: 3 * number + 2, commit: "w\(number)", branch: "pull/\(number)"))
        }
        #expect(try await stability(queued)?.kind == .flaky)
        #expect(try await stability(worked)?.kind == .stable)
        for test in [queued, worked] {
            let replay = try await stabilities.replay(test, tenant: tenant)
            #expect(replay.agrees && replay.receipt.model == 3)
        }
        let rpc = StabilitiesRPC(
            tests: tests, stabilities: stabilities, quarantines: quarantines, revisions: RevisionStore(database: TestDatabase.current.database))
        try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway") { client in
            let client = PBStabilities.Client(wrapping: client)
            let listed = try await client.listFlakyTests(.with { $0.project = project.description }).data
            #expect(listed.map(\.test.id) == [queued.description])
            let mixed = listed.first?.reasons.first { $0.kind == .bothOutcomesOnOneCommit }
            #expect(mixed?.count == 6)
            let known = try await client.getTestStability(.with { $0.test = worked.description })
            let reason = try #require(known.reasons.first { $0.kind == .failedElsewhere })
            #expect(reason.count == 6 && reason.of > 26 && !known.reasons.contains { $0.kind == .neverFailed })
        }
    }

    @Test("tests that are joined have the lines of one test with all their facts")
    func joined() async throws {
        let (old, new, whole) = (TestID.new(), TestID.new(), TestID.new())
        let outcomes = (0..<16).map { $0 % 4 == 2 ? Outcome.failed : .passed }
        for (run, outcome) in outcomes.enumerated() {
            try await send(batch([run < 8 ? old : new: (outcome, run == 5 ? 1 : 0)], run: run, commit: "c\(run / 3)"))
        }
        let aliases = AliasStore(database: TestDatabase.current.database, stabilities: stabilities, quarantines: quarantines)
        try await aliases.set(new, to: old, project: project, tenant: tenant)
        for (run, outcome) in outcomes.enumerated() { try await send(batch([whole: (outcome, run == 5 ? 1 : 0)], run: run, commit: "c\(run / 3)")) }
        let lines = try await stabilities.lines(of: [old, new, whole], tenant: tenant)
        #expect(lines[new] == nil)
        #expect(lines[old]?.lines.map(\.results) == lines[whole]?.lines.map(\.results))
        #expect(try await stability(old) == stability(whole))
        // What comes for the old name is recorded with the other.
        try await send(batch([new: (.failed, 0)], run: 20))
        #expect(try await stabilities.lines(of: [old], tenant: tenant)[old]?.lines[0].results == 18)
    }
}
