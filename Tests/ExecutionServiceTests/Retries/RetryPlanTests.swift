import AnalyticsAPI
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
import ValidationAPI

@testable import ExecutionService

/// Plans over real uploads; what Validation and Analytics know is made up.
@Suite("retry plans", .database(ExecutionProgram.schema, JobSchema.schema))
struct RetryPlanTests {
    let fixture = UploadFixture()

    /// Files a failure by its message: `CATEGORY words`.
    struct Validation: PBClassifications.SimpleServiceProtocol {
        func classifyFailures(request: PBClassifyFailuresRequest, context: ServerContext) async throws -> PBClassifyFailuresResponse {
            .with {
                $0.data = request.results.map { result in
                    .with {
                        $0.result = result.result
                        $0.category = String(result.message.prefix { $0 != " " })
                        $0.signature = result.message
                    }
                }
            }
        }
    }

    final class Analytics: PBFailureEvidences.SimpleServiceProtocol {
        let known = Mutex<[PBFailureEvidence]>([])
        let asked = Mutex<PBListFailureEvidenceRequest?>(nil)

        func listFailureEvidence(request: PBListFailureEvidenceRequest, context: ServerContext) async throws -> PBListFailureEvidenceResponse {
            asked.withLock { $0 = request }
            return .with { answer in answer.data = known.withLock { $0.filter { one in request.failures.contains { $0.test == one.test } } } }
        }
    }

    let analytics = Analytics()

    private func ask<R: Sendable>(lane: Lane = .trusted, _ body: @Sendable (PBRetries.Client<InProcess.Transport>) async throws -> R) async throws
        -> R
    {
        let permissions: Set<String> = ["verdicts.read", "runs.read", "projects.write"]
        let caller = Caller(identity: CallerIdentity(tenant: fixture.tenant, actor: "key_a", permissions: permissions, projects: nil, lane: lane))
        let fixture = fixture
        return try await InProcess.serve([Validation(), analytics], as: .service("execution", tenant: fixture.tenant), signedBy: "execution") {
            client in
            let rpc = RetriesRPC(
                runs: fixture.runs, retries: RetryStore(database: fixture.database), plans: RetryPlanStore(database: fixture.database),
                words: RetryWordStore(database: fixture.database), rules: fixture.rules,
                classifications: PBClassifications.Client(wrapping: client), evidence: PBFailureEvidences.Client(wrapping: client))
            return try await InProcess.serve([rpc], rules: ExecutionContract.rules, as: caller) { try await body(PBRetries.Client(wrapping: $0)) }
        }
    }

