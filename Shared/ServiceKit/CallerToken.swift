import Crypto
import Foundation
import Primitives

/// The signed form of a caller: `base64url(payload) "." base64url(HMAC-SHA256(payload text))`, payload a small JSON object.
///
/// Travels as `assay-caller` metadata. It names the service it is meant for, so that a service cannot replay what it was sent to another
/// one, and lives for two minutes (T120).
struct CallerToken: Codable {
    static let metadataKey = "assay-caller"
    static let lifetime: TimeInterval = 120
    /// How far two hosts' clocks may differ (R24).
    static let skew: TimeInterval = 30
    /// Metadata of a call may hold 16 KiB altogether.
    static let maxLength = 12 * 1024

    let issuer: String
    let audience: String
    let tenant: String
    let actor: String
    let permissions: [String]
    /// 16 bytes for each project; absent means all.
    let projects: Data?
    /// What `grants` speaks of, at most 64 permission words.
    let words: [String]?
    /// 24 bytes for each project in which more is granted: its id, and a bit for each of `words`, the first one lowest. Packed, so that two
    /// hundred projects fit.
    let grants: Data?
    let impersonator: String?
    let owner: String?
    let session: String?
    /// Absent for the trusted one.
    let lane: String?
    /// Unix time in seconds.
    let expires: Double

    enum CodingKeys: String, CodingKey {
        case issuer = "iss"
        case audience = "aud"
        case tenant = "ten"
        case actor = "act"
        case permissions = "per"
        case projects = "prj"
        case words = "wrd"
        case grants = "grt"
        case impersonator = "imp"
        case owner = "own"
        case session = "ses"
        case lane = "lan"
        case expires = "exp"
    }

    init(_ identity: CallerIdentity, issuer: String, audience: String, expires: Date) {
        self.issuer = issuer
        self.audience = audience
        tenant = identity.tenant.description
        actor = identity.actor
        permissions = identity.permissions.sorted()
        projects = identity.projects.map { $0.reduce(into: Data()) { data, id in withUnsafeBytes(of: id.uuid) { data.append(contentsOf: $0) } } }
        let words = identity.grants.words.sorted()
        self.words = words.isEmpty ? nil : words
        grants = words.isEmpty || words.count > Self.maxWords ? nil : Self.packed(identity.grants, words)
        impersonator = identity.impersonator
        owner = identity.owner
        session = identity.session
        lane = identity.lane == .trusted ? nil : identity.lane.rawValue
        self.expires = expires.timeIntervalSince1970
    }

    private static let maxWords = 64
    private static let grantBytes = 24

    private static func packed(_ grants: ProjectGrants, _ words: [String]) -> Data {
        grants.permissions.reduce(into: Data()) { data, grant in
            let bits = words.enumerated().reduce(UInt64(0)) { grant.value.contains($1.element) ? $0 | 1 << UInt64($1.offset) : $0 }
            withUnsafeBytes(of: grant.key.uuid) { data.append(contentsOf: $0) }
            withUnsafeBytes(of: bits.bigEndian) { data.append(contentsOf: $0) }
        }
    }

    /// `nil` when they are not in the form that `packed` gives them.
    private func unpackedGrants() -> ProjectGrants? {
        guard let grants, let words else { return grants == nil && words == nil ? ProjectGrants() : nil }
        guard grants.count % Self.grantBytes == 0, words.count <= Self.maxWords else { return nil }
        var held: [UUID: Set<String>] = [:]
        for start in stride(from: 0, to: grants.count, by: Self.grantBytes) {
            let bytes = grants.dropFirst(start).prefix(Self.grantBytes)
            let bits = bytes.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            held[UUID(bytes: Array(bytes.prefix(16)))] = Set(words.indices.filter { bits & 1 << UInt64($0) != 0 }.map { words[$0] })
        }
        return ProjectGrants(held)
    }

    /// - Throws: `internal` when the result would be too long, that is, for a caller confined to more than some 500 projects, or with more in
    ///   more than some 250.
    func signed(with key: SymmetricKey) throws(Fault) -> String {
        guard words?.count ?? 0 <= Self.maxWords else { throw .tokenUnsignable }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        guard let payload = try? encoder.encode(self) else { throw .tokenUnsignable }
        let text = Base64URL.text(payload)
        let signature = HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key)
        let token = text + "." + Base64URL.text(Data(signature))
        guard token.utf8.count <= Self.maxLength else { throw .tokenUnsignable }
        return token
    }

    /// Why a token was not believed. Goes to the log; the caller is told the same sentence for every reason.
    enum Refusal: String, Error {
        case tooLong, malformed, signature, audience, expired, lifetime, issuer
    }

    /// Checks length, signature (in constant time), audience and expiry, in this order.
    init(_ token: String, audience: String, keys: [SymmetricKey], now: Date) throws(Refusal) {
        guard token.utf8.count <= Self.maxLength else { throw .tooLong }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let signature = Base64URL.data(parts[1]) else { throw .malformed }
        let signedBytes = Data(parts[0].utf8)
        guard keys.contains(where: { HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: signedBytes, using: $0) }) else {
            throw .signature
        }
        guard let payload = Base64URL.data(parts[0]), let token = try? JSONDecoder().decode(CallerToken.self, from: payload) else {
            throw .malformed
        }
        guard token.audience == audience else { throw .audience }
        guard token.expires > now.timeIntervalSince1970 else { throw .expired }
        guard token.expires <= now.timeIntervalSince1970 + Self.lifetime + Self.skew else { throw .lifetime }
        self = token
    }

    func identity() throws(Refusal) -> CallerIdentity {
        guard let tenant = try? ID<Tenant>(tenant), !actor.isEmpty, projects.map({ $0.count % 16 == 0 }) ?? true, let grants = unpackedGrants(),
            // A lane that this release does not know is not taken for the trusted one.
            let lane = lane.map({ Lane(rawValue: $0) }) ?? .trusted
        else {
            throw .malformed
        }
        let ids = projects.map { data in
            Set(stride(from: 0, to: data.count, by: 16).map { UUID(bytes: Array(data.dropFirst($0).prefix(16))) })
        }
        return CallerIdentity(
            tenant: tenant, actor: actor, permissions: Set(permissions), projects: ids, grants: grants, impersonator: impersonator,
            owner: owner, session: session, lane: lane)
    }
}

/// RFC 4648 section 5, without padding.
enum Base64URL {
    static func text(_ data: Data) -> String {
        String(
            data.base64EncodedString().compactMap { character -> Character? in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }

    static func data(_ text: Substring) -> Data? {
        var padded = String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        guard !text.contains(where: { $0 == "+" || $0 == "/" || $0 == "=" }) else { return nil }
        padded += String(repeating: "=", count: (4 - padded.utf8.count % 4) % 4)
        return Data(base64Encoded: padded)
    }
}

extension Fault {
    static var callerRefused: Fault {
        Fault(.unauthenticated, "caller.refused", "The call carries no valid identity.")
    }

    static var tokenUnsignable: Fault {
        Fault(.internal, "caller.too_large", "The caller's permissions and projects do not fit into a token.")
    }
}
