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
import TestSupport
import Testing
import ValidationAPI

@testable import ExecutionService

@Suite("kept retry plans, and what people say of tries", .database(ExecutionProgram.schema, JobSchema.schema))
struct KeptRetryPlanTests {
    let fixture = UploadFixture()
    let analytics = RetryPlanTests.Analytics()

    struct Clients: Sendable {
        let retries: PBRetries.Client<InProcess.Transport>
        let plans: PBRetryPlans.Client<InProcess.Transport>
        let words: PBRetryWords.Client<InProcess.Transport>
    }

    private var plans: RetryPlanStore { RetryPlanStore(database: fixture.database) }
    private var words: RetryWordStore { RetryWordStore(database: fixture.database) }

    private func serve<R: Sendable>(projects: Set<UUID>? = nil, _ body: (Clients) async throws -> R) async throws -> R {
        let permissions: Set<String> = ["verdicts.read", "runs.read", "failures.triage"]
        let caller = Caller(tenant: fixture.tenant, actor: "usr_a", permissions: permissions, projects: projects)
        let others: [any RegistrableRPCService] = [RetryPlanTests.Validation(), analytics]
        return try await InProcess.serve(others, as: .service("execution", tenant: fixture.tenant), signedBy: "execution") { upstream in
            let retries = RetriesRPC(
                runs: fixture.runs, retries: RetryStore(database: fixture.database), plans: plans, words: words, rules: fixture.rules,
                classifications: PBClassifications.Client(wrapping: upstream), evidence: PBFailureEvidences.Client(wrapping: upstream))
            let services: [any RegistrableRPCService] = [retries, RetryPlansRPC(runs: fixture.runs, plans: plans), RetryWordsRPC(words: words)]
            return try await InProcess.serve(services, rules: ExecutionContract.rules, as: caller) { client in
                try await body(Clients(retries: .init(wrapping: client), plans: .init(wrapping: client), words: .init(wrapping: client)))
            }
        }
    }

    /// `name: message` fails, `name:` passes; each takes a second.
    private func report(_ cases: KeyValuePairs<String, String>) -> Data {
        let body = cases.map { name, message in
            "<testcase classname='c' name='\(name)' time='1'>" + (message.isEmpty ? "" : "<failure message='\(message)'/>") + "</testcase>"
        }
        return Data("<testsuite name='s'>\(body.joined())</testsuite>".utf8)
    }

    private func test(_ name: String) -> ID<TestIdentity> { TestIdentity.id(project: fixture.project, suite: "s", className: "c", name: name) }

    private func ask(_ clients: Clients, _ run: ID<Run>, _ uploads: [ID<Upload>]) async throws -> PBRetryPlan {
        try await clients.retries.getRetryPlan(
            .with {
                $0.run = run.description
                $0.upload = uploads.map(\.description)
            })
    }

    private func list(_ clients: Clients, _ run: ID<Run>, limit: Int32 = 0, cursor: String = "") async throws -> PBListRetryPlansResponse {
        try await clients.plans.listRetryPlans(
            .with {
                $0.run = run.description
                $0.limit = limit
                $0.cursor = cursor
            })
    }

    // MARK: - Plans

