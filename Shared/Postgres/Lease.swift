import Foundation
import Primitives
import Synchronization

/// A connection's thread, lent to one transaction.
final class Lease: Sendable {
    private enum Step: Sendable {
        case call(Call)
        case end(rollback: Bool)
    }

    /// One statement at a time is the rule; more than a few waiting means that a transaction is used from many tasks at once.
    private let steps = WorkQueue<Step>(limit: 64)
    private let taken = Atomic(false)

    var isTaken: Bool { taken.load(ordering: .acquiring) }

    func markTaken() { taken.store(true, ordering: .releasing) }

    func run<R: Sendable>(_ body: @escaping @Sendable (Connection) throws -> R) async throws -> R {
        let call = Call()
        return try await call.value {
            guard case .accepted = self.steps.push(.call(call)) else { throw Fault(.internal, "internal", "A transaction was used after its end.") }
        } running: {
            try body($0)
        }
    }

    func end() { _ = steps.push(.end(rollback: false)) }

    func endRollingBack(_ rollback: Bool) { _ = steps.push(.end(rollback: rollback)) }

    /// On the owning thread, until the transaction ends.
    func serve(_ connection: Connection) {
        var cancelled = false
        while let step = steps.pop() {
            switch step {
            case .call(let call):
                // A late cancellation must not hit the next statement; it is absorbed before the transaction goes on or rolls back.
                if call.run(on: connection) { cancelled = true }
            case .end(let rollback):
                steps.close()
                if cancelled { _ = try? connection.roundTrip(["select pg_sleep(0)"]) }
                if rollback, !connection.isBroken { try? connection.rollback() }
                return
            }
        }
    }
}
