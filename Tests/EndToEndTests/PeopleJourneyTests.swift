import Foundation
import TestSupport
import Testing

/// A person's way through the real thing: gateway, jobs, Notifications, and mails that somebody reads.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct PeopleJourneyTests {
    private static let password = "four words make a good one"

    /// The secret of the link in the latest mail, once there are `count` mails.
    private static func link(in folder: URL, count: Int) async throws -> String {
        var mails: [URL] = []
        try await eventually(within: .seconds(20), "the mail is delivered") {
            mails = try FileManager.default.contentsOfDirectory(
                at: folder, includingPropertiesForKeys: [.contentModificationDateKey], options: .skipsHiddenFiles)
            return mails.count == count
        }
        let dated = try mails.map { ($0, try $0.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate ?? .distantPast) }
        let text = try String(contentsOf: try #require(dated.max { $0.1 < $1.1 }).0, encoding: .utf8)
        return try String(#require(text.firstMatch(of: /token=([A-Za-z0-9_-]{43})/), "there is no link in \(text)").output.1)
    }

    @Test("a person registers by mail, works with tokens in an organization, resets the password by mail, and no secret is in any log")
    func journey() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "assay-mail-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await Stack.with(settings: ["ASSAY_NOTIFICATIONS_MAIL_FOLDER": folder.path]) { stack in
            let nobody = APIClient(url: stack.url + "/api/v1", key: "")
            let registered = try await nobody.post("/auth/register", ["email": "ann@example.com", "name": "Ann", "password": Self.password])
            #expect(registered.status == 202, "\(registered.text)")
            let verification = try await Self.link(in: folder, count: 1)
            #expect(try await nobody.post("/auth/verify", ["token": verification]).status == 204)
            try await stack.sql(
                """
                insert into gateway.users (tenant_id, id, name, role)
                select o.tenant_id, p.id, 'Ann', 'admin' from gateway.organizations o, gateway.people p where p.email = 'ann@example.com'
                """)
            let tokens = try await nobody.post("/auth/login", ["email": "ann@example.com", "password": Self.password])
            #expect(tokens.status == 200, "\(tokens.text)")
            let ann = APIClient(url: stack.url + "/api/v1", key: tokens.string("access_token"))
            #expect(try await ann.post("/projects", ["name": "Hers", "slug": "hers"]).status == 201)
            #expect(try await ann.get("/projects/hers").string("name") == "Hers")
            let renewed = try await nobody.post("/auth/refresh", ["refresh_token": tokens.string("refresh_token")])
            #expect(renewed.status == 200, "\(renewed.text)")

            #expect(try await nobody.post("/auth/password-reset", ["email": "ann@example.com"]).status == 202)
            let reset = try await Self.link(in: folder, count: 2)
            #expect(try await nobody.post("/auth/password", ["token": reset, "password": "nine old grey donkeys"]).status == 204)
            try await eventually(within: .seconds(6)) { try await ann.get("/me").status == 401 }
            #expect(try await nobody.post("/auth/refresh", ["refresh_token": renewed.string("refresh_token")]).status == 401)
            #expect(try await nobody.post("/auth/login", ["email": "ann@example.com", "password": "nine old grey donkeys"]).status == 200)

            let secrets = [
                Self.password, "nine old grey donkeys", verification, reset, tokens.string("access_token"), tokens.string("refresh_token"),
                renewed.string("refresh_token"),
            ]
            for service in Stack.services {
                let log = stack.log(service)
                for (index, secret) in secrets.enumerated() { #expect(!log.contains(secret), "secret \(index) is in the log of \(service)") }
            }
            // Nor in any table, for whoever gets a copy of them.
            let dump = try await stack.sql(
                """
                select string_agg(t::text, ' ') from (
                    select p::text as t from gateway.people p union all select l::text from gateway.mailed_links l
                    union all select r::text from gateway.refresh_tokens r union all select s::text from gateway.sessions s
                    union all select j::text from gateway.jobs j union all select j::text from notifications.jobs j) t
                """)
            for secret in secrets { #expect(!dump.contains(secret)) }
        }
    }
}
