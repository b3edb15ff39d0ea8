import ExecutionAPI
import Foundation
import GatewayAPI
import Jobs
import Postgres
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

/// What an organization may use only so much of (P12).
@Suite(.database(GatewayProgram.schema, JobSchema.schema), .timeLimit(.minutes(1)))
struct QuotaHTTPTests {
    private static let report = Data("<testsuite name=\"s\"><testcase name=\"a\"/></testsuite>".utf8)

    private static var store: QuotaStore {
        let database = TestDatabase.current.database
        return QuotaStore(database: database, jobs: JobQueue(database: database))
    }

    private static func upload(_ stand: GatewayStand) async throws -> APIAnswer {
        try await stand.api.send("POST", "/projects/web/uploads", body: report, headers: ["Content-Type": "application/xml"])
    }

    private static func quota(_ name: String, _ stand: GatewayStand) async throws -> [String: Any] {
        let answer = try await stand.api.get("/quotas")
        #expect(answer.status == 200, "\(answer.text)")
        let rows = try #require(answer["data"] as? [[String: Any]])
        return try #require(rows.first { $0["name"] as? String == name })
    }

    /// Thresholds that the organization has been warned of, in the order of their jobs.
    private static func warnings(_ stand: GatewayStand) async throws -> [String] {
        try await TestDatabase.current.administer { database in
            try await database.rows(
                .tenant(stand.tenant),
                """
                select payload->>'quota' || ' ' || (payload->>'threshold') as warning from jobs
                where kind = 'publish-quota-warning' and tenant_id = \(stand.tenant) order by id
                """
            ) { try $0.value("warning", as: String.self) }
        }
    }

