import AnalyticsAPI
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

@Suite("what is known of failures", .database(AnalyticsProgram.schema, JobSchema.schema))
struct FailureEvidenceTests {
    let tenant = ID<Tenant>.new()
    let project = ID<AnalyticsService.Project>.new()
    let began = Date(timeIntervalSince1970: 1_790_000_000)

    private var database: Database { TestDatabase.current.database }
    private var stabilities: StabilityStore { StabilityStore(database: database) }

    private struct Sent {
        let run: ID<AnalyticsService.Run>
        let result: ID<AnalyticsService.Result>
        let at: Date
    }

    /// `p`assed or `f`ailed, one run a minute; the commit is the letter's place unless it is given.
    @discardableResult
    private func send(
        _ history: String, of test: ID<AnalyticsService.Test>, commit: String? = nil, from minute: Int = 0, branch: String = "main",
        environment: String = "", in run: ID<AnalyticsService.Run>? = nil
    ) async throws -> [Sent] {
        let facts = FactStore(database: database, stabilities: stabilities)
        var sent: [Sent] = []
        for (index, letter) in history.enumerated() {
            let one = Sent(run: run ?? .new(), result: .new(), at: began + Double(minute + index) * 60)
            try await facts.insert(
                FactBatch(
                    project: project, run: one.run, event: UUID().uuidString, branch: branch, commit: commit ?? "c\(minute + index)",
                    environment: environment, startedAt: one.at,
                    facts: [
                        Fact(
                            result: one.result, test: test, suiteName: "s", className: "c", name: "n", outcome: letter == "p" ? .passed : .failed,
                            duration: 1)
                    ]),
                tenant: tenant)
            sent.append(one)
        }
        return sent
    }

