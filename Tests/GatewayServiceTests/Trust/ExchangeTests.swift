import Foundation
import Postgres
import Primitives
import ServiceKit
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

/// CI without a key, as a job meets it.
@Suite("Exchanging ID tokens", .database(GatewayProgram.schema))
struct ExchangeTests {
    static let settings = ["ASSAY_GATEWAY_OIDC_EGRESS_ALLOW": "127.0.0.0/8,::1/128"]
    private static let report = Data(#"<testsuite name="s"><testcase name="a"/></testsuite>"#.utf8)
    static let project = FakeServices.project.description

    /// A gateway, a provider, and who administers the gateway's organization.
    struct World: Sendable {
        let stand: GatewayStand
        let provider: MockProvider

        var nobody: APIClient { APIClient(url: stand.url + "/api/v1", key: "") }

        func makePolicy(_ change: [String: Any] = [:], by api: APIClient? = nil) async throws -> APIAnswer {
            let policy: [String: Any] = [
                "name": "web", "provider": "GITHUB", "issuer": provider.issuer, "claims": ["repository": "acme/web-shop"],
                "projects": [ExchangeTests.project],
            ]
            return try await (api ?? stand.api).post("/trust-policies", policy.merging(change) { $1 })
        }

        /// The audience that the policies of this organization have by themselves, as far as it matters.
        func audience(_ tenant: ID<Tenant>? = nil) -> String { "\(publicURL)/\(tenant ?? stand.tenant)" }
        var publicURL: String { "http://127.0.0.1:8080" }

        func exchange(_ token: String, _ more: [String: Any] = [:]) async throws -> APIAnswer {
            try await nobody.post("/auth/oidc/exchange", ["subject_token": token].merging(more) { $1 })
        }

        func upload(_ token: String, headers: [String: String] = [:]) async throws -> APIAnswer {
            try await stand.api(token).send(
                "POST", "/projects/web/uploads", body: ExchangeTests.report, headers: ["Content-Type": "application/xml"].merging(headers) { $1 })
        }
    }

    static func with(_ kind: TokenSigner.Kind = .rsa, settings more: [String: String] = [:], _ body: (World) async throws -> Void)
        async throws
    {
        let provider = try await MockProvider.start(kind)
        defer { provider.stop() }
        try await GatewayStand.with(settings: settings.merging(more) { $1 }) { try await body(World(stand: $0, provider: provider)) }
    }

    @Test("an ID token becomes a token that uploads, and does nothing else", arguments: [TokenSigner.Kind.rsa, .p256, .p384])
    func exchange(kind: TokenSigner.Kind) async throws {
        try await Self.with(kind) { world in
            let policy = try await world.makePolicy()
            #expect(policy.status == 201 && policy.string("audience") == world.audience() && policy.string("forks") == "UNTRUSTED", "\(policy.text)")
            let answer = try await world.exchange(world.provider.token(audience: world.audience()))
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.string("token_type") == "Bearer" && answer.integer("expires_in") == 900 && answer.string("scope") == "results:write")
            #expect(answer.string("lane") == "TRUSTED" && answer.string("policy") == policy.string("id"))
            #expect(answer.string("organization") == world.stand.tenant.description && answer["projects"] as? [String] == [Self.project])
            #expect(answer.headers["cache-control"]?.contains("no-store") == true)
            let token = answer.string("access_token")
            #expect(token.hasPrefix("asy_oidc_") && token.count == 45)

            let uploaded = try await world.upload(token)
            #expect(uploaded.status == 202, "\(uploaded.text)")
            let caller = try #require(world.stand.fake.seen.withLock { $0.callers.last })
            #expect(caller.actor.hasPrefix("upt_") && caller.lane == .trusted && caller.permissions == ["results.write", "verdicts.read"])
            #expect(caller.projects == [FakeServices.project.uuid] && caller.tenant == world.stand.tenant)
            for path in ["/projects", "/keys", "/trust-policies", "/audit", "/members"] {
                let refused = try await world.stand.api(token).get(path)
                #expect(refused.status == 403 && refused.string("code") == "auth.scope_missing", "\(path): \(refused.text)")
            }
            #expect(try await world.stand.api(token + "x").get("/me").string("code") == "auth.key_invalid")
            #expect(world.provider.keyRequests == 1)
        }
    }

