import Crypto
import Foundation
import Primitives
import TestSupport
import Testing

@testable import GatewayService

@Suite("ID tokens of CI providers")
struct IDTokenTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)
    private static let signers: [TokenSigner.Kind: TokenSigner] = [.rsa: make(.rsa), .p256: make(.p256), .p384: make(.p384)]
    private static let signer = make(.rsa)
    private static let keys = keySet(Array(signers.values) + [signer])

    private static func make(_ kind: TokenSigner.Kind) -> TokenSigner {
        guard let signer = try? TokenSigner(kind) else { fatalError("no key could be made") }
        return signer
    }

    private static func keySet(_ signers: [TokenSigner]) -> [String: ProviderKey] {
        ProviderKeySet(json: TokenSigner.json(["keys": signers.compactMap { try? $0.jwk() }]))?.keys ?? [:]
    }

    private static func claims(_ change: (inout [String: Any]) -> Void = { _ in }) -> [String: Any] {
        let time = Int(now.timeIntervalSince1970)
        var claims: [String: Any] = [
            "iss": "https://ci.example.com", "aud": "https://assay.example.com", "sub": "repo:acme/web:ref:refs/heads/main", "iat": time, "nbf": time,
            "exp": time + 300, "jti": "1", "repository": "acme/web",
        ]
        change(&claims)
        return claims
    }

    /// As the exchange does, as far as the token itself goes.
    @discardableResult
    private static func read(_ text: String, at time: Date = now) throws(IDToken.Refusal) -> IDToken {
        let token = try IDToken(text)
        try token.checkTimes(now: time)
        guard let key = keys[token.keyID] else { throw .unknownKey }
        try token.verify(with: key)
        return token
    }

    @Test("a token of RS256, ES256 and ES384 is read, with its claims", arguments: [TokenSigner.Kind.rsa, .p256, .p384])
    func good(kind: TokenSigner.Kind) throws {
        let signer = try #require(Self.signers[kind])
        let token = try Self.read(
            signer.token(
                Self.claims {
                    $0["aud"] = ["other", "https://assay.example.com/org_01jd3v9k2m8q4r6s7t0w1x2y3z"]; $0["run"] = 17
                }))
        #expect(token.issuer == "https://ci.example.com" && token.claims["repository"] == "acme/web" && token.claims["run"] == "17")
        #expect(token.organization?.description == "org_01jd3v9k2m8q4r6s7t0w1x2y3z" && token.claims.audiences.count == 2)
        #expect(throws: Never.self) { try Self.read(signer.token(Self.claims()), at: Self.now + 329) }
        #expect(throws: Never.self) { try Self.read(signer.token(Self.claims()), at: Self.now - 30) }
        #expect(throws: Never.self) { try Self.read(signer.token(Self.claims { $0["nbf"] = nil }, header: signer.header { $0["typ"] = nil })) }
        // As GitHub writes it.
        #expect(throws: Never.self) { try Self.read(signer.token(Self.claims(), header: signer.header { $0["x5t"] = "abc" })) }
    }

    private struct Bad: CustomTestStringConvertible, Sendable {
        let name: String
        let refusal: IDToken.Refusal
        let text: String

        init(_ name: String, _ refusal: IDToken.Refusal, _ text: String) {
            (self.name, self.refusal, self.text) = (name, refusal, text)
        }

        var testDescription: String { name }
    }

    private static let bad: [Bad] = {
        let good = (try? signer.token(claims())) ?? ""
        let parts = good.split(separator: ".").map(String.init)
        func headed(_ change: [String: Any?]) -> String {
            let header = signer.header { header in change.forEach { header[$0.key] = $0.value } }
            return (try? signer.token(claims(), header: header)) ?? ""
        }
        func claimed(_ change: [String: Any?]) -> String {
            (try? signer.token(claims { claims in change.forEach { claims[$0.key] = $0.value } })) ?? ""
        }
        func raw(claims text: String) -> String { (try? signer.token(Data(text.utf8))) ?? "" }
        func raw(header text: String) -> String { (try? signer.token(claims(), header: Data(text.utf8))) ?? "" }
        func hmac(_ secret: Data) -> String {
            let head = TokenSigner.base64URL(signer.header { $0["alg"] = "HS256" }) + "." + parts[1]
            return head + "." + TokenSigner.base64URL(Data(HMAC<SHA256>.authenticationCode(for: Data(head.utf8), using: SymmetricKey(data: secret))))
        }
        let time = Int(now.timeIntervalSince1970)
        let json = String(decoding: TokenSigner.json(claims()), as: UTF8.self)
        let stranger = make(.rsa)
        var list: [Bad] = [
            Bad("nothing", .malformed, ""), Bad("no token", .malformed, "eyJ"), Bad("two parts", .malformed, parts[0] + "." + parts[1]),
            Bad("four parts", .malformed, good + ".a"), Bad("padding", .malformed, good + "="),
            Bad("standard base64", .malformed, parts[0] + "." + parts[1] + ".++//"), Bad("a blank", .malformed, " " + good),
            Bad("9 KiB", .tooLong, claimed(["x": String(repeating: "x", count: 9_000)])),
            Bad("no signature", .signature, parts[0] + "." + parts[1] + "."),
            Bad("a signature of zeros", .signature, parts[0] + "." + parts[1] + "." + TokenSigner.base64URL(Data(count: 256))),
            Bad(
                "claims of another token", .signature,
                parts[0] + "." + TokenSigner.base64URL(TokenSigner.json(claims { $0["repository"] = "evil/web" })) + "." + parts[2]),
            Bad("a stranger's key under a known id", .signature, (try? stranger.token(claims(), header: signer.header())) ?? ""),
            Bad("a key that nobody has", .unknownKey, (try? stranger.token(claims())) ?? ""),
        ]
        list += [
            Bad("alg none", .algorithm, TokenSigner.base64URL(signer.header { $0["alg"] = "none" }) + "." + parts[1] + "."),
            Bad("alg None", .algorithm, headed(["alg": "None"])),
            Bad("HS256 with the public key", .algorithm, hmac(signer.publicBytes)),
            Bad("HS256 with the key set", .algorithm, hmac(TokenSigner.json((try? signer.jwk()) ?? [:]))),
            Bad("RS512", .algorithm, headed(["alg": "RS512"])), Bad("PS256", .algorithm, headed(["alg": "PS256"])),
            Bad("ES256 with the id of an RSA key", .algorithm, headed(["alg": "ES256"])),
        ]
        list += [
            Bad("no alg", .header, headed(["alg": nil])), Bad("no kid", .header, headed(["kid": nil])),
            Bad("an empty kid", .header, headed(["kid": ""])), Bad("a number as kid", .header, headed(["kid": 7])),
            Bad("a long kid", .header, headed(["kid": String(repeating: "k", count: 257)])),
            Bad("crit", .header, headed(["crit": ["exp"]])), Bad("an empty crit", .header, headed(["crit": [String]()])),
            Bad("jku", .header, headed(["jku": "https://evil.example/jwks"])),
            Bad("x5u", .header, headed(["x5u": "https://evil.example/x"])),
            Bad("jwk", .header, headed(["jwk": (try? stranger.jwk()) ?? [:]])),
            Bad("x5c", .header, headed(["x5c": ["MII"]])),
            Bad("b64", .header, headed(["b64": false])), Bad("zip", .header, headed(["zip": "DEF"])),
            Bad("an access token's typ", .header, headed(["typ": "at+jwt"])),
        ]
        list += [
            Bad("two algs", .header, raw(header: #"{"alg":"RS256","alg":"none","kid":"\#(signer.id)"}"#)),
            Bad("a list as header", .header, raw(header: "[]")),
            Bad("a list as claims", .claims, raw(claims: "[]")), Bad("no JSON", .claims, raw(claims: "x")),
            Bad("a claim twice", .claims, raw(claims: json.replacing("{", with: #"{"repository":"evil/web","#))),
            Bad("a nested claim twice", .claims, raw(claims: json.replacing("{", with: #"{"x":{"a":1,"a":2},"#, maxReplacements: 1))),
        ]
        list += [
            Bad("no iss", .claims, claimed(["iss": nil])), Bad("a number as iss", .claims, claimed(["iss": 7])),
            Bad("no aud", .claims, claimed(["aud": nil])), Bad("an empty aud", .claims, claimed(["aud": [String]()])),
            Bad("numbers as aud", .claims, claimed(["aud": [1]])), Bad("many auds", .claims, claimed(["aud": (0..<11).map(String.init)])),
            Bad("no sub", .claims, claimed(["sub": nil])), Bad("no exp", .claims, claimed(["exp": nil])),
            Bad("a text as exp", .claims, claimed(["exp": "\(time + 300)"])), Bad("no iat", .claims, claimed(["iat": nil])),
            Bad("a truth value as iat", .claims, claimed(["iat": true])), Bad("a text as nbf", .claims, claimed(["nbf": "\(time)"])),
        ]
        list += [
            Bad("a huge exp", .claims, raw(claims: json.replacing("\"exp\":\(time + 300)", with: "\"exp\":1e300"))),
            Bad("a year", .lifetime, claimed(["exp": time + 31_536_000])),
            Bad(
                "no life", .lifetime,
                claimed(["iat": time + 20, "exp": time + 10])),
            Bad(
                "expired", .expired,
                claimed(["iat": time - 400, "nbf": time - 400, "exp": time - 30])),
            Bad("issued in the future", .notYet, claimed(["iat": time + 31])), Bad("not before later", .notYet, claimed(["nbf": time + 31])),
        ]
        return list
    }()

    @Test("a token that is not in order is refused, each for its own reason (T43, T44)", arguments: bad)
    private func refused(_ bad: Bad) {
        #expect(throws: bad.refusal) { try Self.read(bad.text) }
    }

    @Test("there are more than thirty ways to be refused")
    func enough() {
        #expect(Self.bad.count > 30 && Set(Self.bad.map(\.name)).count == Self.bad.count)
    }

    @Test("a token is known again by issuer and jti, or by all it says; not by its signature")
    func fingerprint() throws {
        let signer = try #require(Self.signers[.p256])
        func fingerprint(_ change: (inout [String: Any]) -> Void = { _ in }) throws -> Data {
            try IDToken(signer.token(Self.claims(change))).fingerprint
        }
        #expect(try fingerprint() == fingerprint { $0["sub"] = "other" })
        #expect(try fingerprint() != fingerprint { $0["jti"] = "2" })
        #expect(try fingerprint() != fingerprint { $0["iss"] = "https://other.example.com" })
        let anonymous = TokenSigner.json(Self.claims { $0["jti"] = nil })
        let header = signer.header()
        let (one, two) = (try signer.token(anonymous, header: header), try signer.token(anonymous, header: header))
        #expect(one != two)
        #expect(try IDToken(one).fingerprint == IDToken(two).fingerprint)
    }

    @Test("of a key set only what can sign ID tokens is taken, each key for one algorithm")
    func keySets() throws {
        let good = try Self.signer.jwk()
        func keys(_ change: (inout [String: Any]) -> Void) -> Int {
            var key = good
            change(&key)
            return ProviderKeySet(json: TokenSigner.json(["keys": [key]]))?.keys.count ?? -1
        }
        #expect(keys { _ in } == 1 && keys { $0["alg"] = nil } == 1 && keys { $0["use"] = nil } == 1)
        for (name, value) in [("use", "enc"), ("alg", "RS512"), ("alg", "HS256"), ("kty", "oct"), ("kid", ""), ("n", "AQAB"), ("e", "")] {
            #expect(keys { $0[name] = value } == 0, "\(name) \(value)")
        }
        #expect(keys { $0["kid"] = nil } == 0)
        #expect(ProviderKeySet(json: TokenSigner.json(["keys": [good, good]]))?.keys.isEmpty == true)
        #expect(ProviderKeySet(json: TokenSigner.json(["keys": Array(repeating: good, count: 101)])) == nil)
        for document in ["", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[],"keys":[]}"#] { #expect(ProviderKeySet(json: Data(document.utf8)) == nil) }
        var twisted = try #require(try Self.signers[.p256]?.jwk())
        twisted["crv"] = "P-384"
        #expect(ProviderKeySet(json: TokenSigner.json(["keys": [twisted]]))?.keys.isEmpty == true)
        twisted["crv"] = "P-256"
        twisted["y"] = twisted["x"]
        #expect(ProviderKeySet(json: TokenSigner.json(["keys": [twisted]]))?.keys.isEmpty == true)
    }
}
