import Primitives
import Synchronization

/// Principals by the digest of their key or session, for a few seconds: what bounds how long a revoked key still works, and what keeps the
/// database out of the hot path. One look-up at a time for one digest, whoever else asks waits for it.
final class PrincipalCache: Sendable {
    /// A revocation is effective everywhere within 5 seconds; one is kept for the look-up itself.
    static let lifetime: Int64 = 4_000_000_000
    static let capacity = 20_000

    private enum Entry {
        case known(Principal, until: Int64)
        case loading(Task<Principal?, any Error>)
    }

    private let entries = Mutex<[SecretDigest: Entry]>([:])

    /// What is known now, without waiting. `now` is monotonic nanoseconds.
    func known(_ digest: SecretDigest, now: Int64) -> Principal? {
        entries.withLock { entries in
            guard case .known(let principal, let until) = entries[digest], until > now else { return nil }
            return principal
        }
    }

    /// Whether it was good a short while ago: reason enough to look it up again whatever its sender's neighbours do.
    func hasKnown(_ digest: SecretDigest) -> Bool {
        entries.withLock { $0[digest] != nil }
    }

    /// Looks it up with `load`, which answers nil for what does not exist. Nothing unknown is kept: guesses must not fill the cache.
    func principal(_ digest: SecretDigest, now: Int64, load: @escaping @Sendable () async throws -> Principal?) async throws -> Principal? {
        let task = entries.withLock { entries -> Task<Principal?, any Error> in
            if case .loading(let task) = entries[digest] { return task }
            if entries.count >= Self.capacity { Self.forget(&entries, now: now) }
            let task = Task { try await load() }
            entries[digest] = .loading(task)
            return task
        }
        do {
            let principal = try await task.value
            store(principal, for: digest, loadedBy: task, now: now)
            return principal
        } catch {
            store(nil, for: digest, loadedBy: task, now: now)
            throw error
        }
    }

    /// Counts from before the look-up, so that the time it took is not added to the life of a revoked key.
    private func store(_ principal: Principal?, for digest: SecretDigest, loadedBy task: Task<Principal?, any Error>, now: Int64) {
        entries.withLock { entries in
            guard case .loading(task) = entries[digest] else { return }
            entries[digest] = principal.map { .known($0, until: now + Self.lifetime) }
        }
    }

    /// For sign-out: this gateway forgets at once, others within their lifetime.
    func forget(_ digest: SecretDigest) {
        entries.withLock { _ = $0.removeValue(forKey: digest) }
    }

    private static func forget(_ entries: inout [SecretDigest: Entry], now: Int64) {
        let fresh = entries.filter { entry in
            guard case .known(_, let until) = entry.value else { return true }
            return until > now
        }
        // All of them in use within four seconds: starting over costs each one look-up.
        entries = fresh.count < capacity ? fresh : entries.filter { if case .loading = $0.value { true } else { false } }
    }
}
