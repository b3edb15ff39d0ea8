import Crypto
import Foundation
import Primitives
import Testing

@testable import GatewayService

@Suite("Access tokens")
struct AccessTokenTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)
    private static let key = SigningKey(now: now)
    private static let parties = AccessToken.Parties(issuer: "https://assay.example", audience: "https://assay.example/api/v1")
    private static let token = AccessToken(person: .new(), session: .new(), tenant: .new(), now: now)

    private static func read(_ text: String, at time: Date = now) throws(AccessToken.Refusal) -> AccessToken {
        try AccessToken(text, parties, now: time) { $0 == key.id ? key.publicKey : nil }
    }

    private static func claims(_ change: (inout [String: Any]) -> Void = { _ in }) -> [String: Any] {
        var claims: [String: Any] = [
            "iss": parties.issuer, "aud": parties.audience, "sub": token.person.description, "sid": token.session.description,
            "tid": token.tenant?.description ?? "", "iat": token.issuedAt, "exp": token.expiresAt, "jti": token.id,
        ]
        change(&claims)
        return claims
    }

    private static func header(_ change: (inout [String: Any]) -> Void = { _ in }) -> [String: Any] {
        var header: [String: Any] = ["alg": "ES256", "typ": "at+jwt", "kid": key.id]
        change(&header)
        return header
    }

    private static func json(_ object: [String: Any]) -> Data { (try? JSONSerialization.data(withJSONObject: object)) ?? Data() }

    private static func signed(_ header: Data, _ claims: Data, with key: SigningKey = key) -> String {
        let head = header.base64URL + "." + claims.base64URL
        return head + "." + ((try? key.signature(of: Data(head.utf8)))?.base64URL ?? "")
    }

    @Test("a token says what was put into it, is good for ten minutes, and carries its type")
    func roundTrip() throws {
        let text = try Self.token.text(Self.parties, signedWith: Self.key)
        #expect(try Self.read(text) == Self.token)
        #expect(try Self.read(text, at: Self.now + 600 + 29) == Self.token)
        #expect(throws: AccessToken.Refusal.expired) { try Self.read(text, at: Self.now + 600 + 30) }
        let header = try #require(Data(base64URL: text.split(separator: ".")[0]).flatMap { String(data: $0, encoding: .utf8) })
        #expect(header == #"{"alg":"ES256","kid":"\#(Self.key.id)","typ":"at+jwt"}"#)
        let homeless = AccessToken(person: .new(), session: .new(), tenant: nil, now: Self.now)
        #expect(try Self.read(homeless.text(Self.parties, signedWith: Self.key)) == homeless)
    }

    /// A name for the test's output, and a token that must be refused (T43, T44).
    private static let bad: [(String, String)] = {
        let good = signed(json(header()), json(claims()))
        let parts = good.split(separator: ".").map(String.init)
        let publicKey = SymmetricKey(data: key.publicKey.x963Representation)
        func hmac(_ algorithm: String, _ secret: SymmetricKey) -> String {
            let head = json(header { $0["alg"] = algorithm }).base64URL + "." + json(claims()).base64URL
            return head + "." + Data(HMAC<SHA256>.authenticationCode(for: Data(head.utf8), using: secret)).base64URL
        }
        func with(header change: (inout [String: Any]) -> Void) -> String { signed(json(header(change)), json(claims())) }
        func with(claims change: (inout [String: Any]) -> Void) -> String { signed(json(header()), json(claims(change))) }
        let twice = Data(String(decoding: json(claims()), as: UTF8.self).replacing("{", with: #"{"sub":"usr_00000000000000000000000000","#).utf8)
        var derSignature = parts
        derSignature[2] = (try? key.privateKey.reveal().signature(for: Data((parts[0] + "." + parts[1]).utf8)).derRepresentation.base64URL) ?? ""
        return [
            ("nothing", ""), ("no token", "eyJ"), ("two parts", parts[0] + "." + parts[1]), ("four parts", good + "."),
            ("no signature", parts[0] + "." + parts[1] + "."),
            ("another signature", parts[0] + "." + parts[1] + "." + Data(count: 64).base64URL),
            ("a signature in DER", derSignature.joined(separator: ".")),
            ("padding", good + "="), ("standard base64", good.replacing("-", with: "+").replacing("_", with: "/") + " "),
            ("claims of another token", parts[0] + "." + json(claims { $0["sub"] = ID<User>.new().description }).base64URL + "." + parts[2]),
            ("alg none", json(header { $0["alg"] = "none" }).base64URL + "." + parts[1] + "."),
            ("alg None with a signature", with(header: { $0["alg"] = "None" })),
            ("HS256 with our public key", hmac("HS256", publicKey)),
            ("HS256 with our public key as JWK", hmac("HS256", SymmetricKey(data: Data(key.jwk.utf8)))),
            ("an algorithm of another curve", with(header: { $0["alg"] = "ES384" })),
            ("an unknown crit", with(header: { $0["crit"] = ["x"] })), ("a jku", with(header: { $0["jku"] = "https://evil.example/jwks" })),
            ("an x5u", with(header: { $0["x5u"] = "https://evil.example/x" })), ("a jwk", with(header: { $0["jwk"] = ["kty": "EC"] })),
            ("an x5c", with(header: { $0["x5c"] = ["MII"] })), ("typ JWT", with(header: { $0["typ"] = "JWT" })),
            ("no typ, as ID tokens", with(header: { $0["typ"] = nil })), ("no kid", with(header: { $0["kid"] = nil })),
            ("an unknown kid", with(header: { $0["kid"] = "other" })),
            ("another key of the right name", signed(json(header()), json(claims()), with: SigningKey(now: now))),
            (
                "expired",
                with(claims: {
                    $0["exp"] = token.issuedAt - 31; $0["iat"] = token.issuedAt - 600
                })
            ),
            (
                "from the future",
                with(claims: {
                    $0["iat"] = token.issuedAt + 31; $0["exp"] = token.issuedAt + 600
                })
            ),
            ("nbf", with(claims: { $0["nbf"] = token.issuedAt + 3_600 })), ("another audience", with(claims: { $0["aud"] = "other" })),
            ("a list of audiences", with(claims: { $0["aud"] = [parties.audience] })),
            ("another issuer", with(claims: { $0["iss"] = "https://evil.example" })),
            ("an issuer with a slash", with(claims: { $0["iss"] = parties.issuer + "/" })),
            ("too long a life", with(claims: { $0["exp"] = token.issuedAt + 901 })), ("a huge exp", with(claims: { $0["exp"] = Int64.max })),
            ("a negative life", with(claims: { $0["exp"] = token.issuedAt - 1 })), ("exp as text", with(claims: { $0["exp"] = "1800000600" })),
            ("no exp", with(claims: { $0["exp"] = nil })), ("no session", with(claims: { $0["sid"] = nil })),
            ("a subject of another kind", with(claims: { $0["sub"] = ID<Key>.new().description })),
            ("an unknown claim", with(claims: { $0["scope"] = "org:admin" })), ("a claim twice", signed(json(header()), twice)),
            ("no object", signed(json(header()), Data("[]".utf8))),
            ("longer than 8 KiB", with(claims: { $0["jti"] = String(repeating: "a", count: 9_000) })),
        ]
    }()

    @Test("whatever differs from our own tokens in anything is refused")
    func refused() {
        #expect(Self.bad.count >= 30)
        for (name, text) in Self.bad { #expect(throws: AccessToken.Refusal.self, "\(name)") { try Self.read(text) } }
        // The helpers of this test make good tokens where nothing is changed.
        #expect(throws: Never.self) { try Self.read(Self.signed(Self.json(Self.header()), Self.json(Self.claims()))) }
    }

    @Test("a key is shown before it signs, signs for thirty days, and is shown for a day after that")
    func schedule() {
        let day: TimeInterval = 86_400
        let first = SigningKey(now: Self.now)
        #expect(SigningSchedule([]).needsKey(at: Self.now) && SigningSchedule([]).signing(at: Self.now) == nil)
        #expect(SigningSchedule([first]).signing(at: Self.now)?.id == first.id, "nobody can have been told of the first")
        #expect(!SigningSchedule([first]).needsKey(at: Self.now + 29 * day))
        #expect(SigningSchedule([first]).needsKey(at: Self.now + 30 * day))
        let change = Self.now + 30 * day
        let both = SigningSchedule([SigningKey(now: change), first])
        #expect(both.signing(at: change)?.id == first.id)
        #expect(both.signing(at: change + SigningSchedule.notice)?.id != first.id)
        #expect(both.expired(at: change + day).isEmpty)
        #expect(both.expired(at: change + day + SigningSchedule.notice).map(\.id) == [first.id])
    }
}
