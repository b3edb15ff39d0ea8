import Crypto
import Foundation
import Primitives

/// The text of a refresh token: 256 bits that nobody can guess, in base64url behind `asr_`.
///
/// The first of a session is random. Each further one is computed from the one that it replaces, a random salt in the database and a key of the
/// gateway's: so a repetition of a request can be answered with the very same token without any token being stored. Who has the old token lacks key
/// and salt, who has the database lacks key and token.
struct RefreshToken: Sendable {
    static let prefix = "asr_"

    let secret: Secret<String>

    static func make(using random: inout some RandomNumberGenerator) -> RefreshToken {
        RefreshToken(bytes: Data((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }))
    }

    private init(bytes: Data) { secret = Secret(Self.prefix + bytes.base64URL) }

    /// `nil` for what has another form.
    init?(_ text: String) {
        guard text.hasPrefix(Self.prefix), Data(base64URL: text.dropFirst(Self.prefix.count))?.count == 32 else { return nil }
        secret = Secret(text)
    }

    func successor(salt: Data, key: SymmetricKey) -> RefreshToken {
        RefreshToken(bytes: Data(HMAC<SHA256>.authenticationCode(for: Data(secret.reveal().utf8) + salt, using: key)))
    }
}

/// What follows when a refresh token is shown: a decision on its row (RFC 9700, section 4.14).
enum RefreshDecision: Hashable, Sendable {
    /// It is the latest of its session.
    case rotate
    /// It was replaced a moment ago for the same client, whose connection broke: the answer of then.
    case repeatAnswer
    /// It was replaced: somebody has a copy. The session ends.
    case reuse
    case expired

    static let grace: TimeInterval = 10
    /// Since it was given.
    static let idle: TimeInterval = 14 * 86_400
    /// Since the login.
    static let longest: TimeInterval = 30 * 86_400

    /// - Parameters:
    ///   - client: fingerprint of who shows it; `replacedFor`: of who got its successor.
    ///   - isNewest: whether its successor has not been replaced in turn.
    init(givenAt: Date, replacedAt: Date?, replacedFor: Data?, client: Data, isSuccessorNewest: Bool, sessionEnds: Date, now: Date) {
        guard sessionEnds > now, givenAt.addingTimeInterval(Self.idle) > now else {
            self = .expired
            return
        }
        guard let replacedAt else {
            self = .rotate
            return
        }
        self = replacedAt.addingTimeInterval(Self.grace) >= now && replacedFor == client && isSuccessorNewest ? .repeatAnswer : .reuse
    }
}
