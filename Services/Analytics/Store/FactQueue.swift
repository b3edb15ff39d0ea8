import Foundation
import Primitives
import Synchronization

/// Where deliveries of one project wait for each other. What waits when the one before is stored goes to PostgreSQL together: then a test that stands in
/// all of them is read and written once, so the more there is to do the less each costs.
///
/// A delivery is answered when it is stored. Waiting here needs no connection: those are for other projects, and for whoever reads.
final class FactQueue: Sendable {
    /// Facts, or messages, of one transaction, unless a single delivery has more.
    static let mostFacts = 15_000
    /// Deliveries of a project that wait. A sender waits for the answer to each, and has a few at most under way.
    static let mostWaiting = 64
    /// When as many wait, messages come again later: facts go first.
    static let mostWaitingBeforeMessages = 32

    private struct Key: Hashable {
        let tenant: ID<Tenant>
        let project: ID<Project>
    }

    private enum Delivery {
        case facts(FactBatch)
        case messages(MessageBatch)

        var count: Int {
            switch self {
            case .facts(let batch): batch.facts.count
            case .messages(let batch): batch.messages.count
            }
        }

        func isLike(_ other: Delivery) -> Bool {
            switch (self, other) {
            case (.facts, .facts), (.messages, .messages): true
            default: false
            }
        }
    }

    private struct Waiting {
        let delivery: Delivery
        let continuation: CheckedContinuation<Void, any Error>
    }

    private let facts: FactStore
    /// Of projects that are being stored.
    private let waiting = Mutex<[Key: [Waiting]]>([:])

    init(facts: FactStore) { self.facts = facts }

    /// Returns when the batch is stored.
    /// - Throws: `facts.busy`, and what storing it throws.
    func insert(_ batch: FactBatch, tenant: ID<Tenant>) async throws {
        try await wait(.facts(batch), Key(tenant: tenant, project: batch.project), atMost: Self.mostWaiting)
    }

    /// Returns when the messages are stored.
    /// - Throws: `facts.busy`, and what storing them throws.
    func hear(_ batch: MessageBatch, tenant: ID<Tenant>) async throws {
        try await wait(.messages(batch), Key(tenant: tenant, project: batch.project), atMost: Self.mostWaitingBeforeMessages)
    }

    private func wait(_ delivery: Delivery, _ key: Key, atMost most: Int) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let (isFirst, isFull) = waiting.withLock { waiting in
                guard let others = waiting[key] else {
                    waiting[key] = [Waiting(delivery: delivery, continuation: continuation)]
                    return (true, false)
                }
                guard others.count < most else { return (false, true) }
                waiting[key, default: []].append(Waiting(delivery: delivery, continuation: continuation))
                return (false, false)
            }
            if isFull { continuation.resume(throwing: Fault.unavailable("facts.busy", "Too many deliveries of this project are waiting.")) }
            if isFirst { Task { await self.drain(key) } }
        }
    }

    private func drain(_ key: Key) async {
        while let group = next(key) {
            do {
                try await store(group, tenant: key.tenant)
                for one in group { one.continuation.resume() }
            } catch  where group.count > 1 {
                // None of them is to fail for another's sake.
                for one in group {
                    do {
                        try await store([one], tenant: key.tenant)
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

    /// - Parameter group: alike.
    private func store(_ group: [Waiting], tenant: ID<Tenant>) async throws {
        var (batches, messages): ([FactBatch], [MessageBatch]) = ([], [])
        for one in group {
            switch one.delivery {
            case .facts(let batch): batches.append(batch)
            case .messages(let batch): messages.append(batch)
            }
        }
        if batches.isEmpty { try await facts.stabilities.hear(messages, tenant: tenant) } else { try await facts.insert(batches, tenant: tenant) }
    }

    /// The next to be stored together, with what waits behind it of the same kind; `nil` ends the project's turn.
    private func next(_ key: Key) -> [Waiting]? {
        waiting.withLock { waiting in
            let all = waiting[key] ?? []
            guard let first = all.first else {
                waiting[key] = nil
                return nil
            }
            var (group, rest): ([Waiting], [Waiting]) = ([], [])
            var count = 0
            for one in all {
                guard one.delivery.isLike(first.delivery), count == 0 || count + one.delivery.count <= Self.mostFacts else {
                    rest.append(one)
                    continue
                }
                count += one.delivery.count
                group.append(one)
            }
            waiting[key] = rest
            return group
        }
    }
}
