import Synchronization
import TestSupport

/// Holds handlers until the test lets them go on.
final class Gate: Sendable {
    private let isOpen = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }

    /// - Throws: `CancellationError`.
    func pass() async throws {
        while !isOpen.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// The same for a handler that takes no notice of being cancelled.
    func passStubbornly() async {
        while !isOpen.withLock({ $0 }) { await Task.detached { try? await Task.sleep(for: .milliseconds(5)) }.value }
    }
}
