import Crypto
import Foundation
import Primitives

/// An ID token of a CI provider: a JWT (RFC 7519) in compact form. Read in two steps, because whose keys it has to be checked with only it says:
/// `init` reads and believes nothing, `verify` believes.
struct IDToken: Sendable {
    static let maxLength = 8 * 1024
    /// How far a provider's clock may differ from ours, seconds.
    static let leeway: TimeInterval = 30
    /// The longest life that a token may claim. Not the quarter of an hour that our own have: GitLab's live as long as a job may take.
    static let longestLife: TimeInterval = 86_400

    let keyID: String
    let claims: TokenClaims
    let issuer: String
    /// Unix time in seconds.
    let expiresAt: Int64
    private let algorithm: String
    private let signed: Data
    private let signature: Data

    /// Why a token was refused. For logs and security events; whoever sent it is told one sentence for all.
    enum Refusal: String, Error {
        case tooLong = "too_long"
        case malformed, header, algorithm, claims, issuer, audience, expired
        case notYet = "not_yet"
        case lifetime
        case unknownKey = "unknown_key"
        case signature
    }

    private struct Header: Decodable {
        let alg: String
        let kid: String
        let typ: String?
    }

    /// Members that say nothing of where a key comes from, and nothing that has to be understood (`crit`). Thumbprints (`x5t`) are not needed:
    /// keys go by `kid`.
    private static let headerMembers: Set<String> = ["alg", "kid", "typ", "x5t", "x5t#S256"]

    init(_ text: String) throws(Refusal) {
        guard text.utf8.count <= Self.maxLength else { throw .tooLong }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let head = Data(base64URL: parts[0]), let body = Data(base64URL: parts[1]), let mark = Data(base64URL: parts[2])
        else { throw .malformed }
        guard head.first == UInt8(ascii: "{"), let members = try? JSONLint.check([UInt8](head)),
            Set(members.map(\.name)).isSubset(of: Self.headerMembers), let header = try? JSONDecoder().decode(Header.self, from: head),
            (1...ProviderKeySet.maxID).contains(header.kid.utf8.count), header.typ.map({ $0.uppercased() == "JWT" }) ?? true
        else { throw .header }
        guard ProviderKey.Algorithm(rawValue: header.alg) != nil else { throw .algorithm }
        guard let claims = TokenClaims(json: body), let issuer = claims.text("iss"), claims.text("sub") != nil, !claims.audiences.isEmpty,
            let expiresAt = claims.seconds("exp"), claims.seconds("iat") != nil, claims.contains("nbf") == (claims.seconds("nbf") != nil)
        else { throw .claims }
        keyID = header.kid
        algorithm = header.alg
        self.claims = claims
        self.issuer = issuer
        self.expiresAt = expiresAt
        signed = Data(parts[0].utf8) + Data(".".utf8) + Data(parts[1].utf8)
        signature = mark
    }

    var subject: String { claims.text("sub") ?? "" }

    /// Costs nothing, so it comes before anybody is asked.
    func checkTimes(now: Date) throws(Refusal) {
        let now = now.timeIntervalSince1970
        let issuedAt = Double(claims.seconds("iat") ?? .max)
        guard Double(expiresAt) + Self.leeway > now else { throw .expired }
        guard max(issuedAt, Double(claims.seconds("nbf") ?? 0)) - Self.leeway <= now else { throw .notYet }
        let life = Double(expiresAt) - issuedAt
        guard life > 0, life <= Self.longestLife else { throw .lifetime }
    }

    func verify(with key: ProviderKey) throws(Refusal) {
        guard key.algorithm.rawValue == algorithm else { throw .algorithm }
        guard key.isValid(signature, of: signed) else { throw .signature }
    }

    /// Names the token, so that it is known when it comes again: by issuer and `jti`, or by all it says where a provider gives it no name, as
    /// Buildkite does. Not by the signature, of which there can be several.
    var fingerprint: Data {
        guard let id = claims.text("jti") else { return Data(SHA256.hash(data: signed)) }
        return Data(SHA256.hash(data: Data("\(issuer.utf8.count):\(issuer)\(id)".utf8)))
    }

    /// The organization that the token was made for, when its audience ends with the id of one.
    var organization: ID<Tenant>? {
        claims.audiences.lazy.compactMap { try? ID<Tenant>($0.split(separator: "/").last.map(String.init) ?? "") }.first
    }
}
