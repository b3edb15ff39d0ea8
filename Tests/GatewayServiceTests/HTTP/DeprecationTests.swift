import Contract
import ExecutionAPI
import Foundation
import GRPCCore
import ProjectsAPI
import TestSupport
import Testing

@testable import GatewayService

@Suite("Deprecation", .database(GatewayProgram.schema))
struct DeprecationTests {
    private static let old = Deprecation(since: 1_772_323_200, sunset: 1_788_220_800)

    /// As the generator would write them for a method, and a field, that are on their way out.
    private static var routes: [Route] {
        func rule(_ name: String) throws -> MethodRule {
            try #require((ProjectsContract.rules + ExecutionContract.rules).first { $0.method.method == name })
        }
        guard let get = try? rule("GetProject"), let list = try? rule("ListRuns") else { return [] }
        return [
            Route(
                get, .get, "/api/v1/projects/{project}", request: PBGetProjectRequest.self, response: PBProject.self,
                fields: [RequestField("project", .text, in: .path)], deprecation: old),
            Route(
                list, .get, "/api/v1/projects/{project}/runs", request: PBListRunsRequest.self, response: PBListRunsResponse.self,
                fields: [
                    RequestField("project", .text, in: .path),
                    RequestField("branch", .text, in: .query, deprecation: Deprecation(since: 1_772_323_200)),
                    RequestField("limit", .int32, in: .query),
                ]),
        ]
    }

    @Test("a deprecated method says so with every answer: since when, until when, and where to read on")
    func method() async throws {
        try await GatewayStand.with(routes: Self.routes) { stand in
            let answer = try await stand.api.get("/projects/web")
            #expect(answer.status == 200 && answer.headers["deprecation"] == "@1772323200")
            #expect(answer.headers["sunset"] == "Tue, 01 Sep 2026 00:00:00 GMT")
            #expect(answer.headers["link"] == "</docs#getProject>; rel=\"deprecation\"; type=\"text/html\"")
        }
    }

    @Test("a deprecated field says so to those who use it")
    func field() async throws {
        try await GatewayStand.with(routes: Self.routes) { stand in
            let without = try await stand.api.get("/projects/web/runs?limit=5")
            #expect(without.status == 200 && without.headers["deprecation"] == nil)
            let with = try await stand.api.get("/projects/web/runs?branch=main")
            #expect(with.headers["deprecation"] == "@1772323200" && with.headers["sunset"] == nil)
            #expect(with.headers["link"]?.contains("rel=\"deprecation\"") == true)
        }
    }
}
