import Foundation
import NotificationsAPI
import Postgres
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

/// Tries and their limits, as a client meets them.
@Suite("Signing in over HTTP", .database(GatewayProgram.schema))
struct SignInTests {
    private static let proxied = ["ASSAY_GATEWAY_PROXIES": "127.0.0.0/8,::1/128"]

    @Test("whatever is wrong, the answer is the same, and so it is for an address without an account")
    func oneAnswer() async throws {
        try await GatewayStand.with { stand in
            let (email, _) = try await stand.makePerson()
            let wrong = try await stand.login(email, password: "not the password")
            #expect(wrong.status == 401 && wrong.string("code") == "auth.credentials_invalid")
            for (address, password) in [("nobody@example.com", "not the password"), ("no address", "x")] {
                let other = try await stand.login(address, password: password)
                #expect(other.status == 401 && other.string("code") == wrong.string("code") && other.string("detail") == wrong.string("detail"))
            }
            // What does not fit the contract is refused before anybody is looked for.
            for (address, password) in [(email, ""), ("nobody@example.com", ""), ("", ""), (email, String(repeating: "a", count: 2_000))] {
                #expect(try await stand.login(address, password: password).status == 422)
            }
            #expect(try await stand.login(" \(email.uppercased()) ").status == 200)
        }
    }

