import AnalyticsAPI
import CommonAPI
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

@testable import ValidationService

@Suite("what people call the environment's reaches the tests", .database(ValidationProgram.schema, JobSchema.schema))
struct PublishFailureVerdictsTests {
    typealias ResultID = ID<ValidationService.Result>

    private let fixture = GroupFixture()

    private var verdicts: VerdictStore { VerdictStore(database: fixture.database) }

    private func put(_ category: ValidationService.Category, on result: ResultID) async throws {
        _ = try await verdicts.put(category, nil, note: "", on: result, version: 0, by: "usr_a", tenant: fixture.tenant)
    }

    private func jobs() async throws -> [PublishFailureVerdicts.Payload] {
        try await fixture.database.rows(
            .tenant(fixture.tenant),
            "select payload::text as payload from jobs where kind = \(PublishFailureVerdicts.Payload.kind) order by enqueued_at"
        ) { try $0.value("payload", as: String.self) }
        .map { try JSONDecoder().decode(PublishFailureVerdicts.Payload.self, from: Data($0.utf8)) }
    }

    @Test("a word on one failure is passed on where it is that it was the environment, or was until now, and untrusted runs have nobody to tell")
    func single() async throws {
        let batch = fixture.batch(["no route to warehouse", "orders table was locked meanwhile"], at: 0)
        try await fixture.deliver(batch)
        let result = batch.failures[0].result.result
        let steps: [(category: ValidationService.Category?, jobs: Int)] = [
            (.data, 0), (.environment, 1), (.environment, 2), (.setup, 3), (.data, 3), (nil, 3), (.environment, 4), (nil, 5), (nil, 5),
        ]
        for step in steps {
            if let category = step.category {
                try await put(category, on: result)
            } else {
                try await verdicts.delete(on: result, by: "usr_a", tenant: fixture.tenant)
            }
            #expect(try await jobs().count == step.jobs)
        }
        let all = try await jobs()
        #expect(all.allSatisfy { $0.results == [result] && $0.project == fixture.project })
        let fork = fixture.batch(["no route to warehouse"], at: 1, lane: .untrusted)
        try await fixture.deliver(fork)
        try await put(.environment, on: fork.failures[0].result.result)
        #expect(try await jobs().count == 5)
    }

    @Test("all failures of a group are one job, of those of which it is said, or was until now")
    func group() async throws {
        let batch = fixture.batch((1...3).map { "connection to 10.0.0.\($0):1 refused" }, at: 0)
        try await fixture.deliver(batch)
        let results = batch.failures.map(\.result.result)
        let group = try #require(await fixture.list().first).id
        func file(_ category: ValidationService.Category) async throws -> Int64 {
            let word = TriageStore.Word(category: category, severity: nil, note: "")
            return try await fixture.triage.file(word, on: group, by: "usr_a", fixture.scope).failures
        }
        try await put(.environment, on: results[1])
        #expect(try await jobs().count == 1)
        #expect(try await file(.setup) == 3)
        #expect(try await jobs().last?.results == [results[1]])
        #expect(try await file(.data) == 3)
        #expect(try await jobs().count == 2)
        #expect(try await file(.environment) == 3)
        #expect(try await jobs().last.map { Set($0.results) } == Set(results))
        #expect(try await file(.environment) == 0)
        #expect(try await jobs().count == 3)
        try await put(.data, on: results[0])
        #expect(try await fixture.triage.giveBack(group, by: "usr_a", fixture.scope).failures == 3)
        #expect(try await jobs().count == 5)
        #expect(try await jobs().last.map { Set($0.results) } == Set(results.suffix(2)))
        // What the machine calls the environment's is the test's until a person says so.
        try await fixture.database.execute(
            .tenant(fixture.tenant), "update failures set category = 'environment' where tenant_id = \(fixture.tenant)")
        #expect(try await file(.environment) == 3)
        #expect(try await jobs().last.map { Set($0.results) } == Set(results))
        #expect(try await file(.environment) == 0)
        #expect(try await jobs().count == 6)
    }

    @Test("what holds when the job runs is told with its version, in pages, and the same again when it runs twice")
    func told() async throws {
        let heard = Analytics()
        let batch = fixture.batch(["no route to warehouse", "orders table was locked meanwhile", "disk full"], at: 0)
        try await fixture.deliver(batch)
        let results = batch.failures.map(\.result.result)
        for result in results.prefix(2) { try await put(.environment, on: result) }
        try await verdicts.delete(on: results[1], by: "usr_a", tenant: fixture.tenant)
        let payload = PublishFailureVerdicts.Payload(
            project: fixture.project, results: results + (0..<PublishFailureVerdicts.maxVerdicts).map { _ in ResultID.new() } + [results[0]])
        try await InProcess.serve([heard], rules: AnalyticsContract.rules, as: .service("validation", tenant: fixture.tenant), signedBy: "validation")
        { client in
            let publish = PublishFailureVerdicts(verdicts: verdicts, analytics: PBIntake.Client(wrapping: client))
            for _ in 0..<2 { try await publish.handle(payload, Job(tenant: fixture.tenant, kind: PublishFailureVerdicts.Payload.kind)) }
        }
        let calls = heard.calls
        #expect(calls.count == 4 && Array(calls.prefix(2)) == Array(calls.suffix(2)))
        let told = try #require(calls.first)
        #expect(told.project == fixture.project.description)
        // Of the last one nobody has said anything.
        let lines = told.verdicts.map { "\($0.result) \($0.environment) \($0.version)" }
        #expect(Set(lines) == ["\(results[0]) true 2", "\(results[1]) false 3"] && lines.count == 2)
        #expect(told.verdicts.allSatisfy { abs($0.decidedAt.date.timeIntervalSinceNow) < 3_600 })
        #expect(calls[1].verdicts.map(\.result) == [results[0].description])
    }
}

/// As far as it listens.
private final class Analytics: PBIntake.SimpleServiceProtocol {
    private let told = Mutex<[PBSubmitFailureVerdictsRequest]>([])

    var calls: [PBSubmitFailureVerdictsRequest] { told.withLock { $0 } }

    func submitFailureVerdicts(request: PBSubmitFailureVerdictsRequest, context: ServerContext) async throws -> PBEmpty {
        told.withLock { $0.append(request) }
        return PBEmpty()
    }

    func submitMessages(request: PBSubmitMessagesRequest, context: ServerContext) async throws -> PBEmpty { PBEmpty() }
    func submitFacts(request: PBSubmitFactsRequest, context: ServerContext) async throws -> PBEmpty { PBEmpty() }
    func submitRun(request: PBSubmitRunRequest, context: ServerContext) async throws -> PBEmpty { PBEmpty() }
    func submitAlias(request: PBSubmitAliasRequest, context: ServerContext) async throws -> PBEmpty { PBEmpty() }
}
