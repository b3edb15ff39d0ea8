import Crypto
import Foundation
import Primitives

/// What an access token says: who is signed in, by which session, for which organization. A JWT (RFC 7519) signed with ES256 in the profile of
/// RFC 9068 (`typ: at+jwt`).
///
/// Only this gateway makes them, so reading is exact: header and claims hold the members that `text` writes, of the types that it writes, and nothing
/// else. There is no algorithm to choose and no place from which a token could bring its own key (T43, T44).
struct AccessToken: Hashable, Sendable {
    static let lifetime: TimeInterval = 600
    /// How far the clocks of two gateways may differ.
    static let leeway: TimeInterval = 30
    /// A token that claims a longer life was not made here.
    static let longestLife: TimeInterval = 900
    static let maxLength = 8 * 1024

    let person: ID<User>
    let session: ID<Session>
    /// `nil` for whoever belongs to no organization yet.
    let tenant: ID<Tenant>?
    /// Unix time in seconds, as all times in it.
    let issuedAt: Int64
    let expiresAt: Int64
    let id: String

    init(person: ID<User>, session: ID<Session>, tenant: ID<Tenant>?, now: Date, id: String = UUID().uuidString.lowercased()) {
        self.person = person
        self.session = session
        self.tenant = tenant
        issuedAt = Int64(now.timeIntervalSince1970.rounded(.down))
        expiresAt = issuedAt + Int64(Self.lifetime)
        self.id = id
    }

    /// Who makes them and whom they are for.
    struct Parties: Hashable, Sendable {
        let issuer: String
        let audience: String
    }

    /// Why a token was refused. For logs; whoever sent it is told one sentence for all.
    enum Refusal: Error, Hashable {
        case tooLong, malformed, header, signature, claims, issuer, audience, expired, notYet, lifetime
        /// The key may be a new one of another gateway.
        case unknownKey(String)
    }

    // MARK: - Writing

    private struct Header: Codable {
        var alg = "ES256"
        let kid: String
        var typ = "at+jwt"
    }

    private struct Claims: Codable {
        let aud: String
        let exp: Int64
        let iat: Int64
        let iss: String
        let jti: String
        let sid: String
        let sub: String
        let tid: String?
    }

    func text(_ parties: Parties, signedWith key: SigningKey) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let claims = Claims(
            aud: parties.audience, exp: expiresAt, iat: issuedAt, iss: parties.issuer, jti: id, sid: session.description, sub: person.description,
            tid: tenant?.description)
        let head = try encoder.encode(Header(kid: key.id)).base64URL + "." + encoder.encode(claims).base64URL
        return head + "." + (try key.signature(of: Data(head.utf8))).base64URL
    }

    // MARK: - Reading

    /// - Parameter key: the public key of a `kid`.
    init(_ text: String, _ parties: Parties, now: Date, key: (String) -> P256.Signing.PublicKey?) throws(Refusal) {
        guard text.utf8.count <= Self.maxLength else { throw .tooLong }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let head = Data(base64URL: parts[0]), let body = Data(base64URL: parts[1]), let mark = Data(base64URL: parts[2])
        else { throw .malformed }
        guard Self.members(of: head) == ["alg", "kid", "typ"], let header = try? JSONDecoder().decode(Header.self, from: head),
            header.alg == "ES256", header.typ == "at+jwt", header.kid.utf8.count <= 64
        else { throw .header }
        guard let key = key(header.kid) else { throw .unknownKey(header.kid) }
        guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: mark),
            key.isValidSignature(signature, for: Data(parts[0].utf8) + Data(".".utf8) + Data(parts[1].utf8))
        else { throw .signature }
        let expected: Set<String> = ["aud", "exp", "iat", "iss", "jti", "sid", "sub"]
        guard let members = Self.members(of: body), members.subtracting(["tid"]) == expected,
            let claims = try? JSONDecoder().decode(Claims.self, from: body), members.contains("tid") == (claims.tid != nil)
        else { throw .claims }
        try self.init(claims, parties, now: now.timeIntervalSince1970)
    }

    private init(_ claims: Claims, _ parties: Parties, now: TimeInterval) throws(Refusal) {
        guard claims.iss == parties.issuer else { throw .issuer }
        guard claims.aud == parties.audience else { throw .audience }
        guard Double(claims.exp) + Self.leeway > now else { throw .expired }
        guard Double(claims.iat) - Self.leeway <= now else { throw .notYet }
        let (life, overflow) = claims.exp.subtractingReportingOverflow(claims.iat)
        guard !overflow, life > 0, Double(life) <= Self.longestLife else { throw .lifetime }
        guard let person = try? ID<User>(claims.sub), let session = try? ID<Session>(claims.sid) else { throw .claims }
        do {
            tenant = try claims.tid.map { try ID<Tenant>($0) }
        } catch {
            throw .claims
        }
        self.person = person
        self.session = session
        issuedAt = claims.iat
        expiresAt = claims.exp
        id = claims.jti
    }

    /// The names in a JSON object; `nil` for anything else, and for an object in which a name stands twice.
    private static func members(of json: Data) -> Set<String>? {
        guard json.first == UInt8(ascii: "{"), let members = try? JSONLint.check([UInt8](json)) else { return nil }
        return Set(members.map(\.name))
    }
}

