import Audit
import AuditChain
import Foundation
import Postgres
import Primitives
import TestSupport
import Testing

@testable import GatewayService

@Suite("The audit log over HTTP", .database(GatewayProgram.schema))
struct AuditHTTPTests {
    private func collect(_ stand: GatewayStand) async throws {
        let database = TestDatabase.current.database
        let outbox = AuditOutbox(database: database)
        let collector = CollectAudit(
            "gateway", list: { after in try await outbox.list(after: after).filter { $0.tenant == stand.tenant } },
            acknowledge: { try await outbox.acknowledge($0.map { ($0.tenant, $0.id) }) }, into: stand.audit, logger: .silent)
        try await collector.collect()
    }

    private func actions(_ answer: APIAnswer) -> [String] {
        (answer["data"] as? [[String: Any]] ?? []).compactMap { $0["action"] as? String }
    }

    @Test("what is done to keys is in the log, with who, where and for which request, and can be filtered")
    func list() async throws {
        try await GatewayStand.with { stand in
            let made = try await stand.api.post(
                "/keys", ["name": "ci", "kind": "CI", "scopes": ["results:write"]], headers: ["X-Request-Id": "req-audited"])
            try #require(made.status == 201, "\(made.text)")
            let key = made.string("key.id")
            let rotated = try await stand.api.post("/keys/\(key):rotate")
            let revoked = try await stand.api.send("DELETE", "/keys/\(key)", body: nil)
            let again = try await stand.api.send("DELETE", "/keys/\(key)", body: nil)
            #expect(rotated.status == 200 && revoked.status == 204 && again.status == 204)
            try await collect(stand)
            let all = try await stand.api.get("/audit?subject=\(key)")
            #expect(all.status == 200, "\(all.text)")
            #expect(actions(all) == ["key.revoked", "key.rotated", "key.created"])
            #expect(all.string("data.2.request_id") == "req-audited")
            #expect(all.string("data.2.address") == "127.0.0.1")
            #expect(all.string("data.2.actor").hasPrefix("key_"))
            #expect(all.string("data.2.details.name") == "ci")
            #expect(!all.text.contains("asy_"))
            let filtered = try await stand.api.get("/audit?action=key.rotated&limit=1")
            #expect((filtered["data"] as? [Any])?.count == 1 && filtered.string("data.0.subject") == key)
            let later = try await stand.api.get("/audit?since=2099-01-01T00:00:00Z")
            #expect((later["data"] as? [Any])?.isEmpty == true)
            let first = try await stand.api.get("/audit?limit=2")
            let second = try await stand.api.get("/audit?limit=2&cursor=\(first.string("page.next_cursor"))")
            #expect(second.string("data.0.action") == "key.created")
        }
    }

    @Test("an export is checked offline, and says when it was changed")
    func export() async throws {
        try await GatewayStand.with { stand in
            for number in 1...3 {
                _ = try await stand.api.post("/keys", ["name": "key \(number)", "kind": "CI", "scopes": ["results:write"]])
            }
            try await collect(stand)
            let key = try await stand.api.get("/audit/key")
            let trusted = try #require(Data(base64Encoded: key.string("public_key")))
            let export = try await stand.api.get("/audit/export")
            #expect(export.status == 200 && export.headers["content-type"] == "application/x-ndjson", "\(export.text)")
            let lines = export.text.split(separator: "\n").map { Data($0.utf8) }
            var reader = AuditExportReader(trusted: [trusted])
            for line in lines { try reader.take(line) }
            let summary = try reader.finish()
            #expect(summary.organization == stand.tenant.description && summary.last == 3)
            var changed = AuditExportReader(trusted: [trusted])
            try changed.take(lines[0])
            let edited = Data(String(decoding: lines[1], as: UTF8.self).replacing("key 1", with: "key 9").utf8)
            #expect(throws: AuditVerifier.Finding.self) { try changed.take(edited) }
            let rest = try await stand.api.get("/audit/export?after=2")
            var continued = AuditExportReader(trusted: [trusted])
            for line in rest.text.split(separator: "\n") { try continued.take(Data(line.utf8)) }
            let ending = try continued.finish()
            #expect(ending.after == 2 && ending.last == 3)
            let beyond = try await stand.api.get("/audit/export?after=4")
            #expect(beyond.status == 422)
        }
    }

