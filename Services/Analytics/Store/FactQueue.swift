import Foundation
import Primitives
import Synchronization

/// Where deliveries of one project wait for each other. What waits when the one before is stored goes to PostgreSQL together: then a test that stands in
/// all of them is read and written once, so the more there is to do the less each costs.
///
/// A delivery is answered when it is stored. Waiting here needs no connection: those are for other projects, and for whoever reads.
final class FactQueue: Sendable {
    /// Facts of one transaction, unless a single batch has more.
    static let mostFacts = 15_000
    /// Deliveries of a project that wait. A sender waits for the answer to each, and has a few at most under way.
    static let mostWaiting = 64

    private struct Key: Hashable {
        let tenant: ID<Tenant>
        let project: ID<Project>
    }

    private struct Waiting {
        let batch: FactBatch
        let continuation: CheckedContinuation<Void, any Error>
    }

    private let facts: FactStore
    /// Of projects that are being stored.
    private let waiting = Mutex<[Key: [Waiting]]>([:])

    init(facts: FactStore) { self.facts = facts }

    /// Returns when the batch is stored.
    /// - Throws: `facts.busy`, and what storing it throws.
    func insert(_ batch: FactBatch, tenant: ID<Tenant>) async throws {
        let key = Key(tenant: tenant, project: batch.project)
        try await withCheckedThrowingContinuation { continuation in
            let (isFirst, isFull) = waiting.withLock { waiting in
                guard let others = waiting[key] else {
                    waiting[key] = [Waiting(batch: batch, continuation: continuation)]
                    return (true, false)
                }
                guard others.count < Self.mostWaiting else { return (false, true) }
                waiting[key, default: []].append(Waiting(batch: batch, continuation: continuation))
                return (false, false)
            }
            if isFull { continuation.resume(throwing: Fault.unavailable("facts.busy", "Too many deliveries of this project are waiting.")) }
            if isFirst { Task { await self.drain(key) } }
        }
    }

    private func drain(_ key: Key) async {
        while let group = next(key) {
            do {
                try await facts.insert(group.map(\.batch), tenant: key.tenant)
                for one in group { one.continuation.resume() }
            } catch  where group.count > 1 {
                // None of them is to fail for another's sake.
                for one in group {
                    do {
                        try await facts.insert([one.batch], tenant: key.tenant)
                        one.continuation.resume()
                    } catch {
                        one.continuation.resume(throwing: error)
                    }
                }
            } catch {
                for one in group { one.continuation.resume(throwing: error) }
            }
        }
    }

    /// The next to be stored together; `nil` ends the project's turn.
    private func next(_ key: Key) -> [Waiting]? {
        waiting.withLock { waiting in
            let all = waiting[key] ?? []
            guard !all.isEmpty else {
                waiting[key] = nil
                return nil
            }
            var facts = 0
            let count = all.prefix { one in
                defer { facts += one.batch.facts.count }
                return facts == 0 || facts + one.batch.facts.count <= Self.mostFacts
            }.count
            waiting[key] = Array(all.dropFirst(count))
            return Array(all.prefix(count))
        }
    }
}
