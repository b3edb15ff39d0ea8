import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ExecutionService

@Suite("the pace of uploads", .database(ExecutionProgram.schema, JobSchema.schema))
struct PaceTests {
    @Test("who uploads faster than results are passed on is slowed down and never refused; neighbours and what fails slow nobody down")
    func slowed() async throws {
        let fixture = UploadFixture()
        // A failure each: both receivers have to be told.
        for number in 0..<Ingest.mostLate { _ = try await fixture.upload(Report.generated(100), name: "\(number)") }
        func wait(_ behind: Duration) async throws {
            try await fixture.database.execute(
                .tenant(fixture.tenant), "update jobs set run_at = now() - \(Int(behind / .milliseconds(1))) * interval '1 ms'")
        }
        func upload(_ fixture: UploadFixture, patience: Duration) async throws -> Duration {
            var ingest = fixture.ingest
            ingest.patience = patience
            var parts = UploadFixture.Parts([("r.xml", Report.generated(10))])
            let started = ContinuousClock.now
            _ = try await ingest.receive(fixture.order(name: UUID().uuidString), &parts)
            return .now - started
        }
        try await wait(.zero)
        #expect(try await upload(fixture, patience: .seconds(60)) < .seconds(30))
        try await wait(Ingest.mostDelay * 2)
        #expect(try await upload(fixture, patience: .milliseconds(300)) >= .milliseconds(300))
        #expect(try await upload(UploadFixture(), patience: .seconds(60)) < .seconds(30))
        try await fixture.database.execute(.tenant(fixture.tenant), "update jobs set attempt = 1")
        #expect(try await upload(fixture, patience: .seconds(60)) < .seconds(30))
    }

    @Test("an upload that came before the others does not wait for them")
    func earlier() async throws {
        let fixture = UploadFixture()
        var ingest = fixture.ingest
        ingest.patience = .seconds(60)
        // The others are stored while its bytes are on their way.
        var arriving = Arriving(parts: UploadFixture.Parts([("r.xml", Report.generated(10))])) {
            for number in 0..<Ingest.mostLate { _ = try await fixture.upload(Report.generated(100), name: "\(number)") }
            try await fixture.database.execute(.tenant(fixture.tenant), "update jobs set run_at = now() - interval '1 minute'")
        }
        let started = ContinuousClock.now
        _ = try await ingest.receive(fixture.order(name: UUID().uuidString), &arriving)
        #expect(.now - started < .seconds(30))
        #expect(try await fixture.ingest.jobs.delay(of: PublishBatch.Payload.self, tenant: fixture.tenant, but: 0) > Ingest.mostDelay)
    }
}

/// Does something before its first part comes.
private struct Arriving: AsyncIteratorProtocol {
    var parts: UploadFixture.Parts
    var meanwhile: (@Sendable () async throws -> Void)?

    mutating func next() async throws -> UploadInput? { try await next(isolation: nil) }

    mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> UploadInput? {
        try await meanwhile?()
        meanwhile = nil
        return try await parts.next(isolation: actor)
    }
}