    @Test("an organization that has done nothing has an empty chain with a signed end")
    func empty() async throws {
        try await GatewayStand.with { stand in
            let export = try await stand.api.get("/audit/export")
            var reader = AuditExportReader()
            for line in export.text.split(separator: "\n") { try reader.take(Data(line.utf8)) }
            let summary = try reader.finish()
            #expect(summary.last == 0)
        }
    }

    @Test("only who may read the audit log does, and the activity feed shows what its reader may read")
    func permissions() async throws {
        try await GatewayStand.with { stand in
            let reader = stand.api(try await stand.makeKey([.resultsRead]))
            for path in ["/audit", "/audit/export", "/audit/key"] {
                let answer = try await reader.get(path)
                #expect(answer.status == 403, "\(path): \(answer.text)")
            }
            _ = try await stand.api.post("/keys", ["name": "ci", "kind": "CI", "scopes": ["results:write"]])
            try await stand.audit.append(
                [
                    PendingAuditNote(
                        tenant: stand.tenant, id: .new(), at: Date(),
                        note: AuditNote(action: "run.started", actor: "key_1", subject: "run_1", requestID: "req_1", address: "192.0.2.1"))
                ], from: "execution")
            try await collect(stand)
            let seen = try await reader.get("/activity")
            #expect(actions(seen) == ["run.started"], "\(seen.text)")
            #expect(!seen.text.contains("192.0.2.1") && !seen.text.contains("req_1"))
            let all = try await stand.api.get("/activity")
            #expect((all["data"] as? [Any])?.count == 2)
            let bound = stand.api(try await stand.makeKey(Set(KeyScope.allCases), projects: [UUID()]))
            let none = try await bound.get("/audit")
            #expect((none["data"] as? [Any])?.isEmpty == true)
            let whole = try await bound.get("/audit/export")
            #expect(whole.string("code") == "audit.needs_all_projects")
        }
    }

    @Test("what people decide about failures is seen by who may read runs")
    func triage() {
        let seen = ActivityVisibility(RoleMatrixTests.rules).actions(for: ["runs.read"])
        #expect(seen.contains("environment_incident.dismissed") && seen.contains("failure_group.resolved") && !seen.contains("quarantine.created"))
    }

    @Test("who holds something in single projects sees what happens there, as far as they may read it, and nothing else")
    func grants() async throws {
        try await GatewayStand.with { stand in
            let (email, person) = try await stand.makePerson(role: nil)
            let database = TestDatabase.current.database
            let role = try await RoleStore(database: database).insert(name: "Nothing", permissions: [], tenant: stand.tenant)
            let (own, other) = (ID<Project>.new(), ID<Project>.new())
            try await database.execute(
                .tenant(stand.tenant),
                """
                insert into users (tenant_id, id, name, role, role_id) values (\(stand.tenant), \(person), 'Ann', 'custom', \(role.id))
                """)
            try await database.execute(
                .tenant(stand.tenant),
                "insert into project_grants (tenant_id, user_id, project_id, role) values (\(stand.tenant), \(person), \(own), 'viewer')")
            let acts: [(action: String, project: ID<Project>?)] = [
                ("run.started", own), ("run.started", other), ("project.updated", own), ("channel.created", own), ("key.created", nil),
                ("member.updated", nil), ("run.cancelled", nil),
            ]
            try await stand.audit.append(
                acts.map {
                    PendingAuditNote(
                        tenant: stand.tenant, id: .new(), at: Date(),
                        note: AuditNote(action: $0.action, actor: "key_1", subject: "x_1", project: $0.project?.description ?? ""))
                }, from: "execution")
            let user = stand.api(try await stand.login(email).string("access_token"))
            let seen = try await user.get("/activity")
            #expect(actions(seen) == ["project.updated", "run.started"], "\(seen.text)")
            #expect(!seen.text.contains(other.description))
            let foreign = try await user.get("/activity?project=\(other)")
            #expect(foreign.status == 200 && actions(foreign).isEmpty, "\(foreign.text)")
            #expect(try await actions(user.get("/activity?project=\(own)")).count == 2)
        }
    }
}
