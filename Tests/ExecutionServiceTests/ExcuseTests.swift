import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import ExecutionService

@Suite("what builds were told of whether failures stop them", .database(ExecutionProgram.schema, JobSchema.schema))
struct ExcuseTests {
    /// Ten o'clock.
    static let morning = Date(timeIntervalSince1970: 1_790_000_000)

    let fixture = UploadFixture()
    let held = PublishTests.Held()

    struct Clients: Sendable {
        let checks: PBQuarantineChecks.Client<InProcess.Transport>
        let excuses: PBExcuses.Client<InProcess.Transport>
    }

    private func serve<R: Sendable>(
        lane: Lane = .trusted, projects: Set<UUID>? = nil, _ body: (Clients) async throws -> R
    ) async throws -> R {
        let caller = Caller(
            identity: CallerIdentity(
                tenant: fixture.tenant, actor: "key_a", permissions: ["verdicts.read", "runs.read"], projects: projects, lane: lane))
        return try await InProcess.serve([held], as: .service("execution", tenant: fixture.tenant), signedBy: "execution") { analytics in
            let quarantine = Quarantine(
                failures: QuarantinedFailureStore(database: fixture.database), analytics: PBQuarantinedTests.Client(wrapping: analytics))
            let services: [any RegistrableRPCService] = [
                QuarantineChecksRPC(runs: fixture.runs, quarantine: quarantine),
                ExcusesRPC(runs: fixture.runs, excuses: ExcuseStore(database: fixture.database)),
            ]
            return try await InProcess.serve(services, rules: ExecutionContract.rules, as: caller) { client in
                try await body(Clients(checks: .init(wrapping: client), excuses: .init(wrapping: client)))
            }
        }
    }

    private func report(_ failing: String...) -> Data {
        let cases = failing.map { "<testcase classname='c' name='\($0)'><failure/></testcase>" }.joined()
        return Data("<testsuite name='s'>\(cases)<testcase classname='c' name='good'/></testsuite>".utf8)
    }

    private func test(_ name: String) -> ID<TestIdentity> { TestIdentity.id(project: fixture.project, suite: "s", className: "c", name: name) }

    /// The test is quarantined until noon.
    private func quarantine(_ name: String, version: Int64 = 1, owner: String = "@shop", until hours: Double = 2) {
        let entry = PBQuarantineInForce.with {
            $0.test = test(name).description
            $0.quarantine = "qrn_01jd3v9k2m8q4r6s7t0w1x2y3z"
            $0.version = version
            $0.owner = owner
            $0.ticket = "SHOP-12"
            $0.reason = "late answers"
            $0.expiresAt = .init(milliseconds: Self.morning + hours * 3600)
            $0.saidBy = "usr_a"
        }
        held.entries.withLock { $0 = [entry] }
        held.moment.withLock { $0 = Self.morning }
    }

    private func ask(_ clients: Clients, _ run: ID<Run>, unkept: Bool = false) async throws -> PBQuarantinedFailures {
        try await clients.checks.getQuarantinedFailures(
            .with {
                $0.run = run.description
                $0.unkept = unkept
            })
    }

    private func list(_ clients: Clients, _ run: ID<Run>, limit: Int32 = 0, cursor: String = "") async throws -> PBListExcusesResponse {
        try await clients.excuses.listExcuses(
            .with {
                $0.run = run.description
                $0.limit = limit
                $0.cursor = cursor
            })
    }