    private func plan(_ run: ID<Run>, _ uploads: [ID<Upload>], lane: Lane = .trusted) async throws -> PBRetryPlan {
        try await ask(lane: lane) { client in
            try await client.getRetryPlan(
                .with {
                    $0.run = run.description
                    $0.upload = uploads.map(\.description)
                })
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

    private func reasons(_ plan: PBRetryPlan) -> [String: PBRetryDecision.Reason] {
        Dictionary(uniqueKeysWithValues: plan.data.map { ($0.name, $0.reason) })
    }

    @Test("a build is tried again until what fails fails in the same way; what passed is told, what is left keeps the build red")
    func build() async throws {
        let ci = Run.CI(key: "build")
        let first = try await fixture.upload(
            report([
                "good": "", "flake": "ASSERTION 1 is not 2", "slow": "TIMEOUT after 5 s", "broken": "ASSERTION gone", "login": "AUTHENTICATION no",
            ]), ci: ci)
        let run = first.upload.run
        let one = try await plan(run, [first.upload.id])
        #expect(one.leftOutTests == 0 && one.failingTests == 4 && one.passedAgainTests == 0 && one.retryTests == 3 && one.hasExcused && !one.excused)
        #expect(reasons(one) == ["flake": .notRuledOut, "slow": .transient, "broken": .notRuledOut, "login": .lasting])
        #expect(one.data.map(\.retry) == [true, true, true, false] && one.data[0].name == "slow" && one.data[0].durationUs == 1_000_000)
        #expect(one.data.allSatisfy { $0.edition == RetryEdition.current.number && $0.inputHash.count == 64 })
        let project = fixture.project.description
        let version = try await ask { try await $0.getRetryPolicy(.with { $0.project = project }).version }
        #expect(one.data.allSatisfy { $0.policyVersion == version })
        #expect(analytics.asked.withLock { $0?.branch } == "main" && analytics.asked.withLock { $0?.environment } == "ci")
        #expect(analytics.asked.withLock { $0?.commitSha } == "c0ffee")

        let second = try await fixture.upload(
            report(["flake": "", "slow": "TIMEOUT after 6 s", "broken": "ASSERTION gone"]), ci: ci, retryOf: [first.upload.id])
        #expect(second.upload.run == run && second.upload.attempt == 2 && second.upload.retryOf == [first.upload.id])
        let two = try await plan(run, [first.upload.id, second.upload.id])
        #expect(two.failingTests == 3 && two.passedAgainTests == 1 && !two.excused)
        #expect(reasons(two) == ["slow": .transient, "broken": .sameFailure, "login": .lasting])
        #expect(two.data.first?.attempts == 2 && two.remainingMinutes == 60 - 3.0 / 60)
        // Whoever names no upload is told of all that the run has.
        let all = try await plan(run, [])
        #expect(reasons(all) == reasons(two) && all.failingTests == 3 && all.passedAgainTests == 1 && all.retryTests == two.retryTests)

        let third = try await fixture.upload(report(["slow": ""]), ci: ci, retryOf: [first.upload.id, second.upload.id])
        let three = try await plan(run, [first.upload.id, second.upload.id, third.upload.id])
        #expect(third.upload.attempt == 3 && three.passedAgainTests == 2 && three.retryTests == 0)
        // Trying again buys a label: the results stay, and so does what the run is called.
        try await fixture.runs.database.transaction(.tenant(fixture.tenant)) {
            _ = try await fixture.runs.finish(run, tenant: fixture.tenant, in: $0)
        }
        let results = try await fixture.listed(run)
        #expect(results.count == 9 && results.filter { $0.name == "slow" }.map(\.attempt) == [1, 2, 3])
        #expect(try await fixture.run(run).state == .failed)
    }

    @Test("a build whose failures all passed again, or are quarantined, is excused; a shard's try answers for no other shard")
    func excuse() async throws {
        let ci = Run.CI(key: "matrix")
        let linux = try await fixture.upload(report(["flake": "ASSERTION a", "known": "ASSERTION k"]), ci: ci)
        let mac = try await fixture.upload(report(["flake": "ASSERTION b"]), ci: ci, name: "mac")
        let again = try await fixture.upload(report(["flake": ""]), ci: ci, retryOf: [linux.upload.id])
        let run = linux.upload.run
        let held = try await plan(run, [linux.upload.id, again.upload.id])
        #expect(held.failingTests == 1 && held.passedAgainTests == 1 && !held.excused)
        analytics.known.withLock { [test] in
            $0 = [
                .with {
                    $0.test = test("known").description; $0.quarantined = true
                }
            ]
        }
        let excused = try await plan(run, [linux.upload.id, again.upload.id])
        #expect(excused.excused && excused.quarantinedTests == 1 && reasons(excused) == ["known": .quarantined])
        let other = try await plan(run, [mac.upload.id])
        #expect(other.failingTests == 1 && !other.excused && reasons(other) == ["flake": .notRuledOut])

        // The whole run is, too, when it has ended and the other shard has tried as well.
        let failures = QuarantinedFailureStore(database: fixture.database)
        let quarantined = QuarantinedTests(moment: Date(), tests: [test("known")], entries: [:])
        func told() async throws -> Excuse {
            let (current, span) = try await fixture.runs.span(run, tenant: fixture.tenant)
            return Excuse(try await failures.find(current, span, quarantined: quarantined, tenant: fixture.tenant), at: quarantined.moment)
        }
        let before = try await told()
        #expect(before.question.failing == 2 && before.question.passedAgain == 0 && !before.isExcused && !before.isActedOn)
        _ = try await fixture.upload(report(["flake": ""]), ci: ci, name: "mac", retryOf: [mac.upload.id])
        try await fixture.runs.database.transaction(.tenant(fixture.tenant)) {
            _ = try await fixture.runs.finish(run, tenant: fixture.tenant, in: $0)
        }
        let after = try await told()
        #expect(after.question.failing == 1 && after.quarantined.map(\.name) == ["known"] && after.question.passedAgain == 1 && after.isExcused)
    }

    @Test("a plan says by which version of which quarantine a test breaks nothing, and is another one once that has been edited")
    func byQuarantine() async throws {
        let first = try await fixture.upload(report(["known": "ASSERTION k"]), ci: .init(key: "k"))
        let (run, upload) = (first.upload.run, first.upload.id)
        let quarantine = "qrn_" + String(repeating: "0", count: 26)
        var ids: Set<String> = []
        for version in [1, 2, 2] as [Int64] {
            analytics.known.withLock { [test] in
                $0 = [
                    .with {
                        $0.test = test("known").description; $0.quarantined = true; $0.quarantine = quarantine; $0.quarantineVersion = version
                    }
                ]
            }
            let plan = try await plan(run, [upload])
            #expect(plan.excused && plan.data.map(\.quarantine) == [quarantine] && plan.data.map(\.quarantineVersion) == [version])
            let kept = try await RetryPlanStore(database: fixture.database).get(ID(plan.id), tenant: fixture.tenant)
            #expect(try kept.basis().told().question.candidates.map { $0.outlook.quarantine?.version } == [version])
            #expect(try RetryReplay(kept).agrees)
            ids.insert(plan.id)
        }
        #expect(ids.count == 2)
    }

    @Test("of a run with more uploads than a plan is of, the newest are told of, and nothing is excused: an older one may fail")
    func manyUploads() async throws {
        let ci = Run.CI(key: "shards")
        analytics.known.withLock { [test] in
            $0 = [
                .with {
                    $0.test = test("known").description; $0.quarantined = true
                }
            ]
        }
        let first = try await fixture.upload(report(["broken": "ASSERTION gone"]), ci: ci)
        let run = first.upload.run
        for number in 1..<UploadDraft.retryLimit { _ = try await fixture.upload(report(["good \(number)": ""]), ci: ci) }
        let full = try await plan(run, [])
        #expect(full.failingTests == 1 && full.data.first?.name == "broken" && !full.excused)
        _ = try await fixture.upload(report(["known": "ASSERTION k"]), ci: ci)
        let newest = try await plan(run, [])
        #expect(newest.failingTests == 1 && newest.quarantinedTests == 1 && reasons(newest) == ["known": .quarantined])
        #expect(newest.hasExcused && !newest.excused)
    }

    @Test("what is known of tests decides: flaky ones get every try, those that failed before or are broken none")
    func outlooks() async throws {
        let first = try await fixture.upload(
            report(["a": "ASSERTION x", "b": "ASSERTION x", "c": "ASSERTION x", "d": "ASSERTION x"]), ci: .init(key: "k"))
        analytics.known.withLock { [test] in
            $0 = [
                .with {
                    $0.test = test("a").description; $0.kind = .flaky
                },
                .with {
                    $0.test = test("b").description; $0.failingSince = .init(date: Date(timeIntervalSince1970: 1_800_000_000))
                },
                // The machine says so of what has just failed for the first time.
                .with {
                    $0.test = test("c").description; $0.kind = .regressed
                },
                .with {
                    $0.test = test("d").description; $0.kind = .stable; $0.said = .regressed
                },
            ]
        }
        let found = try await plan(first.upload.run, [first.upload.id])
        #expect(reasons(found) == ["a": .flaky, "b": .failsAlready, "c": .notRuledOut, "d": .broken])
        #expect(found.data.first?.name == "a" && found.data.contains { $0.detail.contains("2027-01-15T08:00:00Z") })
    }

    @Test("the policy is the project's: it is kept with a version, and what was spent today is told")
    func policy() async throws {
        let project = fixture.project.description
        try await ask { client in
            let usual = try await client.getRetryPolicy(.with { $0.project = project })
            #expect(usual.maxAttempts == 3 && usual.maxFailingTests == 30 && usual.minutesPerDay == 60 && usual.version == 1 && !usual.hasUpdatedAt)
            let request = PBPutRetryPolicyRequest.with {
                ($0.project, $0.maxAttempts, $0.maxFailingTests, $0.minutesPerDay, $0.version) = (project, 2, 1, 0, 1)
            }
            let set = try await client.putRetryPolicy(request)
            #expect(set.version == 2 && set.minutesPerDay == 0 && set.hasUpdatedAt && set.spentMinutes == 0)
            let stale = try await InProcess.fault { try await client.putRetryPolicy(request) }
            #expect(stale.code == "precondition_failed")
        }
        let first = try await fixture.upload(report(["a": "ASSERTION x"]), ci: .init(key: "k"))
        #expect(reasons(try await plan(first.upload.run, [first.upload.id])) == ["a": .budgetSpent])
        _ = try await fixture.upload(report(["a": "ASSERTION y"]), ci: .init(key: "k"), retryOf: [first.upload.id])
        let spent = try await ask { try await $0.getRetryPolicy(.with { $0.project = project }).spentMinutes }
        #expect(spent == 1.0 / 60)
        let two = try await fixture.upload(report(["a": "ASSERTION x", "b": "ASSERTION x"]), ci: .init(key: "m"))
        #expect(Set(reasons(try await plan(two.upload.run, [two.upload.id])).values) == [.tooManyFailures])
    }

    @Test("of more failing tests than a plan has room for the rest is told by its number, and decided on all the same")
    func many() async throws {
        let body = (0..<520).map { "<testcase classname='c' name='t\($0)' time='1'><failure message='ASSERTION \($0)'/></testcase>" }.joined()
        let upload = try await fixture.upload(Data("<testsuite name='s'>\(body)</testsuite>".utf8), ci: .init(key: "many")).upload
        let tests = (0..<520).map { test("t\($0)") }.sorted()
        let none = try await plan(upload.run, [upload.id])
        #expect(none.failingTests == 520 && none.data.count == 500 && none.leftOutTests == 20 && none.retryTests == 0)
        #expect(Set(none.data.map(\.reason)) == [.tooManyFailures])

        // Those that come last are quarantined: what is left may all be tried again.
        func hold(_ held: ArraySlice<ID<TestIdentity>>) {
            analytics.known.withLock {
                $0 = held.map { one in
                    .with {
                        $0.test = one.description
                        $0.quarantined = true
                    }
                }
            }
        }
        hold(tests.suffix(30))
        let project = fixture.project.description
        _ = try await ask { client in
            try await client.putRetryPolicy(
                .with { ($0.project, $0.maxAttempts, $0.maxFailingTests, $0.minutesPerDay, $0.version) = (project, 2, 500, 60, 1) })
        }
        let some = try await plan(upload.run, [upload.id])
        #expect(some.quarantinedTests == 30 && some.retryTests == 490 && some.data.count == 500 && some.leftOutTests == 20 && !some.excused)
        #expect(some.data.prefix(490).allSatisfy(\.retry) && some.data.suffix(10).allSatisfy { $0.reason == .quarantined })
        hold(tests[...])
        let all = try await plan(upload.run, [upload.id])
        #expect(all.excused && all.quarantinedTests == 520 && all.leftOutTests == 20)
    }

    @Test("a retry names uploads of its own run, the same report is two tries, and a repeated one is the first again")
    func identity() async throws {
        let ci = Run.CI(key: "k")
        let first = try await fixture.upload(report(["a": "ASSERTION x"]), ci: ci)
        for (key, retryOf) in [("other", [first.upload.id]), ("k", [first.upload.id, .new()]), ("", [first.upload.id])] {
            let fault = try await InProcess.fault { _ = try await fixture.upload(report(["a": "y"]), ci: .init(key: key), retryOf: retryOf) }
            #expect(fault.code == "upload.retry_mismatch")
        }
        let same = try await fixture.upload(report(["a": "ASSERTION x"]), ci: ci, retryOf: [first.upload.id])
        #expect(!same.duplicate && same.upload.attempt == 2)
        #expect(try await fixture.upload(report(["a": "ASSERTION x"]), ci: ci, retryOf: [first.upload.id]).duplicate)
        #expect(reasons(try await plan(first.upload.run, [first.upload.id, same.upload.id])) == ["a": .sameFailure])
        let fault = try await InProcess.fault { _ = try await plan(first.upload.run, [.new()]) }
        #expect(fault.code == "upload.not_found")
        let tooMany = try await InProcess.fault { _ = try await plan(first.upload.run, (0...100).map { _ in .new() }) }
        #expect(tooMany.fields.first?.pointer == "upload")
        let many = #expect(throws: Fault.self) { try fixture.order(ci, retryOf: (0...100).map { _ in .new() }) }
        #expect(many?.fields.first?.pointer == "/retry_of")
    }

    @Test("what strangers say that their tries took is taken from their own purse alone; no report counts for more than as many tests may take")
    func purses() async throws {
        func report(seconds: Int) -> Data {
            let body = "<testcase classname='c' name='a' time='\(seconds)'><failure message='ASSERTION x'/></testcase>"
            return Data("<testsuite name='s'>\(body)</testsuite>".utf8)
        }
        let project = fixture.project.description
        func spent() async throws -> Double { try await ask { try await $0.getRetryPolicy(.with { $0.project = project }).spentMinutes } }
        let fork = Run.CI(key: "fork")
        let theirs = try await fixture.upload(report(seconds: 1), ci: fork, lane: .untrusted).upload
        let again = try await fixture.upload(report(seconds: 5_000), ci: fork, lane: .untrusted, retryOf: [theirs.id]).upload
        let empty = try await plan(theirs.run, [theirs.id, again.id], lane: .untrusted)
        #expect(empty.remainingMinutes == 0 && empty.retryTests == 0)
        #expect(try await spent() == 0)

        let ours = try await fixture.upload(report(seconds: 1), ci: .init(key: "ours")).upload
        let full = try await plan(ours.run, [ours.id])
        #expect(full.remainingMinutes == 60 && full.retryTests == 1)
        _ = try await fixture.upload(report(seconds: 100_000_000), ci: .init(key: "ours"), retryOf: [ours.id])
        #expect(try await spent() == 500)
    }

    @Test("strangers learn that people overrule a retry, and neither who nor why")
    func anonymous() async throws {
        let theirs = try await fixture.upload(report(["a": "ASSERTION x"]), ci: .init(key: "fork"), lane: .untrusted).upload
        let words = RetryWordStore(database: fixture.database)
        let said = RetryWordStore.Saying(test: test("a"), kind: .never, note: "The vault is open", actor: "usr_a")
        _ = try await words.add(said, version: 0, project: fixture.project, tenant: fixture.tenant)
        let told = try #require(await plan(theirs.run, [theirs.id], lane: .untrusted).data.first)
        #expect(told.reason == .personNever && told.detail == "A person says that it is never tried again.")
        #expect(told.word.kind == .never && told.word.note.isEmpty && told.word.saidBy.isEmpty)
    }

    @Test("strangers learn of their own builds alone, and a passing build has nothing to try")
    func lanes() async throws {
        let trusted = try await fixture.upload(report(["a": "ASSERTION x"]), ci: .init(key: "k"))
        let fault = try await InProcess.fault { _ = try await plan(trusted.upload.run, [trusted.upload.id], lane: .untrusted) }
        #expect(fault.code == "run.not_found")
        let good = try await fixture.upload(report(["a": ""]), ci: .init(key: "good"))
        let none = try await plan(good.upload.run, [good.upload.id])
        #expect(none.failingTests == 0 && none.data.isEmpty && !none.excused && none.hasRetryTests && none.retryTests == 0)
    }
}
