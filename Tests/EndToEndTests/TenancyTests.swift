import Foundation
import Primitives
import TestSupport
import Testing

/// What belongs to one organization does not exist for another, whichever route asks (T66). The routes come from the document that the gateway
/// serves, so a new one is covered from its first day, or fails here until it is known how to ask it.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct TenancyTests {
    @Test("every route answers 404 for another organization's object, exactly as for one that never was")
    func everyRoute() async throws {
        let hook = try await LoopbackServer.start { _ in .text("ok") }
        defer { hook.stop() }
        try await Stack.with { stack in
            let journey = Journey(stack)
            let theirs = try await Self.objects(journey, hook: hook)
            let stranger = try await Self.stranger(stack, journey)
            #expect(try await stranger.get("/me").string("organization") != journey.api.get("/me").string("organization"))

            var asked = 0
            for (method, path) in try await Self.routes(stack) where path.contains("{") {
                let body = try #require(Self.bodies["\(method) \(path)"] ?? Self.withoutBody(method), "how is \(method) \(path) asked?")
                let foreign = try await Self.ask(stranger, method, path, theirs, body)
                // What is the operator's is closed to every organization, its own administrator's routes included.
                if path.hasPrefix("/admin/") {
                    #expect(foreign.status == 403 && foreign.string("code") == "auth.scope_missing", "\(method) \(path): \(foreign.text)")
                    continue
                }
                #expect(foreign.status == 404, "\(method) \(path): \(foreign.status) \(foreign.text)")
                let made = try await Self.ask(stranger, method, path, theirs.mapValues(Self.neighbour), body)
                #expect(foreign.status == made.status && foreign.string("code") == made.string("code"), "\(method) \(path): \(made.text)")
                asked += 1
            }
            #expect(asked > 45)
            // The owner still has everything: no refusal changed or deleted anything.
            for (name, id) in theirs where Self.readers[name] != nil {
                let answer = try await journey.api.get(Self.readers[name, default: ""] + id)
                #expect(answer.status == 200, "\(name): \(answer.text)")
            }
        }
    }

    @Test("another organization's ids in a body are as unknown as in a path")
    func bodies() async throws {
        let hook = try await LoopbackServer.start { _ in .text("ok") }
        defer { hook.stop() }
        try await Stack.with { stack in
            let journey = Journey(stack)
            let theirs = try await Self.objects(journey, hook: hook)
            let stranger = try await Self.stranger(stack, journey)
            let own = try await stranger.post("/projects", ["name": "Mine", "slug": "mine"]).string("id")
            try #require(!own.isEmpty)
            let suite = theirs["suite", default: ""]
            let started = try await stranger.post("/projects/mine/runs", ["suite": suite])
            #expect(started.status == 404, "\(started.text)")
            // A schedule names what it will start; whether that is there shows when it fires, and then it must not be found.
            let scheduled = try await stranger.post(
                "/projects/mine/schedules", ["suite": suite, "name": "theirs", "cron": "* * * * *", "time_zone": "UTC"])
            if scheduled.status == 201 {
                try await stack.sql("update scheduling.schedules set next_at = date_trunc('minute', now()) where name = 'theirs'")
                try await eventually(within: .seconds(30)) {
                    let firing = try await stranger.get("/schedules/\(scheduled.string("id"))/firings")
                    return firing.string("data.0.state") == "FAILED"
                }
            }
            #expect(try await stack.sql("select count(*) from execution.runs where kind = 'suite'") == "0")
        }
    }

    // MARK: - Two organizations

    /// One object of each kind, by the name that routes use for it.
    /// - Parameter marker: part of every name.
    static func objects(_ journey: Journey, hook: LoopbackServer, marker: String = "of mine") async throws -> [String: String] {
        let api = journey.api
        let slug = try await journey.makeProject(named: marker)
        var ids = ["project": try await api.get("/projects/\(slug)").string("id")]
        ids["organization"] = try await api.get("/me").string("organization")
        let suite = try await journey.makeSuite(in: slug, count: 1, named: marker, url: "http://127.0.0.1:\(hook.port)")
        ids["suite"] = suite
        ids["case"] = try await api.get("/suites/\(suite)/cases").string("data.0.id")
        ids["schedule"] = try await api.post(
            "/projects/\(slug)/schedules", ["suite": suite, "name": marker, "cron": "0 0 1 1 *", "time_zone": "UTC"]
        ).string("id")
        ids["secret"] = try await api.post(
            "/projects/\(slug)/secrets", ["name": "TOKEN", "value": "secret \(marker)", "hosts": ["api.example.com"]]
        ).string("id")
        ids["channel"] = try await api.post(
            "/channels", ["name": marker, "kind": "WEBHOOK", "url": "http://127.0.0.1:\(hook.port)/"]
        ).string("channel.id")
        ids["delivery"] = try await api.post("/channels/\(ids["channel", default: ""]):test").string("id")
        let receipt = try await journey.upload(Journey.report(count: 2, failing: 2, message: marker, name: marker), to: slug)
        ids["upload"] = receipt.string("upload_id")
        ids["run"] = receipt.string("run_id")
        // Kept, since it is of an upload that is named and has failures.
        let plan = "/runs/\(receipt.string("run_id"))/retry-plan?upload=\(receipt.string("upload_id"))"
        ids["retry_plan"] = try await api.get(plan).string("id")
        // So is what is told of a run that is finished and has failures.
        ids["excuse"] = try await api.get("/runs/\(receipt.string("run_id"))/quarantined-failures").string("id")
        ids["partial_upload"] = try await api.send(
            "POST", "/projects/\(slug)/uploads", body: Data("<a/>".utf8), headers: ["Content-Type": "application/xml", "Upload-Complete": "?0"]
        ).string("id")
        let results = try await journey.results(of: receipt.string("run_id"))
        let failed = try #require(results.first { $0["outcome"] as? String == "FAILED" })
        ids["result"] = failed["id"] as? String
        ids["test"] = failed["test"] as? String
        // A pattern's id follows from its words, so they are not the same in two organizations: what looks generated at the end of a marker counts for none.
        ids["artifact"] = try await api.send(
            "POST", "/runs/\(ids["run", default: ""])/artifacts?name=a.log", body: Data("the order of \(marker.prefix(12)) went wrong".utf8),
            headers: ["Content-Type": "text/plain"]
        ).string("data.0.id")
        ids["alias"] = try await api.post(
            "/projects/\(slug)/test-aliases", ["alias": "tst_\(ids["project", default: ""].dropFirst(4))", "test": ids["test", default: ""]]
        ).string("alias")
        ids["code_owners_version"] = try await api.send(
            "PUT", "/projects/\(slug)/code-owners", body: Data(#"{"content": "* @all"}"#.utf8),
            headers: ["Content-Type": "application/json", "If-Match": "*"]
        ).string("id")
        ids["key"] = try await api.post("/keys", ["name": marker, "kind": "CI", "scopes": ["results:write"]]).string("key.id")
        (ids["member"], ids["session"]) = try await person(named: marker, in: ids["organization", default: ""], journey)
        ids["user"] = ids["member"]
        ids["role"] = try await api.post("/roles", ["name": marker, "permissions": ["runs.read"]]).string("id")
        let invited = try await api.post("/invitations", ["email": "\(UUID().uuidString)@example.com", "role": "viewer"])
        ids["invitation"] = invited.string("invitation.id")
        ids["trust_policy"] = try await api.post(
            "/trust-policies",
            [
                "name": marker, "provider": "GITHUB", "claims": ["repository": "acme/web"], "projects": [ids["project", default: ""]],
            ]
        ).string("id")
        ids["incident"] = try await journey.makeIncident(in: ids["project", default: ""])
        ids["change"] = try await journey.makeLevelChange(in: ids["project", default: ""])
        // Super admins' own affair; what it names is not looked at.
        ids["impersonation"] = "imp_00000000000000000000000000"
        let draft = ["name": marker, "category": "DATA", "pattern": "no such text"]
        ids["rule"] = try await api.post("/projects/\(slug)/rules", ["draft": draft]).string("id")
        ids["edition"] = "1"
        ids["recategorisation"] = try await api.post("/projects/\(slug)/failures:recategorise").string("id")
        // What other services have to hear of first.
        let (result, test) = (ids["result", default: ""], ids["test", default: ""])
        try await eventually(within: .seconds(30)) {
            let filed = try await api.get("/results/\(result)/failure").status
            let counted = try await api.get("/tests/\(test)").status
            return filed == 200 && counted == 200
        }
        ids["group"] = try await api.get("/results/\(result)/failure").string("group")
        try await eventually(within: .seconds(30)) {
            ids["pattern"] = try await api.get("/projects/\(slug)/log-patterns").string("data.0.id")
            return ids["pattern", default: ""].hasPrefix("lpt_")
        }
        // What Validation has to hear the end of first.
        let run = ids["run", default: ""]
        try await eventually(within: .seconds(30)) { try await api.post("/projects/\(slug)/baselines", ["run": run]).status == 201 }
        ids["baseline"] = try await api.get("/projects/\(slug)/baselines").string("data.0.id")
        for (name, id) in ids { try #require(!id.isEmpty, "there is no \(name)") }
        return ids
    }

    /// A person of the organization who is signed in.
    private static func person(named name: String, in organization: String, _ journey: Journey) async throws -> (member: String, session: String) {
        enum Session: Identified { static let idPrefix = "ses" }
        enum User: Identified { static let idPrefix = "usr" }
        let (person, session, tenant) = (ID<User>.new(), ID<Session>.new(), try ID<Tenant>(organization))
        try await journey.stack.sql(
            """
            insert into gateway.people (id, email, name, email_verified_at) values ('\(person.uuid)', '\(session)@example.com', '\(name)', now());
            insert into gateway.users (tenant_id, id, name, role) values ('\(tenant.uuid)', '\(person.uuid)', '\(name)', 'viewer');
            insert into gateway.sessions (tenant_id, id, person_id, expires_at)
            values ('\(tenant.uuid)', '\(session.uuid)', '\(person.uuid)', now() + interval '1 day');
            """)
        return (person.description, session.description)
    }

    /// The administrator of a second organization: a key of the first is moved there, since there is no other way yet to make one.
    static func stranger(_ stack: Stack, _ journey: Journey) async throws -> APIClient {
        let made = try await journey.api.post("/keys", ["name": "stranger", "kind": "SERVICE", "scopes": ["org:admin"]])
        try #require(made.status == 201, "\(made.text)")
        let tenant = UUID().uuidString
        try await stack.sql("insert into gateway.organizations (tenant_id, name) values ('\(tenant)', 'Strangers')")
        try await stack.sql("update gateway.api_keys set tenant_id = '\(tenant)', user_id = null where name = 'stranger'")
        return APIClient(url: stack.url + "/api/v1", key: made.string("secret"))
    }

    // MARK: - Asking

    /// Method and path template of every route, paths without `/api/v1`.
    private static func routes(_ stack: Stack) async throws -> [(method: String, path: String)] {
        let document = try await APIClient(url: stack.url, key: "").get("/openapi.json")
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        // Badges have tokens of their own, and tests.
        return paths.filter { $0.key.hasPrefix("/api/v1/") }.sorted { $0.key < $1.key }.flatMap { path, methods in
            methods.keys.sorted().map { ($0.uppercased(), String(path.dropFirst("/api/v1".count))) }
        }
    }

    private static func ask(
        _ api: APIClient, _ method: String, _ path: String, _ ids: [String: String], _ body: String
    ) async throws -> APIAnswer {
        var filled = path + queries["\(method) \(path)", default: ""]
        for (name, id) in ids { filled = filled.replacing("{\(name)}", with: id) }
        try #require(!filled.contains("{"), "what is \(filled)?")
        let isReport = path.hasSuffix("/uploads")
        var headers = body.isEmpty ? [:] : ["Content-Type": isReport ? "application/xml" : "application/json"]
        if method == "PATCH" || method == "PUT" { headers["If-Match"] = "*" }
        if method == "PATCH", path.hasPrefix("/partial-uploads/") {
            headers = ["Content-Type": "application/partial-upload", "Upload-Offset": "4", "Upload-Complete": "?0"]
        }
        return try await api.send(method, filled, body: body.isEmpty ? nil : Data(body.utf8), headers: headers)
    }

    /// Parameters that a route needs.
    private static let queries = [
        "GET /runs/{run}/comparison": "?base={run}", "GET /runs/{run}/alias-suggestions": "?base={run}",
        "GET /runs/{run}/retry-plan": "?upload={upload}",
        "GET /projects/{project}/cases": "?field=priority:high",
        "GET /projects/{project}/comparison": "?branch=a&base_branch=b",
        "GET /projects/{project}/trend-values": "?dimension=SUITE", "GET /projects/{project}/owners": "?path=x",
        "GET /projects/{project}/tags": "?key=branch",
        "POST /runs/{run}/artifacts": "?name=a", "GET /baselines/{baseline}/comparison": "?base={baseline}",
    ]

    /// An id of the same kind that nobody has.
    private static func neighbour(_ id: String) -> String {
        let last = id.last == "0" ? "1" : "0"
        return id.dropLast() + last
    }

    private static func withoutBody(_ method: String) -> String? { method == "GET" || method == "DELETE" ? "" : nil }

    /// Valid requests of all routes that take a body, so that what is wrong with them is the object alone.
    private static let bodies = [
        "PUT /admin/organizations/{organization}/quotas": #"{"overrides": []}"#,
        "PATCH /cases/{case}": #"{"name": "n"}"#,
        "PATCH /channels/{channel}": #"{"name": "n"}"#,
        "PATCH /partial-uploads/{partial_upload}": "<b/>",
        "POST /channels/{channel}:test": "{}",
        "POST /projects/{project}/secrets": #"{"name": "n", "value": "123456", "hosts": ["example.com"]}"#,
        "PATCH /secrets/{secret}": #"{"value": "123456"}"#,
        "POST /deliveries/{delivery}:replay": "{}",
        "POST /projects/{project}/environment-incidents": #"{"kind": "HOST", "place": "h", "reason": "r"}"#,
        "POST /environment-incidents/{incident}:dismiss": "{}",
        "POST /environment-incidents/{incident}:reinstate": "{}",
        "POST /environment-incidents/{incident}:replay": "{}",
        "POST /level-changes/{change}:replay": "{}",
        "PUT /level-changes/{change}/verdict": #"{"kind": "DISMISSED"}"#,
        "PATCH /projects/{project}": #"{"name": "n"}"#,
        "POST /projects/{project}/badge-token": "{}",
        "POST /projects/{project}/failures:recategorise": "{}",
        "POST /projects/{project}/rules": #"{"draft": {"name": "n", "category": "DATA", "pattern": "x"}}"#,
        "PUT /projects/{project}/rules/{rule}": #"{"draft": {"name": "n", "category": "DATA", "pattern": "x"}}"#,
        "POST /projects/{project}/rules:test": #"{"draft": {"name": "n", "category": "DATA", "pattern": "x"}}"#,
        "POST /results/{result}/failure:replay": "{}",
        "POST /results/{result}/failure/group:replay": "{}",
        "POST /tests/{test}/stability:replay": "{}",
        "PUT /tests/{test}/verdict": #"{"kind": "FLAKY", "reason": "r"}"#,
        "PUT /results/{result}/failure/verdict": #"{"category": "DATA"}"#,
        "POST /projects/{project}/failure-groups/{group}:assign": "{}",
        "POST /projects/{project}/failure-groups/{group}:cut": #"{"text": "exit code 137"}"#,
        "POST /projects/{project}/failure-groups/{group}:file": #"{"category": "DATA"}"#,
        "POST /projects/{project}/failure-groups/{group}:give-back": "{}",
        "POST /projects/{project}/failure-groups/{group}:merge": #"{"groups": ["grp_00000000000000000000000000"]}"#,
        "POST /projects/{project}/failure-groups/{group}:reopen": "{}",
        "POST /projects/{project}/failure-groups/{group}:resolve": "{}",
        "POST /projects/{project}/failure-groups/{group}:split": #"{"signatures": ["sig_00000000000000000000000000"]}"#,
        "POST /projects/{project}/failure-groups:apply": #"{"action": "RESOLVE", "filter": {}}"#,
        "POST /projects/{project}/logs:analyse": #"{"text": "x"}"#,
        "POST /projects/{project}/log-patterns/{pattern}:replay": "{}",
        "PUT /projects/{project}/log-patterns/{pattern}/verdict": #"{"category": "DATA", "reason": "r"}"#,
        "POST /projects/{project}/baselines": #"{"run": "run_00000000000000000000000000"}"#,
        "PUT /projects/{project}/learning": #"{"enabled": true}"#,
        "PUT /projects/{project}/baseline-settings": #"{"two_persons": false}"#,
        "POST /baselines/{baseline}:approve": "{}",
        "POST /baselines/{baseline}:reject": "{}",
        "POST /baselines/{baseline}:withdraw": "{}",
        "POST /runs/{run}/regressions:replay": "{}",
        "PUT /runs/{run}/regressions/{test}/verdict": #"{"kind": "NO_REGRESSION", "reason": "r"}"#,
        "POST /projects/{project}/quarantine": #"{"test": "tst_00000000000000000000000000", "owner": "o", "reason": "r"}"#,
        "PATCH /projects/{project}/quarantine/{test}": #"{"owner": "o"}"#,
        "POST /projects/{project}/runs": #"{"suite": "ste_00000000000000000000000000"}"#,
        "POST /projects/{project}/schedules":
            #"{"suite": "ste_00000000000000000000000000", "name": "n", "cron": "* * * * *", "time_zone": "UTC"}"#,
        "POST /projects/{project}/suites": #"{"name": "n"}"#,
        "PUT /projects/{project}/case-fields": #"{"fields": []}"#,
        "PUT /projects/{project}/code-owners": #"{"content": "* @all"}"#,
        "PUT /projects/{project}/custom-fields": #"{"fields": []}"#,
        "PUT /projects/{project}/identity-rules": #"{"rules": []}"#,
        "POST /retry-plans/{retry_plan}:replay": "{}",
        "POST /excuses/{excuse}:replay": "{}",
        "PUT /projects/{project}/retry-words/{test}": #"{"kind": "NEVER", "note": "n"}"#,
        "PUT /projects/{project}/retry-policy": #"{"max_attempts": 3, "max_failing_tests": 30, "minutes_per_day": 60}"#,
        "POST /projects/{project}/test-aliases":
            #"{"alias": "tst_00000000000000000000000000", "test": "tst_00000000000000000000000001"}"#,
        "POST /projects/{project}/uploads": #"<testsuite name="s"><testcase name="a"/></testsuite>"#,
        "POST /keys/{key}:rotate": "{}",
        "POST /members/{member}:reset-password": "{}",
        "PATCH /organizations/{organization}": #"{"name": "n"}"#,
        "POST /organizations/{organization}:transfer": #"{"member": "usr_00000000000000000000000000"}"#,
        "POST /organizations/{organization}:leave": "{}",
        "PATCH /members/{member}": #"{"role": "viewer"}"#,
        "POST /members/{member}:deactivate": "{}",
        "POST /members/{member}:activate": "{}",
        "PUT /members/{member}/grants/{project}": #"{"role": "viewer"}"#,
        "PATCH /roles/{role}": #"{"name": "n"}"#,
        "POST /admin/organizations/{organization}:suspend": #"{"reason": "r"}"#,
        "POST /admin/organizations/{organization}:activate": "{}",
        "POST /admin/users/{user}:disable": "{}",
        "POST /admin/users/{user}:enable": "{}",
        "POST /runs/{run}/artifacts": "{}",
        "POST /runs/{run}:cancel": "{}",
        "POST /runs/{run}:finish": "{}",
        "PATCH /trust-policies/{trust_policy}": #"{"name": "n"}"#,
        "PATCH /schedules/{schedule}": #"{"name": "n"}"#,
        "POST /suites/{suite}/cases": #"{"name": "n", "http": {"url": "http://example.com"}}"#,
    ]

    /// Where the owner reads each kind of object again.
    private static let readers = [
        "project": "/projects/", "suite": "/suites/", "case": "/cases/", "schedule": "/schedules/", "channel": "/channels/", "secret": "/secrets/",
        "delivery": "/deliveries/", "upload": "/uploads/", "run": "/runs/", "result": "/results/", "test": "/tests/", "artifact": "/artifacts/",
        "organization": "/organizations/", "baseline": "/baselines/", "role": "/roles/", "member": "/members/", "trust_policy": "/trust-policies/",
        "change": "/level-changes/",
        "retry_plan": "/retry-plans/", "excuse": "/excuses/",
    ]
}