    @Test("requests beyond the month's quota get 429, and what sets things right still works")
    func requests() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_QUOTA_REQUESTS": "3"]) { stand in
            for _ in 0..<3 { #expect(try await stand.api.get("/runs/run_1").status == 200) }
            let refused = try await stand.api.get("/runs/run_1")
            #expect(refused.status == 429 && refused.string("code") == "quota_exceeded", "\(refused.text)")
            #expect(refused.string("type") == "https://iana.org/assignments/http-problem-types#quota-exceeded")
            #expect(refused["violated-policies.0"] as? String == "requests")
            #expect(refused.headers["ratelimit-policy"]?.hasPrefix("\"requests\";q=3;w=") == true, "\(refused.headers)")
            #expect(refused.headers["ratelimit"]?.hasPrefix("\"requests\";r=0;t=") == true)
            let wait = try #require(refused.headers["retry-after"].flatMap(Int.init))
            let left = QuotaMonth(containing: Date()).end.timeIntervalSinceNow
            #expect(abs(Double(wait) - left) < 60)
            let row = try await Self.quota("requests", stand)
            #expect(row["used"] as? Int == 3 && row["hard_limit"] as? Int == 3 && row["state"] as? String == "EXHAUSTED")
            #expect(row["resets_at"] != nil)
        }
    }

    @Test("uploads and their bytes are counted, and refused beyond their quotas")
    func uploads() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_QUOTA_UPLOADS": "2", "ASSAY_GATEWAY_QUOTA_UPLOAD_BYTES": "1000"]) { stand in
            for _ in 0..<2 { #expect(try await Self.upload(stand).status == 202) }
            let refused = try await Self.upload(stand)
            #expect(refused.status == 429 && refused["violated-policies.0"] as? String == "uploads", "\(refused.text)")
            let used = try await Self.quota("upload_bytes", stand)["used"] as? Int
            #expect(used == 2 * Self.report.count)
        }
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_QUOTA_UPLOAD_BYTES": "\(Self.report.count + 1)"]) { stand in
            #expect(try await Self.upload(stand).status == 202)
            let refused = try await Self.upload(stand)
            #expect(refused.status == 429 && refused["violated-policies.0"] as? String == "upload_bytes", "\(refused.text)")
            #expect(refused.headers["ratelimit-policy"]?.contains("qu=\"content-bytes\"") == true)
        }
    }

    @Test("reports that come when the store is full are read and not kept: their run is recorded (T91)")
    func storage() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_QUOTA_STORAGE_BYTES": "1000"]) { stand in
            stand.fake.plan.withLock { $0.held = .success(Quotas.Held(runningTests: 0, storageBytes: 1_000, storageFiles: 1)) }
            let taken = try await Self.upload(stand)
            #expect(taken.status == 202, "\(taken.text)")
            #expect(stand.fake.seen.withLock { $0.uploads.first?.first?.start.storageExhausted } == true)
            #expect(try await stand.api.get("/runs/run_1").status == 200)
            #expect(try await Self.warnings(stand) == ["storage_bytes soft", "storage_bytes hard"])
        }
    }

    @Test("tests under way are limited, and whoever cannot be asked for their number is in nobody's way")
    func runningTests() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_QUOTA_RUNNING_TESTS": "10"]) { stand in
            stand.fake.plan.withLock { $0.held = .failure(.unavailable("rpc.unavailable", "")) }
            #expect(try await stand.api.post("/projects/web/runs", ["suite": "ste_1"]).status == 202)
            let row = try await Self.quota("running_tests", stand)
            #expect(row["used"] == nil && row["hard_limit"] as? Int == 10)
            stand.fake.plan.withLock { $0.held = .success(Quotas.Held(runningTests: 10, storageBytes: 0, storageFiles: 0)) }
            let refused = try await stand.api.post("/projects/web/runs", ["suite": "ste_1"])
            #expect(refused.status == 429 && refused["violated-policies.0"] as? String == "running_tests", "\(refused.text)")
            #expect(refused.headers["ratelimit-policy"]?.contains("qu=\"concurrent-requests\"") == true)
        }
    }

    @Test("gateways add up what each has counted, and the organization is warned once of each threshold")
    func addingUp() async throws {
        let settings = ["ASSAY_GATEWAY_QUOTA_REQUESTS": "10", "ASSAY_GATEWAY_QUOTA_SOFT_PERCENT": "50"]
        try await GatewayStand.with(settings: settings) { stand in
            let other = Quotas(stand.quotas.settings, store: Self.store) { _ in Quotas.Held(runningTests: 0, storageBytes: 0, storageFiles: 0) }
            let now = Date()
            for quotas in [stand.quotas, other] {
                for _ in 0..<5 { #expect(quotas.spendRequest(of: stand.tenant) == nil) }
            }
            try await stand.quotas.flush(now: now)
            #expect(try await Self.warnings(stand) == ["requests soft"])
            try await other.flush(now: now)
            #expect(try await Self.warnings(stand) == ["requests soft", "requests hard"])
            // The second knows of the first's; the first learns with its next request.
            #expect(other.spendRequest(of: stand.tenant) != nil)
            #expect(stand.quotas.spendRequest(of: stand.tenant) == nil)
            try await stand.quotas.flush(now: now)
            #expect(stand.quotas.spendRequest(of: stand.tenant) != nil)
            try await other.flush(now: now)
            #expect(try await Self.warnings(stand).count == 2)
            #expect(try await Self.quota("requests", stand)["used"] as? Int == 11)
        }
    }

    @Test("an organization's own limits take the place of the installation's, within a round of adding up, and go away again")
    func overrides() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_QUOTA_REQUESTS": "1"]) { stand in
            #expect(try await stand.api.get("/runs/run_1").status == 200)
            #expect(try await stand.api.get("/runs/run_1").status == 429)
            // As another gateway would have stored it.
            let store = Self.store
            let own: [Quota.Kind: QuotaStore.Override?] = [.requests: .init(hard: 3, soft: 1), .members: .init(hard: 0, soft: nil)]
            try await store.set(own, of: stand.tenant)
            #expect(try await stand.api.get("/runs/run_1").status == 429)
            try await stand.quotas.flush(now: Date())
            #expect(try await stand.api.get("/runs/run_1").status == 200)
            let row = try await Self.quota("requests", stand)
            #expect(row["hard_limit"] as? Int == 3 && row["soft_limit"] as? Int == 1 && row["overridden"] as? Bool == true)
            #expect(row["state"] as? String == "WARNING")
            do {
                try await stand.quotas.requireRoom(for: .members, of: stand.tenant)
                Issue.record("there was room for a member")
            } catch let fault as Fault {
                #expect(fault.code == "quota_exceeded" && fault.fields.first?.detail == "members")
            }
            try await store.set([.requests: nil, .members: nil], of: stand.tenant)
            #expect(try await Self.quota("requests", stand)["overridden"] as? Bool == false)
            try await stand.quotas.requireRoom(for: .members, of: stand.tenant)
            await #expect(throws: Fault.self) { try await store.set([.requests: nil], of: ID<Tenant>.new()) }
        }
    }

    @Test("an organization is warned of the seat that is its last but a few, and of its last")
    func seats() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_QUOTA_MEMBERS": "2", "ASSAY_GATEWAY_QUOTA_SOFT_PERCENT": "50"]) { stand in
            #expect(try await stand.quotas.seats(of: stand.tenant) == QuotaLimit(hard: 2, soft: 1))
            #expect(try await Self.warnings(stand) == ["members soft"])
            try await TestDatabase.current.database.execute(
                .tenant(stand.tenant),
                "insert into users (tenant_id, id, name, role) values (\(stand.tenant), \(UUID()), 'Ann', 'viewer')")
            _ = try await stand.quotas.seats(of: stand.tenant)
            #expect(try await Self.warnings(stand) == ["members soft", "members hard"])
        }
    }

    @Test("an organization's administrator cannot change its limits")
    func closed() async throws {
        try await GatewayStand.with { stand in
            let body = Data(#"{"overrides": [{"name": "requests", "hard_limit": 1000000000}]}"#.utf8)
            let answer = try await stand.api.send(
                "PUT", "/admin/organizations/\(stand.tenant)/quotas", body: body, headers: ["Content-Type": "application/json"])
            #expect(answer.status == 403, "\(answer.text)")
        }
    }

    @Test("a super admin gives an organization limits of its own; they hold at once, are audited, and can be taken back")
    func operated() async throws {
        let email = "root.\(UUID().uuidString.prefix(8).lowercased())@example.com"
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_SUPER_ADMINS": email, "ASSAY_GATEWAY_QUOTA_REQUESTS": "1"]) { stand in
            // Who looks after the installation need not belong to the organization.
            _ = try await stand.makePerson(email, role: nil)
            let database = TestDatabase.current.database
            let home = try await GatewayStand.makeTenant(database, name: "Operator")
            let person = try #require(try await stand.people.sessions.people.find(EmailAddress(email)))
            try await stand.join(person.id, .viewer, home)
            let root = stand.api(try await stand.login(email).string("access_token"))
            let path = "/admin/organizations/\(stand.tenant)/quotas"
            func put(_ overrides: String, _ tag: String) async throws -> APIAnswer {
                try await root.send(
                    "PUT", path, body: Data(#"{"overrides": [\#(overrides)]}"#.utf8),
                    headers: ["Content-Type": "application/json", "If-Match": tag])
            }
            #expect(try await stand.api.get("/runs/run_1").status == 200)
            #expect(try await stand.api.get("/runs/run_1").status == 429)
            let read = try await root.get(path)
            let tag = try #require(read.headers["etag"], "\(read.text)")
            let set = try await put(#"{"name": "requests", "hard_limit": 3, "soft_limit": 2}"#, tag)
            #expect(set.status == 200, "\(set.text)")
            let row = try await Self.quota("requests", stand)
            #expect(row["hard_limit"] as? Int == 3 && row["soft_limit"] as? Int == 2 && row["overridden"] as? Bool == true)
            #expect(try await stand.api.get("/runs/run_1").status == 200)
            let wrong = try await put(#"{"name": "requests", "hard_limit": 1, "soft_limit": 2}"#, "*")
            #expect(wrong.status == 422 && wrong.string("errors.0.pointer") == "/overrides/0/hard_limit", "\(wrong.text)")
            let twice = try await put(#"{"name": "uploads", "hard_limit": 1}, {"name": "uploads", "hard_limit": 2}"#, "*")
            #expect(twice.status == 422, "\(twice.text)")
            let back = try await put(#"{"name": "requests"}"#, try #require(set.headers["etag"]))
            #expect(back.status == 200)
            #expect(try await Self.quota("requests", stand)["overridden"] as? Bool == false)
            let nowhere = try await root.send(
                "PUT", "/admin/organizations/\(ID<Tenant>.new())/quotas", body: Data(#"{"overrides": []}"#.utf8),
                headers: ["Content-Type": "application/json", "If-Match": "*"])
            #expect(nowhere.status == 404 && nowhere.string("code") == "organization.not_found", "\(nowhere.text)")
            let entries = try await database.rows(
                .tenant(stand.tenant), "select actor from audit_outbox where tenant_id = \(stand.tenant) and action = 'quotas.changed'"
            ) { try $0.value("actor", as: String.self) }
            #expect(entries == [person.id.description, person.id.description])
        }
    }

    @Test(
        "overrides that mean nothing are refused, naming the field",
        arguments: [
            ("nonsense", 1, nil, "/overrides/0/name"), ("requests", -1, nil, "/overrides/0/hard_limit"),
            ("requests", 5, 6, "/overrides/0/hard_limit"), ("requests", nil, 6, "/overrides/0/hard_limit"),
            ("requests", QuotaLimit.largest + 1, nil, "/overrides/0/hard_limit"),
        ] as [(String, Int64?, Int64?, String)])
    func malformed(name: String, hard: Int64?, soft: Int64?, pointer: String) {
        var message = PBQuotaOverride()
        message.name = name
        if let hard { message.hardLimit = hard }
        if let soft { message.softLimit = soft }
        do {
            _ = try QuotaStore.Override.read(message, at: 0)
            Issue.record("\(name) was taken")
        } catch {
            #expect(error.fields.first?.pointer == pointer)
        }
    }

    @Test("the printed quotas are those that hold")
    func printed() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_QUOTA_UPLOADS": "2"]) { stand in
            let limits = try #require(try await stand.api.get("/limits")["data"] as? [[String: Any]])
            let listed = try #require(try await stand.api.get("/quotas")["data"] as? [[String: Any]])
            #expect(listed.count == Quota.Kind.allCases.count)
            for row in listed {
                let name = try #require(row["name"] as? String)
                let printed = limits.first { $0["name"] as? String == "quota.\(name)" }
                #expect(printed?["value"] as? Int == row["hard_limit"] as? Int && printed != nil, "\(name)")
            }
            #expect(listed.first { $0["name"] as? String == "uploads" }?["hard_limit"] as? Int == 2)
        }
    }
}
