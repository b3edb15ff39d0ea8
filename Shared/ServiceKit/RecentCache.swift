import Synchronization

/// A bounded map that forgets what was not used lately: two generations, and when the young one is full the old one is dropped.
///
/// Holds at most `2 × capacity` entries. Every operation takes constant time under one lock.
package final class RecentCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        var young: [Key: Value] = [:]
        var old: [Key: Value] = [:]
    }

    private let state = Mutex(State())
    private let capacity: Int

    package init(capacity: Int) {
        self.capacity = capacity
    }

    package subscript(key: Key) -> Value? {
        state.withLock { state in
            if let value = state.young[key] { return value }
            guard let value = state.old[key] else { return nil }
            insert(value, for: key, into: &state)
            return value
        }
    }

    package func insert(_ value: Value, for key: Key) {
        state.withLock { insert(value, for: key, into: &$0) }
    }

    /// `make` runs outside the lock, so two tasks may both make a value; the later one stays.
    func value(for key: Key, make: () throws -> Value) rethrows -> Value {
        if let value = self[key] { return value }
        let value = try make()
        insert(value, for: key)
        return value
    }

    var count: Int { state.withLock { $0.young.count + $0.old.count } }

    private func insert(_ value: Value, for key: Key, into state: inout State) {
        if state.young.count >= capacity {
            state.old = state.young
            state.young = [:]
        }
        state.young[key] = value
    }
}
