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
        for number in 0..<Ingest.mostUnpublished / 2 { _ = try await fixture.upload(Report.generated(100), name: "\(number)") }
        func upload(_ fixture: UploadFixture, patience: Duration) async throws -> Duration {
            var ingest = fixture.ingest
            ingest.patience = patience
            var parts = UploadFixture.Parts([("r.xml", Report.generated(10))])
            let started = ContinuousClock.now
            _ = try await ingest.receive(fixture.order(name: UUID().uuidString), &parts)
            return .now - started
        }
        #expect(try await upload(fixture, patience: .milliseconds(300)) >= .milliseconds(300))
        #expect(try await upload(UploadFixture(), patience: .seconds(60)) < .seconds(30))
        try await fixture.database.execute(.tenant(fixture.tenant), "update jobs set attempt = 1")
        #expect(try await upload(fixture, patience: .seconds(60)) < .seconds(30))
    }
}
