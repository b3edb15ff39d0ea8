import Foundation
import Primitives
import TestSupport
import Testing

@testable import GatewayService

/// Trust policies as whoever administers an organization meets them.
@Suite("Trust policies over HTTP", .database(GatewayProgram.schema))
struct TrustPolicyHTTPTests {
    @Test("policies are made, read, listed page by page, changed under If-Match and deleted, by administrators alone")
    func resource() async throws {
        try await ExchangeTests.with { world in
            let api = world.stand.api
            let key = ["Idempotency-Key": UUID().uuidString]
            let body: [String: Any] = [
                "name": "gitlab", "provider": "GITLAB", "claims": ["project_path": "acme/**"], "projects": [ExchangeTests.project], "forks": "REFUSE",
                "audience": "assay",
            ]
            let made = try await api.post("/trust-policies", body, headers: key)
            #expect(made.status == 201 && made.string("issuer") == "https://gitlab.com" && made.string("forks") == "REFUSE", "\(made.text)")
            #expect(try await api.post("/trust-policies", body, headers: key).string("id") == made.string("id"))
            for _ in 0..<4 { #expect(try await world.makePolicy().status == 201) }
            var ids: [String] = []
            var cursor = ""
            repeat {
                let page = try await api.get("/trust-policies?limit=2" + (cursor.isEmpty ? "" : "&cursor=\(cursor)"))
                ids += (page["data"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
                cursor = page.string("page.next_cursor")
            } while !cursor.isEmpty
            #expect(ids.count == 5 && ids == ids.sorted(by: >) && ids.last == made.string("id"))

            let path = "/trust-policies/\(made.string("id"))"
            let read = try await api.get(path)
            let tag = try #require(read.headers["etag"])
            func patch(_ body: String, _ tag: String?) async throws -> APIAnswer {
                try await api.send(
                    "PATCH", path, body: Data(body.utf8),
                    headers: ["Content-Type": "application/json"].merging(tag.map { ["If-Match": $0] } ?? [:]) { $1 })
            }
            #expect(try await patch(#"{"name":"n"}"#, nil).status == 428)
            let changed = try await patch(#"{"name":"n","claims":{"project_path":"acme/shop/web","ref":"main"}}"#, tag)
            #expect(changed.status == 200 && changed.integer("version") == 2 && changed.string("claims.ref") == "main", "\(changed.text)")
            #expect(changed.string("audience") == "assay" && changed["projects"] as? [String] == [ExchangeTests.project])
            #expect(try await patch(#"{"name":"m"}"#, tag).status == 412)
            let wide = try await patch(#"{"claims":{"project_path":"**"}}"#, "*")
            #expect(wide.status == 422 && wide.string("errors.0.pointer") == "/claims/project_path", "\(wide.text)")
            #expect(try await api.send("DELETE", path, body: nil, headers: ["If-Match": tag]).status == 412)
            #expect(try await api.send("DELETE", path, body: nil).status == 204)
            #expect(try await api.get(path).string("code") == "trust_policy.not_found")

            let bound = try await world.stand.makeKey([.orgAdmin], projects: [UUID()])
            #expect(try await world.makePolicy(by: world.stand.api(bound)).string("code") == "permission.projects_only")
            let reader = try await world.stand.makeKey([.resultsRead])
            #expect(try await world.makePolicy(by: world.stand.api(reader)).status == 403)
        }
    }

    @Test("an organization has a hundred policies at most, also when many are made at once")
    func bounded() async throws {
        try await ExchangeTests.with { world in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<110 { group.addTask { try await world.makePolicy().status } }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [201: 100, 409: 10])
            #expect(try await world.makePolicy().string("code") == "trust_policies.too_many")
        }
    }
}
