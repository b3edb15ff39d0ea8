import Contract
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("answers that are known already, over HTTP", .database(GatewayProgram.schema))
struct RevalidationHTTPTests {
    @Test("every question about what a project has delivered has an answer with a revision")
    func routes() {
        let paths = GatewayProgram.routes.filter { $0.verb == .get && $0.precondition != nil && $0.version != nil }.map(\.path)
        #expect(
            Set(paths) == [
                "/api/v1/projects/{project}/trends", "/api/v1/projects/{project}/trend-values", "/api/v1/projects/{project}/trend-changes",
                "/api/v1/projects/{project}/quality-score", "/api/v1/projects/{project}/comparison", "/api/v1/projects/{project}/test-grid",
                "/api/v1/projects/{project}/tests", "/api/v1/projects/{project}/flaky-tests", "/api/v1/tests/{test}/trend",
                "/api/v1/tests/{test}/durations", "/api/v1/tests/{test}/history", "/api/v1/tests/{test}/stability",
            ])
    }

    @Test(
        "whoever comes with the tag of an answer is told 304 without a body, and 200 with another tag once something has come",
        arguments: [
            "/projects/web/trends", "/projects/web/trends?days=7", "/projects/web/trend-values?dimension=SUITE", "/projects/web/trend-changes",
            "/projects/web/test-grid", "/projects/web/tests", "/projects/web/tests?q=pays", "/projects/web/flaky-tests",
            "/tests/tst_1/trend", "/tests/tst_1/durations", "/tests/tst_1/history",
        ])
    func known(path: String) async throws {
        try await GatewayStand.with { stand in
            stand.fake.revision.number.withLock { $0 = 77 }
            let first = try await stand.api.get(path)
            let tag = try #require(first.headers["etag"])
            #expect(first.status == 200 && tag.hasPrefix("W/\"77."), "\(first.status) \(tag)")
            let same = try await stand.api.get(path, headers: ["If-None-Match": tag])
            #expect(same.status == 304 && same.body.isEmpty && same.headers["etag"] == tag)
            stand.fake.revision.number.withLock { $0 = 78 }
            let next = try await stand.api.get(path, headers: ["If-None-Match": tag])
            #expect(next.status == 200 && !next.body.isEmpty && next.headers["etag"]?.hasPrefix("W/\"78.") == true)
        }
    }
}