    @Test("a build that was excused in the morning can read at noon by which quarantine, whoever has edited it or let it expire since")
    func kept() async throws {
        let run = try await fixture.upload(report("a")).upload.run
        quarantine("a")
        try await serve { clients in
            let told = try await ask(clients, run)
            #expect(told.excused && told.id.hasPrefix("exc_") && told.data.map(\.quarantine.version) == [1])
            #expect(told.data[0].quarantine.owner == "@shop" && told.data[0].quarantine.saidBy == "usr_a")
            #expect(try await ask(clients, run).id == told.id)
            // Somebody edits it, then it is over.
            quarantine("a", version: 2, owner: "@pay", until: 1)
            let edited = try await ask(clients, run)
            #expect(edited.excused && edited.id != told.id && edited.data.map(\.quarantine.owner) == ["@pay"])
            held.entries.withLock { $0 = [] }
            held.moment.withLock { $0 = Self.morning + 7200 }
            let over = try await ask(clients, run)
            #expect(!over.excused && over.quarantinedTests == 0 && over.data.isEmpty && !over.id.isEmpty)

            let newest = try await list(clients, run, limit: 2)
            let oldest = try await list(clients, run, limit: 2, cursor: newest.page.nextCursor)
            #expect(newest.data.map(\.id) == [over.id, edited.id] && oldest.data.map(\.id) == [told.id] && !oldest.page.hasMore_p)
            #expect((newest.data + oldest.data).map(\.excused) == [false, true, true])
            #expect(newest.data.allSatisfy { $0.data.isEmpty && $0.edition == ExcuseEdition.current.number && $0.inputHash.count == 64 })
            let first = try await clients.excuses.getExcuse(.with { $0.excuse = told.id })
            #expect(first.decidedAt.date == Self.morning && first.runState == .failed && first.hasIncomplete && !first.incomplete)
            #expect(first.data.map(\.name) == ["a"] && first.data[0].quarantined && first.data[0].outcome == .failed && first.leftOutTests == 0)
            #expect(first.data[0].quarantine == told.data[0].quarantine && first.data[0].quarantine.reason == "late answers")
            #expect(first.data[0].quarantine.expiresAt.date == Self.morning + 7200 && first.data[0].result.hasPrefix("res_"))
            for id in [told.id, edited.id, over.id] {
                let replay = try await clients.excuses.replayExcuse(.with { $0.excuse = id })
                #expect(replay.agrees && replay.receipt.id == id && replay.excused == (id != over.id) && replay.inputHash.count == 64)
            }
        }
    }

    @Test("why a build was stopped is kept too: the failures that were not quarantined, a hundred by name and the others by their number")
    func stopped() async throws {
        let names = (0..<120).map { "t\($0)" }
        let cases = (names + ["a"]).map { "<testcase classname='c' name='\($0)'><error/></testcase>" }.joined()
        let run = try await fixture.upload(Data("<testsuite name='s'>\(cases)</testsuite>".utf8)).upload.run
        quarantine("a")
        try await serve { clients in
            let told = try await ask(clients, run)
            #expect(!told.excused && told.failingTests == 121 && told.quarantinedTests == 1)
            let kept = try await clients.excuses.getExcuse(.with { $0.excuse = told.id })
            #expect(kept.data.count == 101 && kept.leftOutTests == 20 && kept.failingTests == 121)
            #expect(kept.data.map(\.quarantined) == [true] + Array(repeating: false, count: 100))
            #expect(kept.data.dropFirst().map(\.test) == names.map { test($0) }.sorted().prefix(100).map(\.description))
            #expect(kept.data.dropFirst().allSatisfy { !$0.hasQuarantine && $0.outcome == .errored })
            #expect(try await clients.excuses.replayExcuse(.with { $0.excuse = told.id }).agrees)
        }
    }

    @Test("nothing is kept for whoever only looks, of later pages, of a run that goes on or passed")
    func unkept() async throws {
        quarantine("a")
        let open = try await fixture.upload(report("a"), ci: .init(key: "k")).upload.run
        let good = try await fixture.upload(report(), name: "good").upload.run
        let bad = try await fixture.upload(report("a"), name: "bad").upload.run
        try await serve { clients in
            let answers = try await [ask(clients, open), ask(clients, good), ask(clients, bad, unkept: true)]
            #expect(answers.map(\.excused) == [false, false, true] && answers.allSatisfy { $0.id.isEmpty })
            let second = try await clients.checks.getQuarantinedFailures(
                .with { ($0.run, $0.cursor) = (bad.description, test("good").description) })
            #expect(second.excused && second.id.isEmpty)
        }
        #expect(try await fixture.count("excuses") == 0)
    }

