import Dispatch
import Foundation
import Primitives

/// Finds out who sends a request: by API key or access token in a header, or by the cookie of a browser's session.
final class Authenticator: Sendable {
    private let keys: KeyStore
    private let uploadTokens: UploadTokenStore
    private let sessions: PersonSessions
    private let impersonations: ImpersonationStore
    private let byKey = PrincipalCache()
    private let bySession = PrincipalCache()
    private let byToken = PrincipalCache()
    private let security: SecurityLog
    let cookies: SessionCookie

    init(
        keys: KeyStore, uploadTokens: UploadTokenStore, sessions: PersonSessions, impersonations: ImpersonationStore, cookies: SessionCookie,
        security: SecurityLog
    ) {
        self.keys = keys
        self.uploadTokens = uploadTokens
        self.sessions = sessions
        self.impersonations = impersonations
        self.cookies = cookies
        self.security = security
    }

    /// What a request shows of its sender.
    enum Credential: Sendable {
        /// Of an API key, or of the token of a CI job, which looks and is looked up like one.
        case key(Substring)
        /// A JWT.
        case token(Substring)
        case session(Substring)
    }

    /// A header wins over a cookie: scripts in a browser may act with a key of their own.
    func credential(in head: RequestHead) -> Credential? {
        if let authorization = head.authorization { return Self.credential(authorization: authorization) }
        if let key = head.apiKey { return .key(key.trimmed) }
        return head.cookie(named: cookies.name).map { .session($0) }
    }

    static func credential(authorization: String) -> Credential {
        let text = token(authorization)
        // Every JWT begins so: it is `{"` in base64.
        if text.hasPrefix("eyJ") { return .token(text) }
        // What super admins act in somebody's place with goes where sessions go; keys have another length.
        return text.utf8.count == SessionCookie.tokenLength ? .session(text) : .key(text)
    }

    /// The answer without waiting, for the requests of a key that was looked up in the last seconds: nearly all of them.
    func known(_ credential: Credential, now: Int64) -> Principal? {
        switch credential {
        case .key(let text): text.utf8.count > 64 ? nil : byKey.known(SecretDigest(text), now: now)
        case .token(let text): text.utf8.count > AccessToken.maxLength ? nil : byToken.known(SecretDigest(text), now: now)
        case .session(let token): token.utf8.count > 64 ? nil : bySession.known(SecretDigest(token), now: now)
        }
    }

    /// Whether it was good a short while ago.
    func hasKnown(_ credential: Credential) -> Bool {
        switch credential {
        case .key(let text): text.utf8.count <= 64 && byKey.hasKnown(SecretDigest(text))
        case .token(let text): text.utf8.count <= AccessToken.maxLength && byToken.hasKnown(SecretDigest(text))
        case .session(let token): token.utf8.count <= 64 && bySession.hasKnown(SecretDigest(token))
        }
    }

    /// - Throws: `auth.key_invalid`, `auth.token_invalid`, `auth.session_invalid`. A key with a wrong checksum is refused without a look-up (T49).
    func principal(_ credential: Credential, address: ClientAddress, now: Int64) async throws -> Principal {
        switch credential {
        case .key(let text):
            let isBuild = UploadToken.isText(text)
            guard isBuild || KeyText(String(text)) != nil else { throw Fault.keyInvalid }
            let digest = SecretDigest(text)
            let found = try await byKey.principal(digest, now: now) { [keys, uploadTokens] in
                if isBuild { return try await uploadTokens.identity(digest).map(Principal.init) }
                return try await keys.identity(digest, usedFrom: address.description).map(Principal.init)
            }
            guard let found, Self.isCurrent(found) else { throw Fault.keyInvalid }
            return found
        case .token(let text):
            guard text.utf8.count <= AccessToken.maxLength else { throw Fault.tokenInvalid }
            // Signature, times and parties are checked here, once in four seconds for each token; whether its session goes on the database knows.
            let found = try await byToken.principal(SecretDigest(text), now: now) { [sessions] in
                try await sessions.identity(token: String(text), from: address.description).map(Principal.init)
            }
            guard let found, Self.isCurrent(found) else { throw Fault.tokenInvalid }
            return found
        case .session(let token):
            guard token.utf8.count == SessionCookie.tokenLength else { throw Fault.sessionInvalid }
            let digest = SecretDigest(token)
            let found = try await bySession.principal(digest, now: now) { [sessions, impersonations] in
                if let identity = try await sessions.identity(cookie: digest, from: address.description) { return Principal(identity) }
                return try await impersonations.identity(digest).map(Principal.init)
            }
            guard let found, Self.isCurrent(found) else { throw Fault.sessionInvalid }
            return found
        }
    }

