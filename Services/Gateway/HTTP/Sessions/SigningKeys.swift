import Crypto
import Foundation
import Logging
import Primitives
import Sealing
import Synchronization

/// The keys of access tokens as this gateway knows them: read every minute, and when a token names one that is not there, at most once a minute, so
/// that inventing names costs the database nothing (T45).
final class SigningKeys: Sendable {
    static let pause: TimeInterval = 60

    private let store: SigningKeyStore
    private let vault: Vault
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var schedule = SigningSchedule([])
        var publicKeys: [String: P256.Signing.PublicKey] = [:]
        var readAt = Date.distantPast
    }

    init(store: SigningKeyStore, vault: Vault, logger: Logger) {
        self.store = store
        self.vault = vault
        self.logger = logger
    }

    /// Reads them all, makes one when it is time, and drops what no token needs any more.
    func refresh(now: Date = Date()) async throws {
        var (schedule, newest) = try await read()
        // Another gateway may be faster; then its key is there at the second look.
        for _ in 0..<3 where schedule.needsKey(at: now) {
            let key = SigningKey(now: now)
            let sealed = try await vault.seal(key.privateKey.reveal().rawRepresentation, Self.context(key.id))
            if try await store.insert(.init(id: key.id, sealed: sealed, createdAt: now), after: newest) {
                logger.notice("a new key signs access tokens", metadata: ["key": "\(key.id)"])
            }
            (schedule, newest) = try await read()
        }
        let expired = schedule.expired(at: now).map(\.id)
        if !expired.isEmpty { try await store.delete(expired) }
        let known = SigningSchedule(schedule.keys.filter { !expired.contains($0.id) })
        state.withLock { state in
            state.schedule = known
            state.publicKeys = Dictionary(known.keys.map { ($0.id, $0.publicKey) }) { first, _ in first }
            state.readAt = now
        }
    }

    /// - Throws: `auth.no_signing_key` when there is none, which only a broken seal can bring about.
    func signing(now: Date = Date()) async throws -> SigningKey {
        if let key = state.withLock({ $0.schedule.signing(at: now) }) { return key }
        try await refresh(now: now)
        guard let key = state.withLock({ $0.schedule.signing(at: now) }) else { throw Fault.noSigningKey }
        return key
    }

    func publicKey(_ id: String) -> P256.Signing.PublicKey? { state.withLock { $0.publicKeys[id] } }

    /// - Returns: whether it is worth looking again.
    func refreshForUnknown(now: Date = Date()) async throws -> Bool {
        let mayRead = state.withLock { state in
            guard now.timeIntervalSince(state.readAt) >= Self.pause else { return false }
            // Whoever comes meanwhile does not read as well.
            state.readAt = now
            return true
        }
        if mayRead { try await refresh(now: now) }
        return mayRead
    }

    /// The document at `/.well-known/jwks.json` (RFC 7517, section 5).
    func document() async throws -> String {
        _ = try await signing()
        return #"{"keys":["# + state.withLock { $0.schedule.keys.map(\.jwk).joined(separator: ",") } + "]}"
    }

    private func read() async throws -> (SigningSchedule, newest: String?) {
        let stored = try await store.list()
        var keys: [SigningKey] = []
        for row in stored {
            do {
                let raw = try await vault.open(row.sealed, Self.context(row.id))
                keys.append(SigningKey(try P256.Signing.PrivateKey(rawRepresentation: raw), createdAt: row.createdAt))
            } catch {
                // Another one is made in its place; tokens that it signed are refused.
                logger.error("a signing key cannot be opened", metadata: ["key": "\(row.id)", "cause": "\(error)"])
            }
        }
        return (SigningSchedule(keys), stored.first?.id)
    }

    private static func context(_ id: String) -> SealContext {
        SealContext(
            tenant: .installation, table: "signing_keys", column: "sealed", row: .version8(digest: SHA256.hash(data: Data(id.utf8))))
    }
}

extension Fault {
    static let noSigningKey = Fault(.internal, "auth.no_signing_key", "There is no key that signs access tokens.")
}
