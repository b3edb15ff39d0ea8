import Crypto
import Foundation
import Primitives

/// The keys that make and check caller tokens, and the name under which this process signs.
///
/// All services share one signing key. During a rotation the previous key is still accepted, so services may restart one by one.
package struct CallerKeys: Sendable {
    package static let minBytes = 32

    let service: String
    private let signing: SymmetricKey
    private let accepted: [SymmetricKey]
    private let verified: RecentCache<String, Verified>

    /// What a token says, once checked.
    struct Verified: Sendable {
        let identity: CallerIdentity
        /// The service that made the call.
        let issuer: String
        let expires: Date
    }

    /// - Parameters:
    ///   - service: the name of this process; tokens for another service are refused.
    ///   - previous: accepted, never used to sign.
    package init(service: String, key: Secret<Data>, previous: Secret<Data>? = nil) {
        precondition(key.reveal().count >= Self.minBytes, "ServiceConfig checks the length")
        self.service = service
        signing = SymmetricKey(data: key.reveal())
        accepted = [signing] + (previous.map { [SymmetricKey(data: $0.reveal())] } ?? [])
        // 2 × 2,048 tokens of some 400 bytes: 2 MB for a gateway's worth of active keys.
        verified = RecentCache(capacity: 2048)
    }

    /// The token that proves `identity` to `audience`; signed once a minute, otherwise remembered.
    func token(for identity: CallerIdentity, audience: String, now: Date = Date()) throws(Fault) -> String {
        do {
            return try identity.token(issuer: service, audience: audience, now: now) {
                let token = CallerToken(identity, issuer: service, audience: audience, expires: now + CallerToken.lifetime)
                return (try token.signed(with: signing), now + CallerToken.lifetime / 2)
            }
        } catch let fault as Fault {
            throw fault
        } catch {
            throw .tokenUnsignable
        }
    }

    /// A token seen before costs a look-up; only good ones are remembered, so that a flood of bad ones cannot push good ones out.
    func verify(_ token: String, now: Date = Date()) throws(CallerToken.Refusal) -> Verified {
        if let known = verified[token] {
            guard known.expires > now else { throw .expired }
            return known
        }
        let checked = try CallerToken(token, audience: service, keys: accepted, now: now)
        let fresh = Verified(
            identity: try checked.identity(), issuer: checked.issuer, expires: Date(timeIntervalSince1970: checked.expires))
        verified.insert(fresh, for: token)
        return fresh
    }
}