    /// Whether whoever has sent a request that is still being answered would be let in now. A database that is away cuts nobody off.
    func isStillGood(_ exchange: Exchange) async -> Bool {
        guard let credential = credential(in: exchange.head), exchange.principal != nil else { return true }
        let now = Monotonic.now
        if known(credential, now: now) != nil { return true }
        do {
            _ = try await principal(credential, address: exchange.address, now: now)
            return true
        } catch {
            return (error as? Fault)?.kind != .unauthenticated
        }
    }

    // MARK: - Sessions

    /// Begins a session for whoever holds the key `text`.
    /// - Returns: the value of the `Set-Cookie` header.
    /// - Throws: `auth.key_invalid`.
    func signIn(key text: String, address: ClientAddress) async throws -> String {
        let principal: Principal
        do {
            principal = try await self.principal(.key(text.trimmed), address: address, now: Monotonic.now)
        } catch let fault as Fault where fault == .keyInvalid {
            // Whose it was meant to be nobody knows.
            security.record(.signInFailed("unknown", tenant: nil, from: address.description, reason: "key"))
            throw fault
        }
        guard case .key(let key) = principal.identity.actor else { throw Fault.keyInvalid }
        let token = SessionCookie.newToken()
        try await sessions.store.insert(SecretDigest(token), key: key, tenant: principal.identity.tenant)
        return cookies.header(token: token)
    }

    /// Begins a browser's session for a person, under an id that nobody has seen before (T51).
    /// - Returns: the value of the `Set-Cookie` header, and whether the person belongs to an organization.
    /// - Throws: what `SignIn` throws.
    func signIn(_ attempt: SignIn.Attempt, client: SessionStore.Client, network: String) async throws -> (cookie: String, hasOrganization: Bool) {
        let person = try await sessions.signIn.authenticate(attempt, client: client, network: network)
        let organization = try await sessions.organization(asked: nil, of: person.id).chosen
        let token = SessionCookie.newToken()
        try await sessions.store.insert(
            .new(), person: person.id, tenant: organization?.tenant ?? person.ownTenant, from: client, digest: SecretDigest(token))
        return (cookies.header(token: token), organization != nil)
    }

    /// Gives a browser's session another cookie, after a change of what its owner proves themselves with (T51).
    /// - Returns: the value of the `Set-Cookie` header; `nil` without a session of a browser.
    func renew(_ head: RequestHead) async throws -> String? {
        guard let old = head.cookie(named: cookies.name) else { return nil }
        let token = SessionCookie.newToken()
        try await sessions.store.update(SecretDigest(old), to: SecretDigest(token))
        bySession.forget(SecretDigest(old))
        return cookies.header(token: token)
    }

    /// - Returns: the value of the `Set-Cookie` header that makes a browser forget.
    func signOut(_ head: RequestHead) async throws -> String {
        if let token = head.cookie(named: cookies.name) {
            let digest = SecretDigest(token)
            try await sessions.store.delete(digest)
            try await impersonations.end(digest, telling: security)
            bySession.forget(digest)
        }
        return cookies.expiredHeader
    }

    /// - Returns: the value of the `Set-Cookie` header with which a browser acts in somebody's place.
    func impersonate(_ token: String) -> String { cookies.header(token: token) }

    // MARK: - Header forms

    /// `Bearer asy_…`, Buildkite's `Token token="asy_…"`, and `Token asy_…`. Any other scheme gives a text that is no key.
    private static func token(_ header: String) -> Substring {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return "" }
        let scheme = parts[0]
        let rest = parts[1].trimmed
        if scheme == "Bearer" { return rest }
        switch scheme.lowercased() {
        case "bearer": return rest
        case "token":
            guard rest.hasPrefix("token=") else { return rest }
            let value = rest.dropFirst(6)
            return value.hasPrefix("\"") && value.hasSuffix("\"") && value.count >= 2 ? value.dropFirst().dropLast() : value
        default: return ""
        }
    }

    /// The cache knows nothing of expiry, so it is checked on every look-up that waited; the rest are at most four seconds late.
    private static func isCurrent(_ principal: Principal) -> Bool {
        principal.identity.expiresAt.map { $0 > Date() } ?? true
    }
}

/// Nanoseconds of a clock that never goes back, for limits and caches.
enum Monotonic {
    static var now: Int64 { Int64(DispatchTime.now().uptimeNanoseconds) }
}