/// A key that signs access tokens, for thirty days.
struct SigningKey: Sendable {
    let id: String
    let privateKey: Secret<P256.Signing.PrivateKey>
    let createdAt: Date

    /// A new one; its id is the thumbprint of RFC 7638.
    init(now: Date) {
        let key = P256.Signing.PrivateKey()
        self.init(key, createdAt: now)
    }

    init(_ key: P256.Signing.PrivateKey, createdAt: Date) {
        privateKey = Secret(key)
        self.createdAt = createdAt
        let (x, y) = Self.coordinates(key.publicKey)
        id = Data(SHA256.hash(data: Data(#"{"crv":"P-256","kty":"EC","x":"\#(x)","y":"\#(y)"}"#.utf8))).base64URL
    }

    var publicKey: P256.Signing.PublicKey { privateKey.reveal().publicKey }

    /// r and s, 32 bytes each (RFC 7518, section 3.4).
    func signature(of data: Data) throws -> Data { try privateKey.reveal().signature(for: data).rawRepresentation }

    /// A member of a JWK set (RFC 7517).
    var jwk: String {
        let (x, y) = Self.coordinates(publicKey)
        return #"{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"\#(id)","x":"\#(x)","y":"\#(y)"}"#
    }

    private static func coordinates(_ key: P256.Signing.PublicKey) -> (x: String, y: String) {
        let raw = key.rawRepresentation
        return (Data(raw.prefix(32)).base64URL, Data(raw.suffix(32)).base64URL)
    }
}

/// Which of the keys signs, and when another one is needed.
struct SigningSchedule: Sendable {
    static let life: TimeInterval = 30 * 86_400
    /// A new key is shown this long before it signs, so that everybody who keeps a copy of the key set has it by then.
    static let notice: TimeInterval = 600
    /// A key that signs no more is shown this long: tokens of it are good for less.
    static let overlap: TimeInterval = 86_400

    /// Oldest first.
    let keys: [SigningKey]

    init(_ keys: [SigningKey]) { self.keys = keys.sorted { $0.createdAt < $1.createdAt } }

    /// The newest that has been shown long enough; the very first one at once.
    func signing(at now: Date) -> SigningKey? { keys.last { $0.createdAt.addingTimeInterval(Self.notice) <= now } ?? keys.first }

    func needsKey(at now: Date) -> Bool { keys.last.map { $0.createdAt.addingTimeInterval(Self.life) <= now } ?? true }

    /// Those whose successor has signed for so long that no token of theirs is good any more.
    func expired(at now: Date) -> [SigningKey] {
        zip(keys, keys.dropFirst()).filter { $0.1.createdAt.addingTimeInterval(Self.notice + Self.overlap) <= now }.map(\.0)
    }
}

extension Data {
    /// RFC 4648 section 5, without padding.
    var base64URL: String {
        base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// `nil` for anything but the one text that `base64URL` gives these bytes.
    init?(base64URL text: some StringProtocol) {
        let standard = String(text).replacing("-", with: "+").replacing("_", with: "/")
        guard let data = Data(base64Encoded: standard + String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)), data.base64URL == text
        else { return nil }
        self = data
    }
}
