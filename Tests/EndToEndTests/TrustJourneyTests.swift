import Foundation
import TestSupport
import Testing

/// CI without a key, through all seven processes (P3).
@Suite(.serialized, .timeLimit(.minutes(5)))
struct TrustJourneyTests {
    @Test("a pull request's results are kept apart: shown, counted nowhere, alerting nobody, and gone with their policy's leave")
    func journey() async throws {
        let provider = try await MockProvider.start()
        defer { provider.stop() }
        let hook = try await LoopbackServer.start { _ in .text("ok") }
        defer { hook.stop() }
        try await Stack.with(settings: ["ASSAY_GATEWAY_OIDC_EGRESS_ALLOW": "127.0.0.0/8"]) { stack in
            let journey = Journey(stack)
            let api = journey.api
            let slug = try await journey.makeProject()
            let project = try await api.get("/projects/\(slug)").string("id")
            let channel = try await api.post("/channels", ["name": "c", "kind": "WEBHOOK", "url": hook.url, "events": ["run.finished"]])
            try #require(channel.status == 201, "\(channel.text)")
            let policy = try await api.post(
                "/trust-policies",
                [
                    "name": "web", "provider": "GITHUB", "issuer": provider.issuer, "claims": ["repository": "acme/web-shop"], "projects": [project],
                ])
            try #require(policy.status == 201, "\(policy.text)")
            let audience = policy.string("audience")
            let nobody = APIClient(url: stack.url + "/api/v1", key: "")
            func job(_ change: [String: Any?] = [:]) async throws -> Journey {
                let answer = try await nobody.post("/auth/oidc/exchange", ["subject_token": provider.token(audience: audience, change)])
                try #require(answer.status == 200, "\(answer.text)")
                return Journey(stack, api: APIClient(url: stack.url + "/api/v1", key: answer.string("access_token")))
            }

            // A trusted build, twice the same: one test, no flip.
            let main = try await job()
            let trusted = try await main.upload(Journey.report(count: 4, failing: 0), to: slug, query: "run_env[key]=b1")
            try #require((200..<300).contains(trusted.status), "\(trusted.text)")
            let run = trusted.string("run_id")
            #expect(try await main.api.post("/runs/\(run):finish").string("state") == "PASSED")
            try await eventually(within: .seconds(30)) { try await Self.runs(api, slug) == 1 }
            try await eventually(within: .seconds(30)) { hook.count == 1 }
            let test = try #require(try await journey.results(of: run).first?["test"] as? String)
            try await eventually(within: .seconds(30)) { try await api.get("/tests/\(test)").integer("counts.total") == 1 }

            // The same tests, all failing, from a pull request: into the trusted run they do not come, and under its key there is no place.
            let fork = try await job(MockProvider.pullRequest)
            let bad = Journey.report(count: 4, failing: 1)
            let joining = try await fork.upload(bad, to: slug, query: "run_env[key]=b1")
            #expect(joining.status == 403 && joining.string("code") == "runs.lane_mismatch", "\(joining.text)")
            let ending = try await fork.api.post("/runs/\(run):finish")
            #expect(ending.status == 403 && ending.string("code") == "runs.lane_mismatch", "\(ending.text)")
            let untrusted = try await fork.upload(bad, to: slug, query: "wait=30")
            #expect(untrusted.status == 200 && untrusted.string("run_state") == "FAILED", "\(untrusted.text)")
            let apart = untrusted.string("run_id")
            #expect(try await api.get("/runs/\(apart)").string("lane") == "UNTRUSTED")
            #expect(try await api.get("/runs/\(run)").string("lane") == "TRUSTED")
            #expect(try await api.get("/runs/\(run)").integer("counts.total") == 4)
            #expect(try await Self.listed(api, slug, "lane=UNTRUSTED") == [apart])
            #expect(try await Self.listed(api, slug, "lane=TRUSTED") == [run])
            // Whoever made the pull request can be told why it failed.
            try await eventually(within: .seconds(30)) { try await api.get("/runs/\(apart)/validation").string("state") == "JUDGED" }
            #expect(try await api.get("/runs/\(apart)/failures").string("data.0.category") == "NETWORK")
            #expect(try await fork.api.get("/runs/\(apart)").status == 403)
            #expect(try await fork.api.get("/runs/\(apart)/status").text == "failed\n")
            #expect(try await fork.api.get("/runs/\(run)/status").string("code") == "run.not_found")

            // Another trusted run comes behind it through the same queues: when it has arrived, the other one would have as well.
            let next = try await job().upload(
                Journey.report(count: 4, failing: 0, message: "x"), to: slug, query: "wait=30&run_env[number]=2&name=next")
            #expect(next.status == 200, "\(next.text)")
            try await eventually(within: .seconds(30)) { try await Self.runs(api, slug) == 2 }
            try await eventually(within: .seconds(30)) { try await api.get("/tests/\(test)").integer("counts.total") == 2 }
            try await eventually(within: .seconds(30)) { hook.count == 2 }
            let known = try await api.get("/tests/\(test)")
            #expect(known.integer("flips") == 0 && known.integer("counts.failed") == 0 && known.string("last_outcome") == "PASSED", "\(known.text)")
            #expect((try await api.get("/tests/\(test)/history")["data"] as? [Any])?.count == 2)
            // What there was to tell of the untrusted one has been told.
            try await eventually(within: .seconds(30)) {
                try await stack.sql("select count(*) from execution.jobs where payload ->> 'run' = '\(apart)'") == "0"
            }
            #expect(!hook.requests.contains { String(decoding: $0.body, as: UTF8.self).contains(apart) })

            let page = try await Self.page(stack, "/runs/\(apart)")
            #expect(page.contains("Untrusted") && page.contains("counts in no statistics"))
            #expect(try await !Self.page(stack, "/runs/\(run)").contains("Untrusted"))

            let gone = try await api.send("DELETE", "/trust-policies/\(policy.string("id"))", body: nil)
            #expect(gone.status == 204, "\(gone.text)")
            try await eventually(within: .seconds(5)) { try await fork.upload(bad, to: slug).status == 401 }
            let again = try await nobody.post("/auth/oidc/exchange", ["subject_token": provider.token(audience: audience)])
            #expect(again.status == 401, "\(again.text)")
            try await eventually(within: .seconds(30)) {
                let entries = try await api.get("/audit?action=oidc.exchanged")["data"] as? [[String: Any]] ?? []
                let details = entries.compactMap { $0["details"] as? [String: String] }
                return details.count == 3 && details.allSatisfy { $0["repository"] == "acme/web-shop" }
            }
        }
    }

    private static func runs(_ api: APIClient, _ project: String) async throws -> Int {
        let days = try await api.get("/projects/\(project)/trends?days=2")["data"] as? [[String: Any]] ?? []
        return days.reduce(0) { $0 + (($1["runs"] as? NSNumber)?.intValue ?? 0) }
    }

    private static func listed(_ api: APIClient, _ project: String, _ query: String) async throws -> [String] {
        (try await api.get("/projects/\(project)/runs?\(query)")["data"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
    }

    /// A page as whoever holds the first key sees it.
    private static func page(_ stack: Stack, _ path: String) async throws -> String {
        try await APIClient(url: stack.url, key: stack.apiKey).get(path).text
    }
}