    @Test("a pull request's token is for the untrusted lane, or there is none")
    func pullRequest() async throws {
        try await Self.with { world in
            let policy = try await world.makePolicy()
            let token = try world.provider.token(audience: world.audience(), MockProvider.pullRequest)
            let answer = try await world.exchange(token)
            #expect(answer.status == 200 && answer.string("lane") == "UNTRUSTED", "\(answer.text)")
            #expect(try await world.upload(answer.string("access_token")).status == 202)
            #expect(world.stand.fake.seen.withLock { $0.callers.last?.lane } == .untrusted)

            let path = "/trust-policies/\(policy.string("id"))"
            let changed = try await world.stand.api.send(
                "PATCH", path, body: Data(#"{"forks":"REFUSE"}"#.utf8), headers: ["Content-Type": "application/json", "If-Match": "*"])
            #expect(changed.status == 200 && changed.string("forks") == "REFUSE", "\(changed.text)")
            let refused = try await world.exchange(world.provider.token(audience: world.audience(), MockProvider.pullRequest))
            #expect(refused.status == 403 && refused.string("code") == "oidc.fork_refused", "\(refused.text)")
            #expect(try await world.exchange(world.provider.token(audience: world.audience())).string("lane") == "TRUSTED")
        }
    }

    @Test("a fork waits for its own runs to end; of others it does not learn by waiting that there are any")
    func status() async throws {
        try await Self.with { world in
            _ = try await world.makePolicy()
            let token = try await world.exchange(world.provider.token(audience: world.audience(), MockProvider.pullRequest)).string("access_token")
            let fork = world.stand.api(token)
            func waits() -> [Int32] {
                world.stand.fake.seen.withLock { seen in
                    defer { seen.waits = [] }
                    return seen.waits
                }
            }
            let other = try await fork.get("/runs/run_good/status?wait=30")
            #expect(other.status == 404 && other.string("code") == "run.not_found" && waits() == [0], "\(other.text)")
            #expect(try await fork.get("/runs/run_fork/status?wait=30").text == "failed\n" && waits() == [0, 30])
            #expect(try await fork.get("/runs/run_fork/status").text == "failed\n" && waits() == [0])
            let trusted = try await world.exchange(world.provider.token(audience: world.audience())).string("access_token")
            #expect(try await world.stand.api(trusted).get("/runs/run_good/status?wait=30").text == "passed\n" && waits() == [30])
        }
    }

    @Test("what is wrong with a token is told in one sentence for all, and nobody is asked for it (T43, T44)")
    func refused() async throws {
        try await Self.with { world in
            _ = try await world.makePolicy()
            let provider = world.provider
            let stranger = try TokenSigner(id: provider.signer.id)
            let early = [
                "x", "eyJ", try provider.token(audience: world.audience(), now: Date() - 400),
                try provider.token(audience: world.audience(), now: Date() + 400),
                try provider.token(audience: world.audience(), ["exp": 9_999_999_999]),
                try provider.token(audience: world.audience(), ["iss": "https://token.actions.githubusercontent.com"]),
                try provider.token(audience: world.audience(), ["iss": provider.issuer + "/"]),
                try provider.token(audience: world.audience() + "x", ["aud": ["x", "\(world.publicURL)/x/\(world.stand.tenant)"]]),
                try provider.signer.token(provider.claims(audience: world.audience()), header: provider.signer.header { $0["alg"] = "none" }),
                try provider.signer.token(
                    provider.claims(audience: world.audience()), header: provider.signer.header { $0["jku"] = provider.issuer }),
            ]
            var details: Set<String> = []
            for (index, token) in early.enumerated() {
                let answer = try await world.exchange(token, ["organization": world.stand.tenant.description])
                #expect(answer.status == 401 && answer.string("code") == "oidc.token_invalid", "\(index): \(answer.text)")
                details.insert(answer.string("detail"))
            }
            #expect(provider.count == 0)
            let late = [
                try stranger.token(provider.claims(audience: world.audience())), try TokenSigner().token(provider.claims(audience: world.audience())),
            ]
            for token in late {
                let answer = try await world.exchange(token)
                #expect(answer.status == 401 && answer.string("code") == "oidc.token_invalid", "\(answer.text)")
                details.insert(answer.string("detail"))
            }
            #expect(details.count == 1 && provider.keyRequests == 1)
            let long = try await world.exchange(String(repeating: "x", count: 8_193))
            #expect(long.status == 422)
            let wrongGrant = try await world.exchange("x", ["grant_type": "password"])
            #expect(wrongGrant.status == 422 && wrongGrant.string("errors.0.pointer") == "/grant_type")
        }
    }

    @Test("a genuine token that no policy allows gets none, whatever it is that differs")
    func notTrusted() async throws {
        try await Self.with { world in
            _ = try await world.makePolicy(["claims": ["repository": "acme/web-*", "ref": "refs/heads/**", "environment": "ci"]])
            let good: [String: Any?] = ["environment": "ci"]
            #expect(try await world.exchange(world.provider.token(audience: world.audience(), good)).status == 200)
            for change in [
                ["repository": "acme/app"], ["repository": "evil/web-shop"], ["ref": "refs/tags/v1"], ["environment": "production"],
                ["environment": nil],
                ["repository": ["acme/web-shop"]],
            ] as [[String: Any?]] {
                let answer = try await world.exchange(world.provider.token(audience: world.audience(), good.merging(change) { $1 }))
                #expect(answer.status == 403 && answer.string("code") == "oidc.not_trusted", "\(change): \(answer.text)")
            }
            let other = try await world.exchange(
                world.provider.token(audience: world.audience(), good), ["project": ID<Project>.new().description])
            #expect(other.string("code") == "oidc.not_trusted")
        }
    }

    @Test("only the organization that is named is looked at: what another one trusts never matters")
    func tenants() async throws {
        try await Self.with { world in
            let database = TestDatabase.current.database
            let stranger = try await GatewayStand.makeTenant(database, name: "Strangers")
            let theirs = world.stand.api(try await GatewayStand.makeKey(world.stand.keys, tenant: stranger, scopes: Set(KeyScope.allCases)))
            // The stranger trusts this organization's repository, under this organization's audience.
            let policy = try await world.makePolicy(["audience": world.audience()], by: theirs)
            #expect(policy.status == 201, "\(policy.text)")
            let token = try world.provider.token(audience: world.audience())
            let refused = try await world.exchange(token)
            #expect(refused.status == 401 && refused.string("code") == "oidc.token_invalid", "\(refused.text)")
            #expect(world.provider.count == 0)

            _ = try await world.makePolicy()
            let own = try await world.exchange(token)
            #expect(own.string("organization") == world.stand.tenant.description && own.status == 200)
            // Who names the stranger means the stranger, and gets nothing of ours.
            let named = try await world.exchange(token, ["organization": stranger.description])
            #expect(named.string("organization") == stranger.description && named.string("policy") == policy.string("id"))
            _ = try await world.upload(named.string("access_token"))
            #expect(world.stand.fake.seen.withLock { $0.callers.last?.tenant } == stranger)
            // Policies are read by their own organization alone.
            #expect(try await world.stand.api.get("/trust-policies/\(policy.string("id"))").status == 404)
            #expect((try await world.stand.api.get("/trust-policies")["data"] as? [Any])?.count == 1)

            // Without a name there is no answer that could be the wrong one.
            let nameless = try await world.exchange(world.provider.token(audience: "assay"))
            #expect(nameless.status == 422 && nameless.string("code") == "oidc.organization_missing", "\(nameless.text)")
            let unknown = try await world.exchange(token, ["organization": ID<Tenant>.new().description])
            #expect(unknown.status == 401)
        }
    }

    @Test("an ID token is exchanged five times at most, and each time is in the audit log")
    func replay() async throws {
        try await Self.with { world in
            _ = try await world.makePolicy()
            let token = try world.provider.token(audience: world.audience())
            var given: Set<String> = []
            let limits = try await world.stand.api.get("/limits")["data"] as? [[String: Any]] ?? []
            let printed = limits.first { $0["name"] as? String == "id_token.exchanges" }?["value"] as? Int
            #expect(printed == UploadToken.exchanges)
            for _ in 0..<UploadToken.exchanges { given.insert(try await world.exchange(token).string("access_token")) }
            #expect(given.count == 5 && !given.contains(""))
            let sixth = try await world.exchange(token)
            #expect(sixth.status == 401 && sixth.string("code") == "oidc.token_replayed", "\(sixth.text)")
            #expect(try await world.exchange(world.provider.token(audience: world.audience())).status == 200)
            let notes = try await TestDatabase.current.database.rows(
                .tenant(world.stand.tenant), "select actor, subject, details from audit_outbox where action = 'oidc.exchanged'"
            ) { row in
                (
                    actor: try row.value("actor", as: String.self), subject: try row.value("subject", as: String.self),
                    details: try row.value("details", as: Postgres.JSONText.self).decode([String: String].self)
                )
            }
            #expect(notes.count == 6)
            let note = try #require(notes.first)
            #expect(note.actor.hasPrefix("tpl_") && note.subject.hasPrefix("upt_"))
            #expect(note.details["subject"] == "repo:acme/web-shop:ref:refs/heads/main" && note.details["repository"] == "acme/web-shop")
            #expect(note.details["ref"] == "refs/heads/main" && note.details["lane"] == "trusted")
            #expect(note.details["run_url"] == world.provider.issuer + "/acme/web-shop/actions/runs/4711/attempts/1")
            #expect(!notes.contains { $0.details.values.contains { $0.contains("eyJ") || $0.contains("asy_") } })
        }
    }

    @Test("a hundred exchanges of one token at once are five", .timeLimit(.minutes(1)))
    func race() async throws {
        try await Self.with { world in
            _ = try await world.makePolicy()
            let token = try world.provider.token(audience: world.audience())
            let good = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<40 { group.addTask { try await world.exchange(token).status == 200 ? 1 : 0 } }
                return try await group.reduce(0, +)
            }
            #expect(good == UploadToken.exchanges && world.provider.keyRequests == 1)
        }
    }

    @Test(
        "a policy that is changed, disabled or deleted ends its tokens within five seconds",
        arguments: [("PATCH", #"{"enabled":false}"#), ("PATCH", #"{"claims":{"repository":"acme/other"}}"#), ("DELETE", "")])
    func revoked(method: String, body: String) async throws {
        try await Self.with { world in
            let policy = try await world.makePolicy().string("id")
            let token = try await world.exchange(world.provider.token(audience: world.audience())).string("access_token")
            #expect(try await world.upload(token).status == 202)
            let headers = body.isEmpty ? [:] : ["Content-Type": "application/json", "If-Match": "*"]
            let started = ContinuousClock.now
            let changed = try await world.stand.api.send(
                method, "/trust-policies/\(policy)", body: body.isEmpty ? nil : Data(body.utf8), headers: headers)
            #expect((200..<300).contains(changed.status), "\(changed.text)")
            try await eventually(within: .seconds(5)) { try await world.upload(token).status == 401 }
            print("a token stopped \(ContinuousClock.now - started) after \(method) of its policy")
            let refused = try await world.exchange(world.provider.token(audience: world.audience()))
            #expect(refused.status == (body.contains("claims") ? 403 : 401), "\(refused.text)")
        }
    }

    @Test("a token is over after a quarter of an hour, and swept away; a suspended organization gives none")
    func expiry() async throws {
        try await Self.with { world in
            let database = TestDatabase.current.database
            let tenant = world.stand.tenant
            _ = try await world.makePolicy()
            let token = try await world.exchange(world.provider.token(audience: world.audience())).string("access_token")
            try await database.execute(
                .tenant(tenant), "update upload_tokens set created_at = now() - interval '20 minutes', expires_at = now() - interval '5 minutes'")
            #expect(try await world.upload(token).string("code") == "auth.key_invalid")
            try await database.execute(.tenant(tenant), "update exchanged_tokens set expires_at = now() - interval '2 minutes'")
            try await UploadTokenStore(database: database).sweep()
            let left = try await database.one(
                .tenant(tenant), "select (select count(*) from upload_tokens) + (select count(*) from exchanged_tokens) as n"
            ) { try $0.value("n", as: Int.self) }
            #expect(left == 0)
            try await database.execute(.system, "update organizations set suspended_at = now() where tenant_id = \(tenant)")
            #expect(try await world.exchange(world.provider.token(audience: world.audience())).status == 401)
        }
    }

    @Test("a provider's new key is found, and one that cannot be reached is its own answer (T58)")
    func providers() async throws {
        try await Self.with { world in
            _ = try await world.makePolicy()
            world.provider.answer { _ in .text("no", status: 500) }
            let away = try await world.exchange(world.provider.token(audience: world.audience()))
            #expect(away.status == 502 && away.string("code") == "idp_unreachable" && away.headers["retry-after"] != nil, "\(away.text)")
            // It is left alone for ten seconds.
            let count = world.provider.count
            #expect(try await world.exchange(world.provider.token(audience: world.audience())).status == 502)
            #expect(world.provider.count == count)
        }
        try await Self.with { world in
            _ = try await world.makePolicy()
            #expect(try await world.exchange(world.provider.token(audience: world.audience())).status == 200)
            let old = world.provider.signer
            try world.provider.rotate(.p256)
            // Within a minute nobody looks again, however many ask (T45).
            for _ in 0..<50 { #expect(try await world.exchange(world.provider.token(audience: world.audience())).status == 401) }
            #expect(world.provider.keyRequests == 1)
            #expect(try await world.exchange(old.token(world.provider.claims(audience: world.audience()))).status == 200)
        }
    }

    @Test("refusals are security events of the organization, and name no secret")
    func events() async throws {
        try await Self.with { world in
            _ = try await world.makePolicy()
            let stranger = try TokenSigner(id: world.provider.signer.id)
            _ = try await world.exchange(stranger.token(world.provider.claims(audience: world.audience())))
            _ = try await world.exchange(world.provider.token(audience: world.audience(), ["repository": "evil/web"]))
            try await world.stand.security.flush()
            let events = try await TestDatabase.current.database.rows(
                .tenant(world.stand.tenant), "select payload::text as payload from jobs where kind = 'publish-security-event'"
            ) { try $0.value("payload", as: String.self) }
            #expect(events.contains { $0.contains("security.exchange_refused") && $0.contains("token_invalid") }, "\(events)")
            #expect(!events.contains { $0.contains("eyJ") })
        }
    }

    @Test("what an untrusted build sends counts against its organization's quota")
    func quota() async throws {
        try await Self.with(settings: ["ASSAY_GATEWAY_QUOTA_UPLOADS": "2"]) { world in
            _ = try await world.makePolicy()
            let token = try await world.exchange(world.provider.token(audience: world.audience(), MockProvider.pullRequest)).string("access_token")
            var statuses: [Int] = []
            for _ in 0..<4 { statuses.append(try await world.upload(token).status) }
            #expect(statuses == [202, 202, 429, 429])
            #expect(try await world.upload(world.stand.key).status == 429)
        }
    }
}
