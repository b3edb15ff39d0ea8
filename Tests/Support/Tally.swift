import Synchronization

/// Counts across tasks.
package final class Tally: Sendable {
    private let value = Atomic(0)

    package init() {}

    package var count: Int { value.load(ordering: .acquiring) }

    /// - Returns: the new count.
    @discardableResult
    package func add(_ amount: Int = 1) -> Int { value.add(amount, ordering: .acquiringAndReleasing).newValue }
}
