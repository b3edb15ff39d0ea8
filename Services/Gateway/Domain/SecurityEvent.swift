import Foundation
import Primitives

/// Something that whoever guards an organization wants to hear of. Becomes an event (`security.…`, `key.…`) that channels can subscribe to.
///
/// Its factories below are all the events there are. They hold ids, never e-mail addresses, secrets or what somebody typed.
struct SecurityEvent: Sendable, Equatable {
    /// `security.sign_in_failed`
    let type: String
    /// Whom to tell. Without one (a sign-in under a name that nobody has) the event is counted and logged only.
    let tenant: ID<Tenant>?
    /// What it is about: `usr_…`, `key_…`, a code.
    let subject: String
    /// Who did it, as far as known.
    var actor = ""
    var address = ""
    var details: [String: String] = [:]
    /// How many alike within a minute it takes until somebody is told.
    var threshold = 1
}

// Keys
extension SecurityEvent {
    static func keyCreated(_ key: ID<Key>, name: String, tenant: ID<Tenant>, by actor: String, from address: String) -> Self {
        Self(type: "key.created", tenant: tenant, subject: "\(key)", actor: actor, address: address, details: ["name": name])
    }

    static func keyRotated(_ key: ID<Key>, tenant: ID<Tenant>, by actor: String, from address: String) -> Self {
        Self(type: "key.rotated", tenant: tenant, subject: "\(key)", actor: actor, address: address)
    }

    static func keyRevoked(_ key: ID<Key>, tenant: ID<Tenant>, by actor: String, from address: String) -> Self {
        Self(type: "key.revoked", tenant: tenant, subject: "\(key)", actor: actor, address: address)
    }

    static func keyExpiring(_ key: ID<Key>, name: String, at time: Date, tenant: ID<Tenant>) -> Self {
        Self(type: "key.expiring", tenant: tenant, subject: "\(key)", details: ["name": name, "expires_at": time.formatted(.iso8601)])
    }

    /// A key that was good, from a network that it is not meant for.
    static func keyRefused(_ key: String, tenant: ID<Tenant>, from address: String) -> Self {
        Self(type: "security.key_refused", tenant: tenant, subject: key, actor: key, address: address)
    }
}

// Signing in
extension SecurityEvent {
    /// - Parameters:
    ///   - subject: `usr_…`; `unknown` for a name that nobody has.
    ///   - reason: a word: `password`, `second_factor`, `key`, `locked`, `unverified`.
    static func signInFailed(_ subject: String, tenant: ID<Tenant>?, from address: String, reason: String) -> Self {
        Self(type: "security.sign_in_failed", tenant: tenant, subject: subject, address: address, details: ["reason": reason])
    }

    /// An ID token of a CI that was not exchanged.
    /// - Parameters:
    ///   - issuer: one that the organization trusts; others are nobody's business.
    ///   - reason: a word: `signature`, `replayed`, `not_trusted`, …
    static func exchangeRefused(_ issuer: String, tenant: ID<Tenant>, from address: String, reason: String) -> Self {
        Self(
            type: "security.exchange_refused", tenant: tenant, subject: issuer, address: address, details: ["reason": reason])
    }

    static func lockedOut(_ user: ID<User>, tenant: ID<Tenant>, from address: String, until time: Date) -> Self {
        Self(type: "security.locked_out", tenant: tenant, subject: "\(user)", address: address, details: ["until": time.formatted(.iso8601)])
    }

    /// A refresh token came a second time: somebody has copied it. The session is over.
    static func refreshReused(session: ID<Session>, user: ID<User>, tenant: ID<Tenant>, from address: String) -> Self {
        Self(type: "security.refresh_reused", tenant: tenant, subject: "\(session)", actor: "\(user)", address: address)
    }

    static func impersonationStarted(
        of user: ID<User>, tenant: ID<Tenant>, by actor: String, from address: String, until time: Date, reason: String
    ) -> Self {
        Self(
            type: "security.impersonation_started", tenant: tenant, subject: "\(user)", actor: actor, address: address,
            details: ["until": time.formatted(.iso8601), "reason": reason])
    }

    static func impersonationEnded(of user: ID<User>, tenant: ID<Tenant>, by actor: String) -> Self {
        Self(type: "security.impersonation_ended", tenant: tenant, subject: "\(user)", actor: actor)
    }
}

// Reaching for what is not theirs
extension SecurityEvent {
    /// - Parameter code: of the fault, such as `auth.scope_missing`.
    static func permissionRefused(_ code: String, tenant: ID<Tenant>, actor: String, from address: String) -> Self {
        Self(type: "security.permission_refused", tenant: tenant, subject: code, actor: actor, address: address)
    }

    /// An id that the caller's organization does not have: another's, or one that is gone; the two look alike on purpose (T66). One is a stale
    /// link, ten in a minute are somebody who tries.
    static func unknownObject(_ code: String, tenant: ID<Tenant>, actor: String, from address: String) -> Self {
        Self(type: "security.unknown_object", tenant: tenant, subject: code, actor: actor, address: address, threshold: 10)
    }

    /// For keeping elsewhere; see `AuditCheckpoint` for what is signed.
    static func auditCheckpoint(number: Int64, hash: String, at: String, publicKey: Data, signature: Data, tenant: ID<Tenant>) -> Self {
        Self(
            type: "audit.checkpoint", tenant: tenant, subject: "\(number)",
            details: [
                "type": "checkpoint", "organization": "\(tenant)", "number": "\(number)", "hash": hash, "at": at,
                "public_key": publicKey.base64EncodedString(), "signature": signature.base64EncodedString(),
            ])
    }

    /// The audit log is not as it was written.
    static func auditBroken(tenant: ID<Tenant>, at number: Int64, finding: String) -> Self {
        Self(type: "security.audit_broken", tenant: tenant, subject: "\(number)", details: ["finding": finding])
    }
}
