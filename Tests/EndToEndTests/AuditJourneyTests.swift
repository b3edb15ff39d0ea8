import AnalyticsAPI
import Contract
import ExecutionAPI
import Foundation
import GatewayAPI
import NotificationsAPI
import Primitives
import ProjectsAPI
import SchedulingAPI
import TestSupport
import Testing
import ValidationAPI

@Suite("The audit log of the whole system")
struct AuditJourneyTests {
    /// What the contracts promise to audit. A route that is added with `audit:` is one that `act` below must call.
    private static let audited = Set(
        (GatewayContract.rules + SchedulingContract.rules + ExecutionContract.rules + ValidationContract.rules + AnalyticsContract.rules
            + ProjectsContract.rules + NotificationsContract.rules)
            // What operators and people do is done in the gateway's own tests, where a forgotten entry fails as well.
            .filter { !($0.permission ?? "").hasPrefix("admin.") }.compactMap(\.audit)
    ).subtracting(["organization.created", "organization.transferred", "organization.deleted", "member.left", "oidc.exchanged"])

    @Test("every audited route leaves its entry once, a repetition none, and the export is checked offline; a killed gateway loses none")
    func everyRoute() async throws {
        let slow = try await LoopbackServer.start(delay: .seconds(5)) { _ in .text("ok") }
        defer { slow.stop() }
        let hook = try await LoopbackServer.start { _ in .text("ok") }
        defer { hook.stop() }
        let mails = FileManager.default.temporaryDirectory.appending(path: "assay-mails-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: mails, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: mails) }
        try await Stack.with(settings: ["ASSAY_NOTIFICATIONS_MAIL_FOLDER": mails.path]) { stack in
            let journey = Journey(stack)
            let project = try await act(journey, slow: slow, hook: hook)
            try await administrate(stack, journey)
            // What was done last is collected by the gateway that comes after.
            await stack.kill("gateway")
            try await stack.run("gateway")
            try await stack.waitUntilReady("gateway")

            try await eventually(within: .seconds(30)) {
                let found = try await entries(journey).compactMap { $0["action"] as? String }
                return Self.audited.isSubset(of: found)
            }
            let all = try await entries(journey)
            let missing = Self.audited.subtracting(all.compactMap { $0["action"] as? String })
            #expect(missing.isEmpty, "call these in act(): \(missing.sorted())")
            let made = all.filter { $0["action"] as? String == "project.created" && $0["subject"] as? String == project }
            #expect(made.count == 1, "the repetition by its idempotency key left no second entry")
            for entry in all {
                // Who accepts an invitation has no other credential than its link.
                let actor = entry["action"] as? String == "invitation.accepted" ? "usr_" : "key_"
                #expect((entry["actor"] as? String)?.hasPrefix(actor) == true, "\(entry)")
                #expect((entry["request_id"] as? String)?.isEmpty == false && entry["address"] as? String == "127.0.0.1", "\(entry)")
            }
            try await verify(stack, journey)
        }
    }

    /// Calls every route that is audited.
    /// - Returns: id of the project.
    private func act(_ journey: Journey, slow: LoopbackServer, hook: LoopbackServer) async throws -> String {
        let api = journey.api
        func must(_ method: String, _ path: String, _ body: [String: Any]? = nil, headers: [String: String] = [:]) async throws -> APIAnswer {
            let data = try body.map { try JSONSerialization.data(withJSONObject: $0) }
            let answer = try await api.send(
                method, path, body: data, headers: headers.merging(data == nil ? [:] : ["Content-Type": "application/json"]) { own, _ in own })
            try #require((200..<300).contains(answer.status), "\(method) \(path): \(answer.text)")
            return answer
        }
        let once = ["Idempotency-Key": UUID().uuidString]
        let project = try await must("POST", "/projects", ["name": "Audited", "slug": "audited"], headers: once).string("id")
        _ = try await must("POST", "/projects", ["name": "Audited", "slug": "audited"], headers: once)
        let tag = try await must("GET", "/projects/audited").headers["etag"] ?? ""
        _ = try await must("PATCH", "/projects/audited", ["description": "d"], headers: ["If-Match": tag])
        _ = try await must("POST", "/projects/audited/badge-token", [:])
        _ = try await must(
            "PUT", "/projects/audited/retry-policy", ["max_attempts": 2, "max_failing_tests": 30, "minutes_per_day": 60], headers: ["If-Match": "*"])
        let incident = try await journey.makeIncident(in: project)
        for verb in ["dismiss", "reinstate"] { _ = try await must("POST", "/environment-incidents/\(incident):\(verb)", ["reason": "ours"]) }
        let change = try await journey.makeLevelChange(in: project)
        _ = try await must("PUT", "/level-changes/\(change)/verdict", ["kind": "CONFIRMED", "note": "new machine"], headers: ["If-Match": "*"])
        _ = try await must("DELETE", "/level-changes/\(change)/verdict")
        _ = try await must("PUT", "/projects/audited/identity-rules", ["rules": [["kind": "UUID"]]], headers: ["If-Match": "*"])
        _ = try await must("PUT", "/projects/audited/custom-fields", ["fields": [["key": "f", "type": "TEXT"]]], headers: ["If-Match": "*"])
        _ = try await must("PUT", "/projects/audited/code-owners", ["content": "* @all"], headers: ["If-Match": "*"])
        _ = try await must("PUT", "/projects/audited/case-fields", ["fields": [["key": "f", "type": "TEXT"]]], headers: ["If-Match": "*"])
        let secret = ["name": "T", "value": "s3cr3t-value", "hosts": ["api.example.com"]] as [String: Any]
        let secretPath = try await "/secrets/\(must("POST", "/projects/audited/secrets", secret).string("id"))"
        _ = try await must("PATCH", secretPath, ["value": "another-s3cr3t"], headers: ["If-Match": "*"])
        _ = try await must("DELETE", secretPath)
        let tests = ["tst_01jd3v9k2m8q4r6s7t0w1x2y3z", "tst_01jd3v9k2m8q4r6s7t0w1x2y40"]
        _ = try await must("POST", "/projects/audited/test-aliases", ["alias": tests[0], "test": tests[1]])
        _ = try await must("DELETE", "/projects/audited/test-aliases/\(tests[0])")
        let suite = try await journey.makeSuite(in: "audited", count: 2, url: slow.url)
        let started = try await must("POST", "/projects/audited/runs", ["suite": suite]).string("id")
        _ = try await must("POST", "/runs/\(started):cancel", [:])
        let test = try await must("GET", "/suites/\(suite)/cases").string("data.0.id")
        _ = try await must("PATCH", "/cases/\(test)", ["fields": ["f": "x"]], headers: ["If-Match": "*"])
        _ = try await must("DELETE", "/cases/\(test)")
        let receipt = try await journey.upload(Journey.report(count: 3, failing: 0), to: "audited", query: "run_env[key]=audited")
        let failing = try await journey.upload(Journey.report(count: 1, failing: 1), to: "audited", query: "run_env[key]=failing")
        let held = try await journey.results(of: failing.string("run_id")).first?["test"] as? String ?? ""
        try await eventually(within: .seconds(30)) { try await api.get("/tests/\(held)").status == 200 }
        _ = try await must("POST", "/projects/audited/quarantine", ["test": held, "owner": "@all", "reason": "late"])
        _ = try await must("PATCH", "/projects/audited/quarantine/\(held)", ["ticket": "T-1"], headers: ["If-Match": "*"])
        _ = try await must("DELETE", "/projects/audited/quarantine/\(held)")
        _ = try await must("PUT", "/projects/audited/retry-words/\(held)", ["kind": "NEVER", "note": "n"], headers: ["If-Match": "*"])
        _ = try await must("DELETE", "/projects/audited/retry-words/\(held)")
        let place = ["kind": "RUN", "place": failing.string("run_id"), "reason": "disk full"]
        _ = try await must("POST", "/projects/audited/environment-incidents", place)
        _ = try await must("PUT", "/projects/audited/baseline-settings", ["two_persons": false], headers: ["If-Match": "*"])
        for (verb, count) in [("approve", 4), ("reject", 5)] {
            let good = try await journey.upload(Journey.report(count: count, failing: 0), to: "audited")
            var made: APIAnswer?
            try await eventually(within: .seconds(30)) {
                made = try await api.post("/projects/audited/baselines", ["run": good.string("run_id")])
                return made?.status == 201
            }
            let baseline = made?.string("id") ?? ""
            _ = try await must("POST", "/baselines/\(baseline):\(verb)", [:])
            guard verb == "approve" else { continue }
            let bad = try await journey.upload(Journey.report(count: count, failing: 1), to: "audited").string("run_id")
            let test = try await api.get("/runs/\(bad)/regressions").string("data.0.test")
            let verdict = "/runs/\(bad)/regressions/\(test)/verdict"
            _ = try await must("PUT", verdict, ["kind": "NO_REGRESSION", "reason": "meant"], headers: ["If-Match": "*"])
            _ = try await must("DELETE", verdict)
            _ = try await must("POST", "/baselines/\(baseline):withdraw", [:])
        }
        let artifacts = "/runs/\(receipt.string("run_id"))/artifacts?name=a.log"
        let artifact = try await journey.api.send("POST", artifacts, body: Data("x".utf8), headers: ["Content-Type": "text/plain"])
        try #require(artifact.status == 201, "\(artifact.text)")
        _ = try await must("DELETE", "/artifacts/\(artifact.string("data.0.id"))")
        _ = try await must("POST", "/runs/\(receipt.string("run_id")):finish", [:])

        try await judge(journey, must)
        try await triage(journey, must)

        let schedule = try await must(
            "POST", "/projects/audited/schedules", ["suite": suite, "name": "s", "cron": "0 0 1 1 *", "time_zone": "UTC"])
        let schedulePath = "/schedules/\(schedule.string("id"))"
        let scheduleTag = try await must("GET", schedulePath).headers["etag"] ?? ""
        _ = try await must("PATCH", schedulePath, ["name": "t"], headers: ["If-Match": scheduleTag])
        _ = try await must("DELETE", schedulePath)

        let channel = try await must("POST", "/channels", ["name": "c", "kind": "WEBHOOK", "url": hook.url]).string("channel.id")
        let channelTag = try await must("GET", "/channels/\(channel)").headers["etag"] ?? ""
        _ = try await must("PATCH", "/channels/\(channel)", ["name": "d"], headers: ["If-Match": channelTag])
        let delivery = try await must("POST", "/channels/\(channel):test", [:]).string("id")
        _ = try await must("POST", "/deliveries/\(delivery):replay", [:])
        _ = try await must("DELETE", "/channels/\(channel)")

        let key = try await must("POST", "/keys", ["name": "k", "kind": "CI", "scopes": ["results:write"]]).string("key.id")
        _ = try await must("POST", "/keys/\(key):rotate", [:])
        _ = try await must("DELETE", "/keys/\(key)")

        let policy = try await must(
            "POST", "/trust-policies", ["name": "p", "provider": "GITHUB", "claims": ["repository": "acme/web"], "projects": [project]])
        let policyPath = "/trust-policies/\(policy.string("id"))"
        _ = try await must("PATCH", policyPath, ["name": "q"], headers: ["If-Match": "*"])
        _ = try await must("DELETE", policyPath)
        return project
    }

    /// Everything about the rules of a project, and a person's verdicts on a failure, a test and a pattern of logs.
    private func judge(
        _ journey: Journey, _ must: (String, String, [String: Any]?, [String: String]) async throws -> APIAnswer
    ) async throws {
        let draft = ["name": "r", "category": "DATA", "pattern": "refused"]
        let rule = try await must("POST", "/projects/audited/rules", ["draft": draft], [:])
        let path = "/projects/audited/rules/\(rule.string("id"))"
        _ = try await must("PUT", path, ["draft": draft], ["If-Match": rule.headers["etag"] ?? ""])
        _ = try await must("POST", "/projects/audited/failures:recategorise", [:], [:])
        _ = try await must("DELETE", path, nil, [:])
        let receipt = try await journey.upload(Journey.report(count: 1, failing: 1), to: "audited", query: "run_env[key]=judged")
        let failures = "/runs/\(receipt.string("run_id"))/failures"
        try await eventually(within: .seconds(30)) { try await journey.api.get(failures).string("data.0.result").isEmpty == false }
        let verdict = "/results/\(try await journey.api.get(failures).string("data.0.result"))/failure/verdict"
        _ = try await must("PUT", verdict, ["category": "ENVIRONMENT"], ["If-Match": "*"])
        _ = try await must("DELETE", verdict, nil, [:])
        _ = try await must("PUT", "/projects/audited/learning", ["enabled": false], ["If-Match": "*"])
        let test = "/tests/\(try await journey.api.get(failures).string("data.0.test"))/verdict"
        try await eventually(within: .seconds(30)) { try await journey.api.get(test).status == 200 }
        _ = try await must("PUT", test, ["kind": "FLAKY", "reason": "r"], ["If-Match": "*"])
        _ = try await must("DELETE", test, nil, [:])
        let log = "/runs/\(receipt.string("run_id"))/artifacts?name=b.log"
        let sent = try await journey.api.send(
            "POST", log, body: Data("the order went wrong".utf8), headers: ["Content-Type": "text/plain"])
        try #require(sent.status == 201, "\(sent.text)")
        let patterns = "/projects/audited/log-patterns"
        try await eventually(within: .seconds(30)) { try await journey.api.get(patterns).string("data.0.id").hasPrefix("lpt_") }
        let word = "\(patterns)/\(try await journey.api.get(patterns).string("data.0.id"))/verdict"
        _ = try await must("PUT", word, ["category": "DATA", "reason": "r"], ["If-Match": "*"])
        _ = try await must("DELETE", word, nil, [:])
    }

    /// Every decision about failure groups, on those of a report in which two tests fail differently.
    private func triage(
        _ journey: Journey, _ must: (String, String, [String: Any]?, [String: String]) async throws -> APIAnswer
    ) async throws {
        let report = """
            <testsuite name="s"><testcase name="a"><failure type="IOException" message="no route to warehouse"/></testcase>
            <testcase name="b"><failure type="LockException" message="orders table was locked for 17 s meanwhile"/></testcase>
            <testcase name="c"><failure type="LockException" message="orders table was locked for 60 s meanwhile"/></testcase></testsuite>
            """
        _ = try await journey.upload(Data(report.utf8), to: "audited", query: "run_env[key]=triage")
        let list = "/projects/audited/failure-groups"
        try await eventually(within: .seconds(30)) { try await journey.api.get(list).string("data.1.id").isEmpty == false }
        let (first, second) = (try await journey.api.get(list).string("data.0.id"), try await journey.api.get(list).string("data.1.id"))
        let locked = try await journey.api.get("\(list)?q=LockException").string("data.0.id")
        _ = try await must("POST", "\(list)/\(locked):cut", ["text": "for 60 s"], [:])
        _ = try await must("POST", "\(list)/\(first):resolve", [:], [:])
        _ = try await must("POST", "\(list)/\(first):reopen", [:], [:])
        _ = try await must("POST", "\(list)/\(first):assign", ["owner": "payments"], [:])
        _ = try await must("POST", "\(list)/\(first):file", ["category": "ENVIRONMENT"], [:])
        _ = try await must("POST", "\(list)/\(first):give-back", [:], [:])
        _ = try await must("POST", "\(list)/\(first):merge", ["groups": [second]], [:])
        let signature = try await journey.api.get("\(list)/\(first)/signatures").string("data.0.id")
        _ = try await must("POST", "\(list)/\(first):split", ["signatures": [signature]], [:])
        _ = try await must("POST", "\(list):apply", ["action": "RESOLVE", "filter": ["owner": "payments"]], [:])
    }

    /// What is done to people and roles, with a member who is there without having registered.
    private func administrate(_ stack: Stack, _ journey: Journey) async throws {
        let made = try await stack.sql(
            """
            with person as (
                insert into gateway.people (id, email, name, email_verified_at)
                values (gen_random_uuid(), 'second@example.com', 'Second', now()) returning id)
            insert into gateway.users (tenant_id, id, name, role)
            select tenant_id, person.id, 'Second', 'viewer' from gateway.organizations, person returning id
            """)
        let uuid = try #require(UUID(uuidString: String(made.prefix(36))), "\(made)")
        let member = "/members/\(ID<Member>(uuid: uuid))"
        let organization = try await journey.api.get("/me").string("organization")
        let role = try await journey.api.post("/roles", ["name": "Reader", "permissions": ["runs.read"]]).string("id")
        let invitation = try await journey.api.post("/invitations", ["email": "third@example.com", "role": "viewer"]).string("invitation.id")
        let offered = try await journey.api.post("/invitations", ["email": "fourth@example.com", "role": "viewer"]).string("token")
        let acts: [(method: String, path: String, body: [String: Any]?)] = [
            ("POST", "/invitations:accept", ["token": offered, "name": "Fourth"]),
            ("POST", "\(member):reset-password", [:]), ("PATCH", member, ["role": "validator"]),
            ("PUT", "\(member)/grants/audited", ["role": "qa_lead"]), ("DELETE", "\(member)/grants/audited", nil),
            ("POST", "\(member):deactivate", [:]), ("POST", "\(member):activate", [:]), ("DELETE", member, nil),
            ("PATCH", "/roles/\(role)", ["name": "Readers"]), ("DELETE", "/roles/\(role)", nil), ("DELETE", "/invitations/\(invitation)", nil),
            ("PATCH", "/organizations/\(organization)", ["name": "Audited"]),
        ]
        for act in acts {
            let tag = try await act.method == "PATCH" ? journey.api.get(act.path).headers["etag"] : nil
            let answer = try await journey.api.send(
                act.method, act.path, body: try act.body.map { try JSONSerialization.data(withJSONObject: $0) },
                headers: ["If-Match": tag ?? "*"].merging(act.body == nil ? [:] : ["Content-Type": "application/json"]) { own, _ in own })
            try #require((200..<300).contains(answer.status), "\(act.method) \(act.path): \(answer.text)")
        }
    }

    private enum Member: Identified { static let idPrefix = "usr" }

    private func entries(_ journey: Journey) async throws -> [[String: Any]] {
        var all: [[String: Any]] = []
        var cursor = ""
        repeat {
            let page = try await journey.api.get("/audit?limit=200" + (cursor.isEmpty ? "" : "&cursor=\(cursor)"))
            try #require(page.status == 200, "\(page.text)")
            all += page["data"] as? [[String: Any]] ?? []
            cursor = page.string("page.next_cursor")
        } while !cursor.isEmpty
        return all
    }

    /// With the command-line client, as whoever holds an export would.
    private func verify(_ stack: Stack, _ journey: Journey) async throws {
        let key = try await journey.api.get("/audit/key").string("public_key")
        let export = try await journey.api.get("/audit/export")
        let lines = export.text.split(separator: "\n").map(String.init)
        try #require(lines.count > 20)
        var moved = lines
        moved.swapAt(4, 5)
        let variants: [(name: String, lines: [String], status: Int32, says: String)] = [
            ("whole", lines, 0, "are as they were written"),
            ("edited", lines.map { $0.replacing("\"Audited\"", with: "\"Other\"") }, 1, "(edited)"),
            ("deleted", Array(lines[..<7] + lines[8...]), 1, "BROKEN at entry 7 (gap)"),
            ("moved", moved, 1, "BROKEN at entry 4 (gap)"),
            ("cut", Array(lines.dropLast(3)), 1, "(truncated)"),
        ]
        for variant in variants {
            let file = stack.folder.appending(path: "\(variant.name).ndjson")
            try Data((variant.lines.joined(separator: "\n") + "\n").utf8).write(to: file)
            let (status, text) = try Self.assay(["audit", "verify", file.path, "--key", key])
            #expect(status == variant.status && text.contains(variant.says), "\(variant.name): \(status) \(text)")
        }
        let usage = try Self.assay(["audit", "verify"])
        #expect(usage.status == 2)
        let other = try Self.assay([
            "audit", "verify", stack.folder.appending(path: "whole.ndjson").path, "--key", Data(count: 32).base64EncodedString(),
        ])
        #expect(other.status == 1 && other.text.contains("(signature)"), "\(other.text)")
    }

    private static func assay(_ arguments: [String]) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = Stack.executableFolder.appending(path: "assay")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}
