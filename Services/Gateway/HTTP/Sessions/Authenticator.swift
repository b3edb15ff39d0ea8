import Dispatch
import Foundation
import Primitives

/// Finds out who sends a request: by API key in a header, or by the cookie of a browser's session.
final class Authenticator: Sendable {
    private let keys: KeyStore
    private let sessions: SessionStore
    private let byKey = PrincipalCache()
    private let bySession = PrincipalCache()
    private let security: SecurityLog
    let cookies: SessionCookie

    init(keys: KeyStore, sessions: SessionStore, cookies: SessionCookie, security: SecurityLog) {
        self.keys = keys
        self.sessions = sessions
        self.cookies = cookies
        self.security = security
    }

    /// What a request shows of its sender.
    enum Credential: Sendable {
        case key(Substring)
        case session(Substring)
    }

    /// A header wins over a cookie: scripts in a browser may act with a key of their own.
    func credential(in head: RequestHead) -> Credential? {
        if let authorization = head.authorization { return .key(Self.token(authorization)) }
        if let key = head.apiKey { return .key(key.trimmed) }
        return head.cookie(named: cookies.name).map { .session($0) }
    }

    /// The answer without waiting, for the requests of a key that was looked up in the last seconds: nearly all of them.
    func known(_ credential: Credential, now: Int64) -> Principal? {
        switch credential {
        case .key(let text): text.utf8.count > 64 ? nil : byKey.known(SecretDigest(text), now: now)
        case .session(let token): token.utf8.count > 64 ? nil : bySession.known(SecretDigest(token), now: now)
        }
    }

    /// Whether it was good a short while ago.
    func hasKnown(_ credential: Credential) -> Bool {
        switch credential {
        case .key(let text): text.utf8.count <= 64 && byKey.hasKnown(SecretDigest(text))
        case .session(let token): token.utf8.count <= 64 && bySession.hasKnown(SecretDigest(token))
        }
    }

    /// - Throws: `auth.key_invalid`, `auth.session_invalid`. A key with a wrong checksum is refused without a look-up (T49).
    func principal(_ credential: Credential, address: ClientAddress, now: Int64) async throws -> Principal {
        switch credential {
        case .key(let text):
            guard KeyText(String(text)) != nil else { throw Fault.keyInvalid }
            let digest = SecretDigest(text)
            let found = try await byKey.principal(digest, now: now) { [keys] in
                try await keys.identity(digest, usedFrom: address.description).map(Principal.init)
            }
            guard let found, Self.isCurrent(found) else { throw Fault.keyInvalid }
            return found
        case .session(let token):
            guard token.utf8.count == SessionCookie.tokenLength else { throw Fault.sessionInvalid }
            let digest = SecretDigest(token)
            let found = try await bySession.principal(digest, now: now) { [sessions] in
                try await sessions.identity(digest).map(Principal.init)
            }
            guard let found, Self.isCurrent(found) else { throw Fault.sessionInvalid }
            return found
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
        try await sessions.insert(SecretDigest(token), key: key, tenant: principal.identity.tenant)
        return cookies.header(token: token)
    }

    /// - Returns: the value of the `Set-Cookie` header that makes a browser forget.
    func signOut(_ head: RequestHead) async throws -> String {
        if let token = head.cookie(named: cookies.name) {
            let digest = SecretDigest(token)
            try await sessions.delete(digest)
            bySession.forget(digest)
        }
        return cookies.expiredHeader
    }

    // MARK: - Header forms

    /// `Bearer asy_…`, Buildkite's `Token token="asy_…"`, and `Token asy_…`. Any other scheme gives a text that is no key.
    static func token(_ header: String) -> Substring {
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