    @Test("a plan that a build acts on is kept once with all its decisions, and comes to the same when it is made again")
    func kept() async throws {
        let ci = Run.CI(key: "build")
        let first = try await fixture.upload(report(["a": "ASSERTION 1 is not 2", "b": "TIMEOUT after 5 s", "good": ""]), ci: ci)
        let run = first.upload.run
        let told = try await serve { clients in
            let told = try await ask(clients, run, [first.upload.id])
            #expect(told.id.hasPrefix("rpl_") && told.retryTests == 2)
            #expect(try await ask(clients, run, [first.upload.id]).id == told.id)
            // Whoever looks at a run acts on nothing.
            #expect(try await ask(clients, run, []).id.isEmpty)
            let listed = try await list(clients, run)
            #expect(listed.data.map(\.id) == [told.id] && listed.data[0].plan.data.isEmpty && listed.data[0].plan.retryTests == 2)
            #expect(listed.data[0].edition == RetryEdition.current.number && listed.data[0].policy.maxAttempts == 3)
            #expect(listed.data[0].uploads == [first.upload.id.description] && listed.data[0].inputHash.count == 64)
            let kept = try await clients.plans.getKeptRetryPlan(.with { $0.retryPlan = told.id })
            #expect(kept.plan == told && kept.run == run.description && kept.hasDecidedAt)
            let replay = try await clients.plans.replayRetryPlan(.with { $0.retryPlan = told.id })
            #expect(replay.agrees && replay.inputHash == kept.inputHash && replay.plan.data == told.data && replay.receipt.id == told.id)
            return told
        }
        // A passing build has nothing to keep; one whose failures passed again is excused, and that is a verdict too.
        let good = try await fixture.upload(report(["a": ""]), ci: .init(key: "good"))
        let again = try await fixture.upload(report(["a": "", "b": ""]), ci: ci, retryOf: [first.upload.id])
        try await serve { clients in
            #expect(try await ask(clients, good.upload.run, [good.upload.id]).id.isEmpty)
            let excused = try await ask(clients, run, [first.upload.id, again.upload.id])
            #expect(excused.excused && excused.failingTests == 0 && excused.passedAgainTests == 2 && !excused.id.isEmpty)
            let newest = try await list(clients, run, limit: 1)
            #expect(newest.data.map(\.id) == [excused.id] && newest.data[0].plan.excused)
            let older = try await list(clients, run, limit: 1, cursor: newest.page.nextCursor)
            #expect(older.data.map(\.id) == [told.id] && !older.page.hasMore_p)
            #expect(try await clients.plans.replayRetryPlan(.with { $0.retryPlan = excused.id }).agrees)
        }
    }

    @Test("a replay does not agree once another is kept, and a plan is there for nobody else")
    func receipts() async throws {
        let first = try await fixture.upload(report(["a": "TIMEOUT after 5 s"]), ci: .init(key: "k"))
        let id = try await serve { try await ask($0, first.upload.run, [first.upload.id]).id }
        let unknown = ID<KeptRetryPlan>.new().description
        func code(projects: Set<UUID>? = nil, _ id: String) async throws -> String {
            try await serve(projects: projects) { clients in
                try await InProcess.fault { try await clients.plans.replayRetryPlan(.with { $0.retryPlan = id }) }.code
            }
        }
        #expect(try await code(unknown) == "retry_plan.not_found")
        #expect(try await code(projects: [UUID()], id) == "retry_plan.not_found")
        let untouched = try await fixture.database.transaction(.tenant(fixture.tenant)) { tx in
            [try await tx.execute("update retry_plans set edition = edition"), try await tx.execute("delete from retry_plans")]
        }
        #expect(untouched == [0, 0])
        #expect(try await fixture.count("retry_plans") == 1)
        func change(_ statement: SQL) async throws {
            _ = try await TestDatabase.current.administer { try await $0.execute(.system, statement) }
        }
        // Of this test's tenant alone: others keep plans of their own meanwhile.
        let own: SQL = "where tenant_id = \(fixture.tenant)"
        try await change(
            "update retry_plans set basis = convert_to(replace(convert_from(basis, 'UTF8'), '\"TIMEOUT\"', '\"TLS\"'), 'UTF8') \(fragment: own)")
        let replay = try await serve { try await $0.plans.replayRetryPlan(.with { $0.retryPlan = id }) }
        #expect(!replay.agrees && replay.plan.data.map(\.reason) == [.lasting] && replay.receipt.plan.retryTests == 1)
        try await change("update retry_plans set edition = 99 \(fragment: own)")
        #expect(try await code(id) == "retry_plans.not_replayable")
    }

