import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("people's verdicts on tests, and receipts of the machine's", .database(AnalyticsProgram.schema, JobSchema.schema))
struct TestVerdictTests {
    typealias TestID = ID<AnalyticsService.Test>

    private let tenant = ID<Tenant>.new()
    private let project = ID<Project>.new()
    private let began = Date(timeIntervalSince1970: 1_790_000_000)

    private var database: Database { TestDatabase.current.database }
    private var stabilities: StabilityStore { StabilityStore(database: database) }
    private var facts: FactStore { FactStore(database: database, stabilities: stabilities) }
    private var tests: TestStore { TestStore(database: database) }
    private var verdicts: TestVerdictStore { TestVerdictStore(database: database) }
    private var quarantines: QuarantineStore { QuarantineStore(database: database) }

    private func person(_ name: String = "usr_ann", projects: Set<UUID>? = nil) -> Caller {
        Caller(
            identity: CallerIdentity(
                tenant: tenant, actor: name, permissions: ["runs.read", "failures.triage"], projects: projects))
    }

    /// Outcomes by letters: `p`assed, `f`ailed, `s`kipped; a commit for every third run.
    private func send(_ histories: [TestID: String], from first: Int = 0) async throws {
        for run in 0..<(histories.values.map(\.count).max() ?? 0) {
            let ran = histories.compactMap { test, history in
                run < history.count ? (test, Array(history)[run]) : nil
            }
            try await facts.insert(
                FactBatch(
                    project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c\((first + run) / 3)",
                    startedAt: began + Double(first + run) * 60,
                    facts: ran.map { test, letter in
                        Fact(
                            result: .new(), test: test, suiteName: "s", className: "c", name: "n",
                            outcome: letter == "p" ? .passed : letter == "s" ? .skipped : .failed, duration: 1)
                    }), tenant: tenant)
        }
    }

    private func serve(_ body: @Sendable (PBTestVerdicts.Client<InProcess.Transport>, PBStabilities.Client<InProcess.Transport>) async throws -> Void)
        async throws
    {
        let services: [any RegistrableRPCService] = [
            TestVerdictsRPC(tests: tests, stabilities: stabilities, verdicts: verdicts),
            StabilitiesRPC(tests: tests, stabilities: stabilities, quarantines: quarantines, revisions: RevisionStore(database: database)),
        ]
        try await InProcess.serve(services, rules: AnalyticsContract.rules, as: person()) { client in
            try await body(PBTestVerdicts.Client(wrapping: client), PBStabilities.Client(wrapping: client))
        }
    }

    private func put(_ test: TestID, _ kind: PBStability.Kind, reason: String = "seen it", version: Int64 = 0) -> PBPutTestVerdictRequest {
        .with {
            $0.test = test.description
            $0.kind = kind
            $0.reason = reason
            $0.version = version
        }
    }

    @Test("the latest person wins, both words are shown, what was said stays readable, and taking it back gives the test to the machine")
    func latest() async throws {
        let test = TestID.new()
        try await send([test: String(repeating: "p", count: 20)])
        try await serve { said, judged in
            let before = try await said.getTestVerdict(.with { $0.test = test.description })
            #expect(before.version == 1 && before.kind == .unspecified && !before.hasDecidedAt)
            let first = try await said.putTestVerdict(put(test, .flaky, reason: "clock", version: 1))
            #expect(first.version == 2 && first.decidedBy == "usr_ann" && first.reason == "clock")
            let stale = try await InProcess.fault { try await said.putTestVerdict(put(test, .broken, version: 1)) }
            #expect(stale.code == "precondition_failed")
            let second = try await Caller.with(person("usr_bob")) { try await said.putTestVerdict(put(test, .broken, version: 2)) }
            #expect(second.decidedBy == "usr_bob" && second.version == 3)
            var shown = try await judged.getTestStability(.with { $0.test = test.description })
            #expect(shown.stability.kind == .broken && shown.stability.judgedKind == .stable && shown.stability.confidence > 0.9)
            #expect(shown.test.stability.kind == .broken && shown.test.verdict == second)

            _ = try await said.deleteTestVerdict(.with { $0.test = test.description })
            _ = try await said.deleteTestVerdict(.with { $0.test = test.description })
            shown = try await judged.getTestStability(.with { $0.test = test.description })
            #expect(shown.stability.kind == .stable && shown.stability.judgedKind == .unspecified && !shown.test.hasVerdict)
            let page = try await said.listTestVerdicts(
                .with {
                    $0.test = test.description; $0.limit = 2
                })
            #expect(page.data.map(\.version) == [4, 3] && page.data.map(\.kind) == [.unspecified, .broken] && page.page.hasMore_p)
            let rest = try await said.listTestVerdicts(
                .with {
                    $0.test = test.description; $0.limit = 2; $0.cursor = page.page.nextCursor
                })
            #expect(rest.data == [first])
        }
        // Nobody's word can be changed or deleted, not even by the service itself.
        let changed = try await database.execute(.tenant(tenant), "update test_verdicts set reason = '' where tenant_id = \(tenant)")
        let deleted = try await database.execute(.tenant(tenant), "delete from test_verdicts where tenant_id = \(tenant)")
        let seen = try await database.rows(.tenant(.new()), "select 1 as one from test_verdicts") { _ in 1 }.count
        #expect(changed == 0 && deleted == 0 && seen == 0)
    }