    private func ask(
        _ tests: [(test: ID<AnalyticsService.Test>, result: ID<AnalyticsService.Result>)], in run: ID<AnalyticsService.Run>, at: Date,
        commit: String = ""
    ) async throws -> [PBFailureEvidence] {
        let rpc = FailureEvidencesRPC(
            failures: FailureEvidenceStore(database: database), tests: TestStore(database: database), stabilities: stabilities,
            quarantines: QuarantineStore(database: database))
        let caller = Caller.service("execution", tenant: tenant)
        return try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: caller, signedBy: "execution") { client in
            try await PBFailureEvidences.Client(wrapping: client).listFailureEvidence(
                .with {
                    $0.project = project.description
                    $0.run = run.description
                    $0.branch = "main"
                    $0.commitSha = commit
                    $0.startedAt = .init(milliseconds: at)
                    $0.failures = tests.map { test, result in
                        .with {
                            $0.test = test.description
                            $0.result = result.description
                        }
                    }
                }
            ).data
        }
    }

    @Test("a failure does not speak for itself: what is known is the same before its own results have come and after")
    func ownResults() async throws {
        let test = ID<AnalyticsService.Test>.new()
        try await send("pppppp", of: test)
        let early = try await ask([(test, .new())], in: .new(), at: began + 6 * 60)
        let sent = try await send("f", of: test, from: 6)
        let late = try await ask([(test, sent[0].result)], in: sent[0].run, at: sent[0].at)
        #expect(early == late && late[0].kind == .stable && late[0].confidence > 0.5 && !late[0].passedOnCommit)
        #expect(late[0].reasons == ["It has never failed in 6 results."] && late[0].model == StabilityModel.current.edition)
        // To the test itself it is a failure like any other.
        let lines = try await stabilities.lines(of: [test], tenant: tenant)
        #expect(lines[test]?.verdict.kind != .stable)
    }

    @Test(
        "flaky is who was so without this failure; who failed before it without a pass is regressed; whoever is not known is nothing",
        arguments: [
            ("pfppfpfpppfpfppfp", "f", PBStability.Kind.flaky), ("pppppppppffff", "f", .regressed), ("ffff", "f", .broken), ("", "f", .unspecified),
            ("p", "f", .unknown),
        ])
    func reputations(history: String, failure: String, expected: PBStability.Kind) async throws {
        let test = ID<AnalyticsService.Test>.new()
        // Two results a commit, so that chance shows.
        for (index, letter) in history.enumerated() { try await send(String(letter), of: test, commit: "c\(index / 2)", from: index) }
        let sent = try await send(failure, of: test, commit: "last", from: history.count)
        let found = try await ask([(test, sent[0].result)], in: sent[0].run, at: sent[0].at)
        #expect(found.map(\.kind) == [expected] && found[0].test == test.description)
    }

    @Test("since when it fails is told by other runs alone, whenever the uploads of this one began")
    func failingSince() async throws {
        let known = ID<AnalyticsService.Test>.new()
        try await send("pppff", of: known)
        let sent = try await send("f", of: known, from: 5)
        #expect(try await ask([(known, sent[0].result)], in: sent[0].run, at: sent[0].at)[0].failingSince.date == began + 180)
        // Another shard has said since that the run began five minutes earlier.
        let new = ID<AnalyticsService.Test>.new()
        try await send("ppp", of: new)
        let first = try await send("f", of: new, from: 8)
        #expect(try await ask([(new, first[0].result)], in: first[0].run, at: first[0].at - 300)[0].hasFailingSince == false)
        #expect(try await ask([(.new(), .new())], in: .new(), at: began)[0].hasFailingSince == false)
    }

    @Test("a pass of another run on the same commit is told, whenever it came")
    func sameCommit() async throws {
        let test = ID<AnalyticsService.Test>.new()
        try await send("ppp", of: test)
        let sent = try await send("f", of: test, commit: "c9", from: 3)
        let alone = try await ask([(test, sent[0].result)], in: sent[0].run, at: sent[0].at)
        #expect(!alone[0].passedOnCommit)
        try await send("p", of: test, commit: "c9", from: 4)
        let beside = try await ask([(test, sent[0].result)], in: sent[0].run, at: sent[0].at)
        #expect(beside[0].passedOnCommit && beside[0].kind == .stable)
    }

    @Test("a pass of another run on the run's commit is told before the run's own facts have come and after, also when the commit had failed before")
    func sameCommitEarly() async throws {
        for history in ["p", "pf", "fp", "f", ""] {
            let test = ID<AnalyticsService.Test>.new()
            try await send("ppp", of: test)
            try await send(history, of: test, commit: "c9", from: 3)
            let (run, at) = (ID<AnalyticsService.Run>.new(), began + 10 * 60)
            let early = try await ask([(test, .new())], in: run, at: at, commit: "c9")
            try await send("f", of: test, commit: "c9", from: 10, in: run)
            let late = try await ask([(test, .new())], in: run, at: at, commit: "c9")
            #expect(early == late && early[0].passedOnCommit == history.contains("p"), "\(history)")
            // Another commit, or none, is not held against it.
            let other = ID<AnalyticsService.Run>.new()
            #expect(try await ask([(test, .new())], in: other, at: at, commit: "c10")[0].passedOnCommit == false)
            #expect(try await ask([(test, .new())], in: other, at: at)[0].passedOnCommit == false)
        }
    }

    @Test("what passed in the run itself when it was tried again is no other run, and known as little before it has come")
    func ownPass() async throws {
        let test = ID<AnalyticsService.Test>.new()
        try await send("pppp", of: test)
        let (run, at) = (ID<AnalyticsService.Run>.new(), began + 10 * 60)
        let early = try await ask([(test, .new())], in: run, at: at, commit: "c9")
        try await send("f", of: test, commit: "c9", from: 10, in: run)
        try await send("p", of: test, commit: "c9", from: 10, in: run)
        let late = try await ask([(test, .new())], in: run, at: at, commit: "c9")
        #expect(early == late && !late[0].passedOnCommit && late[0].kind == .stable)
    }

    @Test("a test that every shard runs has passed in no other run when it passed in the other shards, before they have come and after")
    func shards() async throws {
        let test = ID<AnalyticsService.Test>.new()
        try await send("pppppp", of: test)
        let (run, at) = (ID<AnalyticsService.Run>.new(), began + 10 * 60)
        let early = try await ask([(test, .new())], in: run, at: at, commit: "c9")
        for index in 0..<25 { try await send(index == 7 ? "f" : "p", of: test, commit: "c9", from: 10, in: run) }
        let late = try await ask([(test, .new())], in: run, at: at, commit: "c9")
        #expect([early[0], late[0]].allSatisfy { !$0.passedOnCommit && $0.kind == .stable })
        // Nor has it passed before any of them was left out.
        #expect(try await ask([(test, .new())], in: .new(), at: at, commit: "c9")[0].passedOnCommit)
    }

    @Test("with more results in the run than are left out, a pass on its commit is not claimed to be another run's", arguments: [1, 199, 200])
    func tooManyOwn(count: Int) {
        let test = ID<AnalyticsService.Test>.new()
        var lines = TestLines()
        lines.record(
            [TestObservation(at: began.milliseconds, order: 1, commit: StableHash.of("c9"), passed: true)], branch: "main", environment: "",
            at: began)
        let own = (0..<count).map { _ in
            FailureEvidence.OwnResult(
                result: .new(), test: test, branch: "main", environment: "", commit: "c9", startedAt: began + 60, outcome: .failed, failedTries: 0)
        }
        let evidence = FailureEvidence(lines, without: own, on: (branch: "main", environment: ""), commit: "c9")
        #expect(evidence.passedOnCommit == (count < FailureEvidence.mostResults))
    }

    @Test("a commit's pass counts on another branch, and not in another environment")
    func places() async throws {
        let (moved, elsewhere) = (ID<AnalyticsService.Test>.new(), ID<AnalyticsService.Test>.new())
        try await send("p", of: moved, commit: "c9", branch: "topic")
        try await send("p", of: elsewhere, commit: "c9", environment: "windows")
        let found = try await ask([(moved, .new()), (elsewhere, .new())], in: .new(), at: began + 600, commit: "c9")
        #expect(found.map(\.passedOnCommit) == [true, false])
    }

    @Test("a pass leaves no trace of a run that is left out, a failure neither", arguments: ["p", "f", "pf", "fp"])
    func leftOut(results: String) {
        func observations(_ history: String, from start: Int64, commit: UInt64) -> [TestObservation] {
            history.enumerated().map { index, letter in
                TestObservation(at: start, order: UInt32(index), commit: commit, passed: letter == "p")
            }
        }
        let before = StabilityState(observations("ppfp", from: 1, commit: 7))
        var state = before
        let own = observations(results, from: 2, commit: 8)
        for observation in own { state.record(observation) }
        #expect(state.hasPassed(on: 8) == results.contains("p") && state.hasPassed(on: 7) && !state.hasPassed(on: 0))
        for observation in own { state.leaveOut(at: observation.at, order: observation.order, passed: observation.passed) }
        #expect(state == before && !state.hasPassed(on: 8))
    }

    @Test("an incident of this failure, a person's word and a quarantine are told; more than a thousand tests are refused")
    func besides() async throws {
        let (test, other) = (ID<AnalyticsService.Test>.new(), ID<AnalyticsService.Test>.new())
        let sent = try await send("ppppf", of: test)
        try await send("pppp", of: other)
        let incident = ID<EnvironmentIncident>.new()
        try await TestDatabase.current.administer { admin in
            try await admin.execute(
                .system,
                """
                insert into environment_incidents (tenant_id, id, project_id, kind, place, state, tests, groups, compared, there, expected, chance,
                    input_hash, edition, failures, from_at, to_at)
                values (\(tenant), \(incident), \(project), 'host', 'runner-7', 'standing', 14, 9, 11, 9, 2.2, 0.00002, 1, 1, 14, now(), now())
                """)
            try await admin.execute(
                .system, "update environment_failures set incident_id = \(incident) where tenant_id = \(tenant) and result_id = \(sent[4].result)")
        }
        _ = try await TestVerdictStore(database: database).put(.flaky, reason: "a clock", on: other, version: 0, by: "usr_a", tenant: tenant)
        _ = try await QuarantineStore(database: database).insert(
            Quarantine.Draft(owner: "@all", ticket: "", reason: "late", expiresAt: nil, at: Date(), QuarantineLimits()), of: other,
            QuarantineStore.Act(project: project, tenant: tenant, actor: "usr_a", now: Date()))
        let found = try await ask([(other, .new()), (test, sent[4].result)], in: sent[4].run, at: sent[4].at)
        #expect(found.map(\.test) == [other.description, test.description])
        #expect(found[0].said == .flaky && found[0].saidBy == "usr_a" && found[0].saidReason == "a clock" && found[0].quarantined)
        #expect(found[0].quarantine.hasPrefix("qrn_") && found[0].quarantineVersion == 1)
        #expect(found[0].incident.isEmpty && found[1].incident == incident.description && !found[1].incidentReason.isEmpty)
        let many = try await InProcess.fault {
            try await ask((0...FailureEvidence.mostTests).map { _ in (ID.new(), ID.new()) }, in: .new(), at: began)
        }
        #expect(many.code == "request.invalid")
    }

    @Test("a thousand tests are one answer")
    func many() async throws {
        let tests = (0..<FailureEvidence.mostTests).map { _ in ID<AnalyticsService.Test>.new() }
        let facts = FactStore(database: database, stabilities: stabilities)
        for index in 0..<4 {
            try await facts.insert(
                FactBatch(
                    project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c\(index)",
                    startedAt: began + Double(index) * 60,
                    facts: tests.map {
                        Fact(
                            result: .new(), test: $0, suiteName: "s", className: "c", name: "\($0)", outcome: index == 2 ? .failed : .passed,
                            duration: 1)
                    }), tenant: tenant)
        }
        let clock = ContinuousClock()
        let start = clock.now
        let found = try await ask(tests.map { ($0, .new()) }, in: .new(), at: began + 3600)
        #expect(found.count == tests.count && found.allSatisfy { $0.kind != .unspecified })
        // A debug build on a busy machine; in release it is a fraction of that.
        #expect(clock.now - start < .seconds(10))
    }
}
