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

@Suite("what failures say reaches their tests", .database(ValidationProgram.schema, JobSchema.schema))
struct PublishMessagesTests {
    @Test("messages of a delivery are told once it is filed, without those that say nothing of their cause, and the same again when it runs twice")
    func messages() async throws {
        let fixture = GroupFixture()
        let heard = Heard()
        try await InProcess.serve([heard], rules: AnalyticsContract.rules, as: .service("validation", tenant: fixture.tenant), signedBy: "validation")
        {
            client in
            let publish = PublishMessages(failures: fixture.failures, analytics: PBIntake.Client(wrapping: client))
            let batch = fixture.batch(["no route to warehouse 1", "no route to warehouse 2", "orders table was locked meanwhile", ""], at: 2.5)
            try await fixture.deliver(batch)
            // Nobody's messages: an untrusted run's, and what fails in another run meanwhile.
            try await fixture.deliver(fixture.batch(["no route to warehouse 3"], at: 3, lane: .untrusted))
            let jobs = try await fixture.database.rows(
                .tenant(fixture.tenant), "select payload::text as payload from jobs where kind = \(PublishMessages.Payload.kind)"
            ) { try $0.value("payload", as: String.self) }
            #expect(jobs.count == 1)
            let payload = try JSONDecoder().decode(PublishMessages.Payload.self, from: Data((jobs.first ?? "").utf8))
            for _ in 0..<2 { try await publish.handle(payload, Job(tenant: fixture.tenant, kind: PublishMessages.Payload.kind)) }
            let calls = heard.calls
            #expect(calls.count == 2 && calls[0] == calls[1])
            let told = try #require(calls.first)
            #expect(told.branch == "main" && told.startedAt.seconds == Int64(GroupFixture.hour(2.5).timeIntervalSince1970))
            #expect(told.messages.map(\.result) == batch.failures.prefix(3).map(\.result.result.description))
            #expect(told.messages.map(\.test) == (0..<3).map { GroupFixture.test($0).description })
            let prints = told.messages.map(\.fingerprint)
            #expect(prints[0] == prints[1] && prints[0] != prints[2] && !prints.contains(0))
        }
    }
}

/// Analytics, as far as it listens.
private final class Heard: PBIntake.SimpleServiceProtocol {
    private let told = Mutex<[PBSubmitMessagesRequest]>([])

    var calls: [PBSubmitMessagesRequest] { told.withLock { $0 } }

    func submitMessages(request: PBSubmitMessagesRequest, context: ServerContext) async throws -> PBEmpty {
        told.withLock { $0.append(request) }
        return PBEmpty()
    }

    func submitFacts(request: PBSubmitFactsRequest, context: ServerContext) async throws -> PBEmpty { PBEmpty() }
    func submitRun(request: PBSubmitRunRequest, context: ServerContext) async throws -> PBEmpty { PBEmpty() }
    func submitAlias(request: PBSubmitAliasRequest, context: ServerContext) async throws -> PBEmpty { PBEmpty() }
    func submitFailureVerdicts(request: PBSubmitFailureVerdictsRequest, context: ServerContext) async throws -> PBEmpty { PBEmpty() }
}