    @Test("after five failures each try waits, and ten are enough; another address of the same person is not touched (T39, T40)")
    func throttle() async throws {
        try await GatewayStand.with(settings: Self.proxied) { stand in
            let (email, _) = try await stand.makePerson()
            let home = "203.0.113.\(Int.random(in: 1...250))"
            let attacker = "198.51.100.\(Int.random(in: 1...250))"
            #expect(try await stand.login(email, from: home).status == 200)
            for _ in 0..<5 { #expect(try await stand.login(email, password: "guess", from: attacker).status == 401) }
            // As after four more: a wait of sixteen seconds outlasts the slowest machine.
            try await set("pair", failures: 9, ageOfLast: 0, where: email, attacker)
            let refused = try await stand.login(email, password: "guess", from: attacker)
            #expect(refused.status == 429 && refused.string("code") == "auth.too_many_attempts")
            #expect((1...16).contains(Int(refused.headers["retry-after"] ?? "") ?? 0))
            // Not even with the right password: the answer must not tell.
            #expect(try await stand.login(email, from: attacker).status == 429)
            // Strangers elsewhere wait as well, the owner at their own desk does not. A last failure that is yet to come keeps them waiting for longer than
            // all that is asked here takes on a machine that is busy.
            try await set("account", failures: 9, ageOfLast: -600, where: email, "")
            #expect(try await stand.login(email, from: "192.0.2.77").status == 429)
            #expect(try await stand.login(email, from: home).status == 200)

            try await age(seconds: 1_200, scope: "account")
            try await set("pair", failures: 9, ageOfLast: 60, where: email, attacker)
            #expect(try await stand.login(email, password: "guess", from: attacker).status == 401)
            let locked = try await stand.login(email, from: attacker)
            #expect(locked.status == 429 && (Int(locked.headers["retry-after"] ?? "") ?? 0) > 700)
        }
    }

    @Test("a hundred failures of an account ask for a new password, except from where it is known; a name without an account is treated alike")
    func reset() async throws {
        try await GatewayStand.with(settings: Self.proxied) { stand in
            let (email, _) = try await stand.makePerson()
            #expect(try await stand.login(email, from: "203.0.113.9").status == 200)
            for address in [email, "nobody.\(UUID().uuidString.lowercased())@example.com"] {
                _ = try await stand.login(address, password: "guess", from: "198.51.100.7")
                try await set("account", failures: 100, ageOfLast: 3_600, where: address, "")
                let answer = try await stand.login(address, password: GatewayStand.password, from: "198.51.100.8")
                #expect(answer.status == 403 && answer.string("code") == "auth.reset_required", "\(answer.text)")
            }
            #expect(try await stand.login(email, from: "203.0.113.9").status == 200)
            #expect(try await stand.login(email, from: "198.51.100.8").status == 403)
            _ = try await stand.mails(to: email)
            #expect(try await stand.api("").post("/auth/password-reset", ["email": email]).status == 202)
            let link = try await stand.link(to: email)
            #expect(try await stand.api("").post("/auth/password", ["token": link, "password": "another four good words"]).status == 204)
            #expect(try await stand.login(email, password: "another four good words", from: "198.51.100.8").status == 200)
        }
    }

    @Test("tries that come together are each counted before their password is looked at")
    func together() async throws {
        try await GatewayStand.with(settings: Self.proxied) { stand in
            let (email, _) = try await stand.makePerson()
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 { group.addTask { try await stand.login(email, password: "guess", from: "198.51.100.20").status } }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            // Five, and on a slow machine those whose second of waiting is over.
            let looked = statuses.count { $0 == 401 }
            #expect((SignInThrottle.freeFailures..<SignInThrottle.pairLimit).contains(looked), "\(statuses)")
            #expect(statuses.count { $0 == 429 } == 20 - looked, "\(statuses)")
        }
    }

    // MARK: - The second factor

    @Test(
        "with the second factor on a code is needed, each once; recovery codes stand in for it, each once; five tries in a quarter of an hour (T55)")
    func secondFactor() async throws {
        try await GatewayStand.with(settings: Self.proxied) { stand in
            let (email, _) = try await stand.makePerson()
            let user = stand.api(try await stand.login(email).string("access_token"))
            #expect(try await user.post("/me/second-factor", ["current_password": "wrong"]).string("code") == "auth.current_password")
            #expect(try await user.post("/me/second-factor/confirmation", ["code": "000000"]).string("code") == "second_factor.not_begun")
            let begun = try await user.post("/me/second-factor", ["current_password": GatewayStand.password])
            let secret = try #require(Self.bytes(base32: begun.string("secret")))
            #expect(begun.string("uri").hasPrefix("otpauth://totp/Assay:\(email.replacing("@", with: "@"))?secret="), "\(begun.text)")
            // Nothing is asked for until a code has proven that the app has the secret.
            #expect(try await stand.login(email).status == 200)
            #expect(try await user.post("/me/second-factor/confirmation", ["code": "000000"]).string("code") == "second_factor.code_wrong")
            let password = OneTimePassword(secret: secret)
            let step = OneTimePassword.step(at: Date())
            let confirmed = try await user.post("/me/second-factor/confirmation", ["code": password.code(step: step - 1)])
            let codes = try #require(confirmed["codes"] as? [String])
            #expect(codes.count == 10 && Set(codes).count == 10)
            #expect(try await user.get("/me/profile").integer("recovery_codes") == 10)
            #expect(try await stand.mails(to: email).map(\.subject) == ["Your second factor for Assay was turned on"])

            let missing = try await stand.login(email)
            #expect(missing.status == 401 && missing.string("code") == "auth.code_required")
            #expect(try await stand.login(email, password: "wrong").string("code") == "auth.credentials_invalid")
            // The code that confirmed it is used up, and so is every other after its first use.
            #expect(try await stand.login(email, ["code": password.code(step: step - 1)]).status == 401)
            #expect(try await stand.login(email, ["code": password.code(step: step)]).status == 200)
            #expect(try await stand.login(email, ["code": password.code(step: step)]).status == 401)
            #expect(try await stand.login(email, ["code": codes[0].uppercased().replacing("-", with: " ")]).status == 200)
            #expect(try await stand.login(email, ["code": codes[0]]).status == 401)
            #expect(try await user.get("/me/profile").integer("recovery_codes") == 9)

            // Every stranger's device shares the five tries of the account.
            for number in 0..<4 {
                #expect(try await stand.login(email, ["code": "000000"], from: "203.0.113.\(number + 1)").status == 401)
            }
            let locked = try await stand.login(email, ["code": codes[1]], from: "203.0.113.200")
            #expect(locked.status == 429 && locked.string("code") == "auth.too_many_attempts", "\(locked.text)")
            try await age(seconds: 901, scope: "code")
            try await age(seconds: 901, scope: "account")
            #expect(try await stand.login(email, ["code": codes[1]], from: "203.0.113.200").status == 200)

            let removed = try await user.post("/me/second-factor/removal", ["current_password": GatewayStand.password, "code": codes[2]])
            #expect(removed.status == 204, "\(removed.text)")
            #expect(try await stand.login(email).status == 200)
            #expect(try await user.post("/me/recovery-codes", ["current_password": GatewayStand.password]).string("code") == "second_factor.off")
        }
    }

    private static func bytes(base32 text: String) -> Data? {
        var bits = ""
        for character in text {
            guard let value = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").firstIndex(of: character) else { return nil }
            let digits = String(value, radix: 2)
            bits += String(repeating: "0", count: 5 - digits.count) + digits
        }
        let characters = Array(bits)
        return Data(stride(from: 0, to: characters.count - 7, by: 8).compactMap { UInt8(String(characters[$0..<($0 + 8)]), radix: 2) })
    }

    // MARK: - Time passes

    private func age(seconds: Int, scope: String) async throws {
        try await TestDatabase.current.database.execute(
            .system,
            """
            update sign_in_failures
            set first_at = first_at - \(seconds) * interval '1 second', last_at = last_at - \(seconds) * interval '1 second'
            where scope = \(scope)
            """)
    }

    private func set(_ scope: String, failures: Int, ageOfLast: Int, where account: String, _ network: String) async throws {
        let keys = SignInStore.Keys(account: account, network: network)
        let changed = try await TestDatabase.current.database.execute(
            .system,
            """
            update sign_in_failures set failures = \(failures), last_at = now() - \(ageOfLast) * interval '1 second'
            where scope = \(scope) and key = \(scope == "pair" ? keys.pair : keys.account)
            """)
        #expect(changed == 1)
    }
}