    @Test("a build of a fork is excused as any, and learns neither who said so nor why, nor does what is kept of that")
    func untrusted() async throws {
        quarantine("a")
        let run = try await fixture.upload(report("a"), lane: .untrusted).upload.run
        let told = try await serve(lane: .untrusted) { try await ask($0, run) }
        let entry = try #require(told.data.first?.quarantine)
        #expect(told.excused && entry.version == 1 && entry.hasExpiresAt && entry.id.hasPrefix("qrn_"))
        #expect([entry.owner, entry.ticket, entry.reason, entry.saidBy] == ["", "", "", ""])
        try await serve { clients in
            let kept = try await clients.excuses.getExcuse(.with { $0.excuse = told.id })
            #expect(kept.data.map(\.quarantine) == [entry])
            #expect(try await ask(clients, run).data.map(\.quarantine.owner) == ["@shop"])
        }
    }

    @Test("an Analytics of an earlier release, which tells the tests alone, excuses them as it did")
    func earlier() async throws {
        held.tests.withLock { $0 = [test("a").description] }
        let run = try await fixture.upload(report("a")).upload.run
        try await serve { clients in
            let told = try await ask(clients, run)
            #expect(told.excused && told.data.map(\.hasQuarantine) == [false])
            #expect(try await clients.excuses.replayExcuse(.with { $0.excuse = told.id }).agrees)
        }
    }

    @Test("a replay does not agree once another is kept, and an answer is there for nobody else and is only ever added")
    func receipts() async throws {
        quarantine("a")
        let run = try await fixture.upload(report("a")).upload.run
        let id = try await serve { try await ask($0, run).id }
        let unknown = ID<KeptExcuse>.new().description
        func code(projects: Set<UUID>? = nil, _ id: String) async throws -> String {
            try await serve(projects: projects) { clients in
                try await InProcess.fault { try await clients.excuses.replayExcuse(.with { $0.excuse = id }) }.code
            }
        }
        #expect(try await code(unknown) == "excuse.not_found")
        #expect(try await code(projects: [UUID()], id) == "excuse.not_found")
        let untouched = try await fixture.database.transaction(.tenant(fixture.tenant)) { tx in
            [try await tx.execute("update excuses set edition = edition"), try await tx.execute("delete from excuses")]
        }
        #expect(untouched == [0, 0])
        func change(_ statement: SQL) async throws {
            _ = try await TestDatabase.current.administer { try await $0.execute(.system, statement) }
        }
        // Of this test's tenant alone: others keep answers of their own meanwhile.
        let own: SQL = "where tenant_id = \(fixture.tenant)"
        let end = Self.morning.wholeMilliseconds
        try await change(
            """
            update excuses set basis = convert_to(replace(convert_from(basis, 'UTF8'), \(String(end + 7_200_000)), \(String(end))), 'UTF8')
            \(fragment: own)
            """)
        let replay = try await serve { try await $0.excuses.replayExcuse(.with { $0.excuse = id }) }
        #expect(!replay.agrees && !replay.excused && replay.quarantinedTests == 0 && replay.receipt.excused)
        try await change("update excuses set basis = '{}' \(fragment: own)")
        #expect(try await code(id) == "excuses.not_replayable")
        try await change("update excuses set edition = 99 \(fragment: own)")
        #expect(try await code(id) == "excuses.not_replayable")
    }