    @Test("of several that keep the same plan at once all have the same one")
    func race() async throws {
        let first = try await fixture.upload(report(["a": "TIMEOUT after 5 s"]), ci: .init(key: "k"))
        let run = try await fixture.run(first.upload.run)
        let plan = RetryPlan(
            .init(
                uploads: [first.upload.id], candidates: [], failing: 0, passedAgain: 1, isWhole: true, policy: .init(), policyVersion: 1,
                remaining: 1))
        let ids = try await withThrowingTaskGroup(of: ID<KeptRetryPlan>.self) { group in
            for _ in 0..<8 { group.addTask { try await plans.insert(plan, of: run, at: Date(), tenant: fixture.tenant) } }
            return try await group.reduce(into: Set<ID<KeptRetryPlan>>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        #expect(try await fixture.count("retry_plans") == 1)
    }

    @Test("a run has so many kept plans and no more: those that are kept are told still, and whoever names no upload is told as well")
    func full() async throws {
        let ci = Run.CI(key: "k")
        let first = try await fixture.upload(report(["a": "TIMEOUT after 5 s"]), ci: ci)
        let run = first.upload.run
        let again = try await fixture.upload(report(["a": "TIMEOUT after 5 s"]), ci: ci, retryOf: [first.upload.id])
        let id = try await serve { try await ask($0, run, [first.upload.id]).id }
        let others = Int32(KeptRetryPlan.most - 1)
        try await fixture.database.execute(
            .tenant(fixture.tenant),
            """
            insert into retry_plans
            select c.* from retry_plans p
            cross join generate_series(1, \(others)) as n
            cross join lateral jsonb_populate_record(
                p, jsonb_build_object('id', gen_random_uuid(), 'input_hash', '\\x' || md5(n::text))) as c
            where p.tenant_id = \(fixture.tenant) and p.run_id = \(run)
            """)
        try await serve { clients in
            let refused = try await InProcess.fault { try await ask(clients, run, [first.upload.id, again.upload.id]) }
            #expect(refused.code == "retry_plans.full")
            #expect(try await ask(clients, run, [first.upload.id]).id == id)
            let unkept = try await ask(clients, run, [])
            #expect(unkept.id.isEmpty && unkept.failingTests == 1)
        }
        #expect(try await fixture.count("retry_plans") == KeptRetryPlan.most)
    }

    // MARK: - Words

    private func say(
        _ clients: Clients, _ kind: PBRetryWord.Kind, on name: String, version: Int64, note: String = "Slow host"
    ) async throws -> PBRetryWord {
        try await clients.words.putRetryWord(
            .with {
                $0.project = fixture.project.description
                $0.test = test(name).description
                $0.kind = kind
                $0.note = note
                $0.version = version
            })
    }

    private func word(_ clients: Clients, on name: String) async throws -> PBRetryWord {
        try await clients.words.getRetryWord(
            .with {
                $0.project = fixture.project.description
                $0.test = test(name).description
            })
    }

    @Test("people overrule what is tried again: the latest word holds in later plans, and taking it back leaves it to the rules")
    func overruled() async throws {
        let first = try await fixture.upload(report(["a": "TIMEOUT after 5 s", "b": "TLS no"]), ci: .init(key: "k"))
        try await serve { clients in
            func reasons() async throws -> [String: PBRetryDecision.Reason] {
                let plan = try await ask(clients, first.upload.run, [first.upload.id])
                #expect(try await clients.plans.replayRetryPlan(.with { $0.retryPlan = plan.id }).agrees)
                return Dictionary(uniqueKeysWithValues: plan.data.map { ($0.name, $0.reason) })
            }
            let unsaid = try await word(clients, on: "a")
            #expect(unsaid.kind == .unspecified && unsaid.version == 1 && unsaid.id.isEmpty)
            #expect(try await reasons() == ["a": .transient, "b": .lasting])
            let said = try await say(clients, .never, on: "a", version: 1, note: "It orders real goods.")
            #expect(said.version == 2 && said.saidBy == "usr_a" && said.kind == .never && said.hasSaidAt)
            _ = try await say(clients, .always, on: "b", version: 0)
            let plan = try await ask(clients, first.upload.run, [first.upload.id])
            #expect(plan.data.map(\.name) == ["b", "a"] && plan.data.map(\.reason) == [.personAlways, .personNever])
            #expect(plan.data[1].word.version == 2 && plan.data[1].detail == "usr_a says that it is never tried again: It orders real goods.")

            let stale = try await InProcess.fault { try await say(clients, .always, on: "a", version: 1) }
            #expect(stale.code == "precondition_failed")
            #expect(try await say(clients, .always, on: "a", version: 2).version == 3)
            #expect(try await reasons() == ["a": .personAlways, "b": .personAlways])
            func takeBack(version: Int64) async throws {
                _ = try await clients.words.deleteRetryWord(
                    .with {
                        $0.project = fixture.project.description
                        $0.test = test("a").description
                        $0.version = version
                    })
            }
            try await takeBack(version: 3)
            // There is nothing left to take back.
            try await takeBack(version: 4)
            #expect(try await reasons() == ["a": .transient, "b": .personAlways])
            #expect(try await word(clients, on: "a").version == 4)

            let project = fixture.project.description
            let all = try await clients.words.listRetryWords(.with { $0.project = project })
            #expect(all.data.map(\.kind) == [.unspecified, .always, .always, .never] && all.data.map(\.holding) == [false, false, true, false])
            let page = try await clients.words.listRetryWords(
                .with {
                    $0.project = project
                    $0.limit = 3
                })
            let rest = try await clients.words.listRetryWords(
                .with {
                    $0.project = project
                    $0.cursor = page.page.nextCursor
                })
            #expect(page.data.count == 3 && rest.data.map(\.note) == ["It orders real goods."] && !rest.page.hasMore_p)
        }
    }

    @Test("a word follows a test that is renamed, and one that is said under either name is the same test's")
    func renamed() async throws {
        try await serve { clients in
            #expect(try await say(clients, .never, on: "new", version: 1).version == 2)
            _ = try await fixture.aliases.insert(
                test("new"), of: test("old"), note: "", by: "key_test", project: fixture.project, tenant: fixture.tenant)
            let first = try await fixture.upload(report(["new": "TIMEOUT after 5 s"]), ci: .init(key: "k"))
            let plan = try await ask(clients, first.upload.run, [first.upload.id])
            #expect(plan.data.map(\.reason) == [.personNever] && plan.data[0].test == test("old").description)
            for name in ["old", "new"] {
                let found = try await word(clients, on: name)
                #expect(found.kind == .never && found.version == 2 && found.test == test("old").description)
            }
            let said = try await say(clients, .always, on: "new", version: 2)
            #expect(said.version == 3 && said.test == test("old").description)
            #expect(try await ask(clients, first.upload.run, [first.upload.id]).data.map(\.reason) == [.personAlways])
            func words(of name: String) async throws -> [PBRetryWord] {
                try await clients.words.listRetryWords(
                    .with {
                        $0.project = fixture.project.description
                        $0.test = test(name).description
                    }
                ).data
            }
            let all = try await words(of: "old")
            #expect(all.map(\.kind) == [.always, .never] && all.map(\.holding) == [true, false])
            #expect(all.allSatisfy { $0.test == test("old").description })
            #expect(try await words(of: "new") == all)
            #expect(try await words(of: "other").isEmpty)
            // Apart again, each has what was said of it by its own name.
            try await fixture.aliases.delete(test("new"), project: fixture.project, tenant: fixture.tenant)
            #expect(try await word(clients, on: "new").kind == .never)
            #expect(try await word(clients, on: "old").kind == .always)
        }
    }

    @Test("of two words at once one is told that it came late, nothing that was said is changed, and what says nothing is refused")
    func bounds() async throws {
        let codes = await withTaskGroup(of: String.self) { group in
            for kind in RetryWord.Kind.allCases {
                group.addTask {
                    do {
                        let saying = RetryWordStore.Saying(test: test("a"), kind: kind, note: "n", actor: "usr_a")
                        _ = try await words.add(saying, version: 1, project: fixture.project, tenant: fixture.tenant)
                        return ""
                    } catch {
                        return (error as? Fault)?.code ?? "\(error)"
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.sorted() == ["", "precondition_failed"])
        let untouched = try await fixture.database.transaction(.tenant(fixture.tenant)) { tx in
            [try await tx.execute("update retry_words set kind = null"), try await tx.execute("delete from retry_words")]
        }
        #expect(untouched == [0, 0])
        #expect(try await fixture.count("retry_words") == 1)
        try await serve { clients in
            let texts: [(PBRetryWord.Kind, String, String)] = [
                (.never, "", "/note"), (.never, String(repeating: "x", count: 1001), "/note"), (.never, "a\u{0}b", "/note"),
                (.unspecified, "n", "/kind"), (.UNRECOGNIZED(9), "n", "/kind"),
            ]
            for (kind, note, field) in texts {
                let fault = try await InProcess.fault { try await say(clients, kind, on: "b", version: 1, note: note) }
                #expect(fault.code == "request.invalid" && fault.fields.first?.pointer == field)
            }
        }
        let foreign = try await serve(projects: [UUID()]) { clients in
            try await InProcess.fault { try await word(clients, on: "a") }
        }
        #expect(foreign.code == "project.not_found")
    }
}
