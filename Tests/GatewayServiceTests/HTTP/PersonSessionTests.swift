import Foundation
import NotificationsAPI
import Postgres
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

@Suite("Sessions of people", .database(GatewayProgram.schema))
struct PersonSessionTests {
    @Test("the same client may repeat its last refresh for a moment and gets the same answer; anything else that comes twice ends the session (T46)")
    func reuse() async throws {
        try await GatewayStand.with(settings: ["ASSAY_GATEWAY_PROXIES": "127.0.0.0/8"]) { stand in
            let (email, _) = try await stand.makePerson()
            func refresh(_ token: String, from address: String = "203.0.113.1") async throws -> APIAnswer {
                try await stand.api("").post("/auth/refresh", ["refresh_token": token], headers: ["X-Forwarded-For": address])
            }
            let tokens = try await stand.login(email, from: "203.0.113.1")
            let first = try await refresh(tokens.string("refresh_token"))
            let repeated = try await refresh(tokens.string("refresh_token"))
            #expect(repeated.status == 200 && repeated.string("refresh_token") == first.string("refresh_token"))
            // Many at once, as when a connection broke under a client that tries hard.
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 { group.addTask { try await refresh(first.string("refresh_token")).string("refresh_token") } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(answers.count == 1 && answers.first?.hasPrefix("asr_") == true)
            // The one before is two generations old by now.
            let stolen = try await refresh(tokens.string("refresh_token"))
            #expect(stolen.status == 401 && stolen.string("code") == "auth.refresh_invalid")
            for token in [answers.first ?? "", first.string("refresh_token")] { #expect(try await refresh(token).status == 401) }
            #expect(try await stand.mails(to: email).map(\.subject) == ["A session of yours was ended"])
            try await eventually(within: .seconds(6)) { try await stand.api(tokens.string("access_token")).get("/me").status == 401 }

            // From elsewhere it is theft at once.
            let second = try await stand.login(email, from: "203.0.113.1")
            let renewed = try await refresh(second.string("refresh_token"))
            #expect(try await refresh(second.string("refresh_token"), from: "198.51.100.1").status == 401)
            #expect(try await refresh(renewed.string("refresh_token")).status == 401)
            #expect(try await refresh("").status == 422)
            for wrong in ["x", "asr_" + String(repeating: "A", count: 43), second.string("access_token")] {
                #expect(try await refresh(wrong).string("code") == "auth.refresh_invalid")
            }
        }
    }

    @Test("people see their sessions and end one or all of them; nobody sees or ends another's (P6)")
    func list() async throws {
        try await GatewayStand.with { stand in
            let (email, _) = try await stand.makePerson()
            let (stranger, _) = try await stand.makePerson()
            let one = try await stand.login(email)
            let two = try await stand.login(email)
            let three = try await stand.login(email)
            let user = stand.api(one.string("access_token"))
            let listed = try await user.get("/me/sessions")
            let rows = try #require(listed["data"] as? [[String: Any]])
            #expect(rows.count == 3 && rows.filter { $0["current"] as? Bool == true }.map { $0["id"] as? String } == [one.string("session")])
            #expect(rows.allSatisfy { $0["kind"] as? String == "API" && ($0["address"] as? String)?.isEmpty == false })
            #expect(!listed.text.contains("asr_") && !listed.text.contains("digest"))
            let enemy = stand.api(try await stand.login(stranger).string("access_token"))
            let foreign = try await enemy.send("DELETE", "/me/sessions/\(two.string("session"))", body: nil)
            #expect(foreign.status == 404 && foreign.string("code") == "session.not_found")
            #expect(try await user.send("DELETE", "/me/sessions/\(two.string("session"))", body: nil).status == 204)
            #expect(try await stand.api("").post("/auth/refresh", ["refresh_token": two.string("refresh_token")]).status == 401)
            #expect(try await stand.api("").post("/auth/logout", ["refresh_token": three.string("refresh_token")]).status == 204)
            #expect(try await user.get("/me/sessions").text.contains(three.string("session")) == false)
            #expect(try await stand.api("").post("/auth/logout").status == 401)
            #expect(try await user.send("DELETE", "/me/sessions", body: nil).status == 204)
            try await eventually(within: .seconds(6)) { try await user.get("/me").status == 401 }
            #expect(try await enemy.get("/me").status == 200)
        }
    }

    @Test("a session or key that one gateway revokes, another refuses within five seconds; the streams of it end (T47)")
    func revocation() async throws {
        let secret = GatewayStand.newSecret()
        let settings = ["ASSAY_GATEWAY_STREAMS_HEARTBEAT_SECONDS": "1", "ASSAY_GATEWAY_PUBLIC_URL": "http://127.0.0.1:8080"]
        try await GatewayStand.with(settings: settings, secret: secret) { one in
            try await GatewayStand.with(settings: settings, secret: secret) { two in
                let (email, _) = try await one.makePerson()
                for round in 0..<3 {
                    let tokens = try await one.login(email)
                    let made = try await one.api.post("/keys", ["name": "k", "kind": "SERVICE", "scopes": ["results:read"]])
                    let credentials = [tokens.string("access_token"), made.string("secret")]
                    for credential in credentials { #expect(try await two.api(credential).get("/me").status == 200) }
                    let request = "GET /api/v1/runs/run_endless/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    let watching = two.fake.seen.withLock { $0.callers.count }
                    let stream = Task { try await two.raw(request + "Authorization: Bearer \(credentials[0])\r\n\r\n") }
                    try await eventually { two.fake.seen.withLock { $0.callers.count } > watching }
                    _ = try await one.api(credentials[0]).post("/auth/logout")
                    _ = try await one.api.send("DELETE", "/keys/\(made.string("key.id"))", body: nil)
                    let start = ContinuousClock.now
                    for credential in credentials {
                        try await eventually(within: .seconds(5)) { try await two.api(credential).get("/me").status == 401 }
                    }
                    let took = ContinuousClock.now - start
                    #expect(took < .seconds(5), "round \(round): \(took)")
                    print("revoked session and key are refused by the other gateway after \(took)")
                    let text = try await stream.value
                    #expect(text.hasPrefix("HTTP/1.1 200") && ContinuousClock.now - start < .seconds(10), "\(text.prefix(200))")
                }
            }
        }
    }

    @Test("signing keys are shared by gateways, sealed in the database, and renewed")
    func signingKeys() async throws {
        let secret = GatewayStand.newSecret()
        let settings = ["ASSAY_GATEWAY_PUBLIC_URL": "http://127.0.0.1:8080"]
        try await GatewayStand.with(settings: settings, secret: secret) { one in
            try await GatewayStand.with(settings: settings, secret: secret) { two in
                async let first = one.people.sessions.keys.signing()
                async let second = two.people.sessions.keys.signing()
                let ids = try await [first.id, second.id]
                let (email, _) = try await one.makePerson()
                let token = try await one.login(email).string("access_token")
                #expect(try await two.api(token).get("/me").status == 200, "\(ids)")
                // After thirty days both have the next one; tokens of the old one are still good.
                let later = Date().addingTimeInterval(SigningSchedule.life + 1)
                try await one.people.sessions.keys.refresh(now: later)
                try await two.people.sessions.keys.refresh(now: later)
                let next = try await one.people.sessions.keys.signing(now: later + SigningSchedule.notice + 1)
                #expect(!ids.contains(next.id))
                #expect(two.people.sessions.keys.publicKey(next.id) != nil && two.people.sessions.keys.publicKey(ids[0]) != nil)
                // What is not there is looked for once a minute, whoever invents names.
                #expect(try await two.people.sessions.keys.refreshForUnknown(now: later + 61))
                #expect(try await !two.people.sessions.keys.refreshForUnknown(now: later + 62))
            }
        }
        let raw = try await TestDatabase.current.administer { database in
            try await database.rows(.system, "select octet_length(sealed) as size from signing_keys") { try $0.value("size", as: Int.self) }
        }
        #expect(raw.allSatisfy { $0 > 32 + 12 + 16 })
    }
}