    @Test("of several that are told the same at once all are told by one answer; a run has so many and excuses nobody by any further one")
    func bounds() async throws {
        quarantine("a")
        let run = try await fixture.upload(report("a")).upload.run
        try await serve { clients in
            let ids = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 { group.addTask { try await ask(clients, run).id } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            #expect(try await fixture.count("excuses") == 1)
            let others = Int32(KeptExcuse.most - 1)
            try await fixture.database.execute(
                .tenant(fixture.tenant),
                """
                insert into excuses
                select c.* from excuses e
                cross join generate_series(1, \(others)) as n
                cross join lateral jsonb_populate_record(
                    e, jsonb_build_object('id', gen_random_uuid(), 'input_hash', '\\x' || md5(n::text))) as c
                where e.tenant_id = \(fixture.tenant) and e.run_id = \(run)
                """)
            #expect(try await ask(clients, run).id == ids.first)
            quarantine("a", version: 2)
            let full = try await InProcess.fault { try await ask(clients, run) }
            #expect(full.code == "excuses.full")
            #expect(try await ask(clients, run, unkept: true).excused)
        }
        #expect(try await fixture.count("excuses") == KeptExcuse.most)
    }

    // MARK: - By rules alone

    private func question(
        _ state: Run.State = .failed, isIncomplete: Bool = false, pending: Int = 0, failing: Int = 1, passedAgain: Int = 0,
        until hours: Double? = 2, isQuarantined: Bool = true
    ) throws -> ExcuseQuestion {
        let end = hours.map { (Self.morning + $0 * 3600).wholeMilliseconds }
        let entry = try end.map { end in
            QuarantineEntry(
                id: try ID("qrn_01jd3v9k2m8q4r6s7t0w1x2y3z"), version: 2, owner: "@shop", ticket: "", reason: "late", saidBy: "usr_a", expiresAt: end)
        }
        let test = ExcuseQuestion.Test(
            test: try ID("tst_01jd3v9k2m8q4r6s7t0w1x2y3z"), result: try ID("res_01jd3v9k2m8q4r6s7t0w1x2y3z"), suite: "s", className: "c",
            name: String(repeating: "n", count: 201), outcome: .failed, isQuarantined: isQuarantined, entry: entry)
        return ExcuseQuestion(
            state: state, isIncomplete: isIncomplete, pending: pending, failing: failing, passedAgain: passedAgain,
            tests: failing > 0 ? [test] : [])
    }

    @Test("edition 1 excuses a run that is over and whole, and whose failures are all in quarantine or passed again")
    func rules() throws {
        func excuses(_ question: ExcuseQuestion) throws -> Bool {
            Excuse(question, at: Self.morning, by: try #require(ExcuseEdition.numbered(1))).isExcused
        }
        #expect(try excuses(question()))
        #expect(try excuses(question(.error)))
        #expect(try excuses(question(until: nil)))
        #expect(try excuses(question(failing: 0, passedAgain: 1)))
        for state in Run.State.allCases where state != .failed && state != .error { #expect(try !excuses(question(state))) }
        #expect(try !excuses(question(isIncomplete: true)))
        #expect(try !excuses(question(pending: 1)))
        #expect(try !excuses(question(failing: 2)))
        #expect(try !excuses(question(failing: 0)))
        #expect(try !excuses(question(isQuarantined: false)))
        // It is over by the clock of the answer.
        #expect(try !excuses(question(until: 0)))
    }

    @Test("what is kept reads in a later release as it was written by this one")
    func format() throws {
        let bytes = try ExcuseBasis(Excuse(question(), at: Self.morning)).encoded()
        let id = "01jd3v9k2m8q4r6s7t0w1x2y3z"
        let entry = #"{"expiresAt":1790007200000,"id":"qrn_\#(id)","owner":"@shop","reason":"late","saidBy":"usr_a","ticket":"","version":2}"#
        let name = String(repeating: "n", count: 200)
        let test =
            #"{"className":"c","entry":\#(entry),"isQuarantined":true,"name":"\#(name)","outcome":2,"result":"res_\#(id)","suite":"s","test":"tst_\#(id)"}"#
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"edition":1,"question":{"failing":1,"isIncomplete":false,"passedAgain":0,"pending":0,"state":"failed","tests":[\#(test)]}}"#)
    }
}