    @Test(
        "what nobody can mean is refused",
        arguments: [
            (PBStability.Kind.unknown, "r", "/kind"), (.unspecified, "r", "/kind"), (.flaky, "", "/reason"), (.flaky, "a\u{0}", "/reason"),
            (.flaky, String(repeating: "r", count: 1001), "/reason"),
        ])
    func refused(kind: PBStability.Kind, reason: String, pointer: String) async throws {
        let test = TestID.new()
        try await send([test: "p"])
        try await serve { said, _ in
            let fault = try await InProcess.fault { try await said.putTestVerdict(put(test, kind, reason: reason)) }
            #expect(fault.kind == .invalid && fault.fields.first?.pointer == pointer)
            let unknown = try await InProcess.fault { try await said.putTestVerdict(put(.new(), .flaky)) }
            #expect(unknown.code == "test.not_found")
            let foreign = try await Caller.with(person(projects: [ID<Project>.new().uuid])) {
                try await InProcess.fault { try await said.putTestVerdict(put(test, .flaky)) }
            }
            #expect(foreign.kind == .notFound || foreign.kind == .forbidden)
        }
    }

    @Test("of two that judge at once on one version one is told, and no two words have one version")
    func race() async throws {
        let test = TestID.new()
        try await send([test: "ppp"])
        let wins = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    (try? await verdicts.put(.flaky, reason: "r", on: test, version: 1, by: "usr_a", tenant: tenant)) != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wins == 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for round in 0..<6 {
                group.addTask { _ = try await verdicts.put(.broken, reason: "\(round)", on: test, version: 0, by: "usr_a", tenant: tenant) }
                group.addTask { try await send([test: "p"], from: 10 + round) }
            }
            try await group.waitForAll()
        }
        let all = try await verdicts.list(PageRequest(limit: 50, cursor: ""), of: test, tenant: tenant).items
        #expect(all.map(\.version) == Array((2...8).reversed()))
        #expect(zip(all, all.dropFirst()).allSatisfy { ($0.decidedAt ?? .distantPast) > ($1.decidedAt ?? .distantFuture) })
        #expect(try await tests.get(test, tenant: tenant).verdict == all[0])
    }

    @Test("the machine goes on underneath and never counts a person's word: with it and without it what it remembers and says is the same")
    func echo() async throws {
        let (said, silent) = (TestID.new(), TestID.new())
        let histories = ["pppfpppppfppp", "ffffffff", "ppppppppppppppp"]
        for (index, history) in histories.enumerated() {
            let kinds: [StabilityVerdict.Kind] = [.stable, .flaky, .broken]
            for (test, part) in [(said, history), (silent, history)] { try await send([test: part], from: index * 20) }
            _ = try await verdicts.put(kinds[index], reason: "r", on: said, version: 0, by: "usr_a", tenant: tenant)
            let lines = try await stabilities.lines(of: [said, silent], tenant: tenant)
            #expect(lines[said]?.verdict.kind == lines[silent]?.verdict.kind)
            let (one, other) = (try await tests.get(said, tenant: tenant), try await tests.get(silent, tenant: tenant))
            #expect(one.stability == other.stability && one.verdict?.kind == kinds[index] && other.verdict == nil)
        }
    }

    @Test("the list of flaky tests and the quality score go by people's words; who said so can be asked for")
    func listed() async throws {
        let (both, machine, person, never, skipped) = (TestID.new(), TestID.new(), TestID.new(), TestID.new(), TestID.new())
        let flaky = "pppfppppfpppppfpppppfppp"
        try await send([both: flaky, machine: flaky, person: "ppppppp", never: flaky, skipped: "s"])
        for (test, kind) in [(both, StabilityVerdict.Kind.flaky), (person, .flaky), (never, .environment), (skipped, .flaky)] {
            _ = try await verdicts.put(kind, reason: "r", on: test, version: 0, by: "usr_a", tenant: tenant)
        }
        try await serve { _, judged in
            func listed(_ said: PBListFlakyTestsRequest.Said) async throws -> [String] {
                var (ids, cursor): ([String], String) = ([], "")
                repeat {
                    let page = try await judged.listFlakyTests(
                        .with {
                            $0.project = project.description; $0.said = said; $0.limit = 1; $0.cursor = cursor
                        })
                    ids += page.data.map(\.test.id)
                    cursor = page.page.nextCursor
                } while !cursor.isEmpty
                return ids
            }
            let all = try await listed(.unspecified)
            #expect(all.count == 4 && Set(all) == Set([both, machine, person, skipped].map(\.description)))
            #expect(Set(all.prefix(2)) == Set([both, machine].map(\.description)), "as likely as the machine says")
            #expect(try await Set(listed(.byPerson)) == Set([both, person, skipped].map(\.description)))
            #expect(try await listed(.byMachine) == [machine.description])
            #expect(try await listed(.overruled) == [never.description])
        }
        let census = try await tests.census(project: project, tenant: tenant)
        #expect(census.flaky == 4 && census.tests == 5)
    }

    @Test("of tests that are joined the later word holds")
    func joined() async throws {
        let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: quarantines)
        let (old, new, other) = (TestID.new(), TestID.new(), TestID.new())
        try await send([old: "ppp", new: "ppp", other: "ppp"])
        _ = try await verdicts.put(.flaky, reason: "old", on: old, version: 0, by: "usr_a", tenant: tenant)
        _ = try await verdicts.put(.broken, reason: "new", on: new, version: 0, by: "usr_b", tenant: tenant)
        try await aliases.set(new, to: old, project: project, tenant: tenant)
        var known = try await tests.get(old, tenant: tenant)
        #expect(known.verdict?.kind == .broken && known.verdict?.version == 3 && known.verdict?.decidedBy == "usr_b")
        _ = try await verdicts.put(.stable, reason: "other", on: other, version: 0, by: "usr_c", tenant: tenant)
        _ = try await verdicts.put(.regressed, reason: "last", on: old, version: 0, by: "usr_d", tenant: tenant)
        try await aliases.set(other, to: old, project: project, tenant: tenant)
        known = try await tests.get(old, tenant: tenant)
        #expect(known.verdict?.kind == .regressed && known.verdict?.version == 4)
    }

    @Test("a test that was an alias once is nobody's word's until it is judged anew, under a version of its own, and may be joined again either way")
    func apart() async throws {
        let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: quarantines)
        let (old, new, third) = (TestID.new(), TestID.new(), TestID.new())
        try await send([old: "ppp", new: "ppp", third: "ppp"])
        _ = try await verdicts.put(.flaky, reason: "first", on: new, version: 0, by: "usr_a", tenant: tenant)
        try await aliases.set(new, to: old, project: project, tenant: tenant)
        #expect(try await tests.get(old, tenant: tenant).verdict?.kind == .flaky)
        try await aliases.set(new, to: nil, project: project, tenant: tenant)
        try await send([new: "ppp"], from: 10)
        #expect(try await tests.get(new, tenant: tenant).verdict == nil)
        #expect(try await verdicts.get(new, tenant: tenant).version == 1)
        // What nobody sees of it any more is carried nowhere.
        try await aliases.set(new, to: third, project: project, tenant: tenant)
        #expect(try await tests.get(third, tenant: tenant).verdict == nil)
        try await aliases.set(new, to: nil, project: project, tenant: tenant)
        try await send([new: "ppp"], from: 20)
        let again = try await verdicts.put(.broken, reason: "second", on: new, version: 1, by: "usr_b", tenant: tenant)
        #expect(again.version == 3)
        try await verdicts.delete(on: new, version: 3, by: "usr_b", tenant: tenant)
        let all = try await verdicts.list(PageRequest(limit: 9, cursor: ""), of: new, tenant: tenant).items
        #expect(all.map(\.version) == [4, 3, 2] && all.map(\.kind) == [nil, .broken, .flaky])
        // Turned round: the word that the lasting test had from it comes back to it.
        try await aliases.set(old, to: new, project: project, tenant: tenant)
        #expect(try await tests.get(new, tenant: tenant).verdict == nil, "what was said later is that it is the machine's")
        _ = try await verdicts.put(.flaky, reason: "third", on: third, version: 0, by: "usr_c", tenant: tenant)
        try await aliases.set(third, to: new, project: project, tenant: tenant)
        let known = try await tests.get(new, tenant: tenant).verdict
        #expect(known?.kind == .flaky && known?.version == 5 && known?.reason == "third")
    }

    @Test("an alias that is turned round takes its word back with it")
    func turnedRound() async throws {
        let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: quarantines)
        let (old, new) = (TestID.new(), TestID.new())
        try await send([old: "ppp", new: "ppp"])
        _ = try await verdicts.put(.flaky, reason: "first", on: new, version: 0, by: "usr_a", tenant: tenant)
        try await aliases.set(new, to: old, project: project, tenant: tenant)
        try await aliases.set(new, to: nil, project: project, tenant: tenant)
        // There is no row of it yet.
        try await aliases.set(old, to: new, project: project, tenant: tenant)
        let known = try await tests.get(new, tenant: tenant).verdict
        #expect(known?.kind == .flaky && known?.version == 3 && known?.decidedBy == "usr_a")
    }

    @Test(
        "every receipt replays to the same, whatever came in whatever order; a row that somebody tampered with does not",
        arguments: [1, 2, 3] as [UInt64])
    func replay(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let all = (0..<12).map { _ in TestID.new() }
        for _ in 0..<12 {
            let first = Int.random(in: 0..<60, using: &random)
            var histories: [TestID: String] = [:]
            for test in all.shuffled(using: &random).prefix(6) {
                histories[test] = String((0..<3).map { _ in Int.random(in: 0..<5, using: &random) == 0 ? "f" : "p" })
            }
            try await send(histories, from: first)
        }
        try await serve { said, _ in
            for test in all {
                let replay = try await said.replayTestStability(.with { $0.test = test.description })
                let isSame = replay.inputHash == replay.receipt.inputHash && replay.stability == replay.receipt.stability
                #expect(replay.agrees && isSame && replay.inputHash.count == 16, "\(replay)")
                #expect(replay.receipt.model == StabilityModel.current.edition)
            }
            try await database.execute(
                .tenant(tenant), "update tests set stability = 'broken' where tenant_id = \(tenant) and id = \(all[0])")
            let other = try await said.replayTestStability(.with { $0.test = all[0].description })
            #expect(!other.agrees && other.receipt.stability.kind == .broken)
            try await database.execute(.tenant(tenant), "update test_lines set branch = 'x' where tenant_id = \(tenant) and test_id = \(all[1])")
            let moved = try await said.replayTestStability(.with { $0.test = all[1].description })
            #expect(!moved.agrees && moved.inputHash != moved.receipt.inputHash)
            for old in ["stability_model = 1", "stability_input = null"] as [SQL] {
                try await database.execute(.tenant(tenant), "update tests set \(fragment: old) where tenant_id = \(tenant) and id = \(all[2])")
                let lost = try await InProcess.fault { try await said.replayTestStability(.with { $0.test = all[2].description }) }
                #expect(lost.code == "stability.not_replayable" && lost.kind == .precondition)
            }
        }
    }
}
