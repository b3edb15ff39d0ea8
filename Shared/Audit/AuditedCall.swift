import Primitives
import Synchronization

/// The call that is being served, as far as the audit log is concerned. Bound by ServiceKit's server interceptor for methods whose contract says
/// `audit:`, so that a store names only what it did: `try await tx.audit(project.id)`.
package final class AuditedCall: Sendable {
    @TaskLocal package static var current: AuditedCall?

    /// From the contract: `run.started`.
    package let action: String
    /// Empty in public methods, which say who it was when they leave their entry.
    package let actor: String
    /// Who acts in the actor's place; becomes a detail of the entry.
    package let impersonator: String?
    package let requestID: String
    package let address: String

    private let settled = Atomic(false)

    package init(action: String, actor: String, impersonator: String? = nil, requestID: String, address: String) {
        self.action = action
        self.actor = actor
        self.impersonator = impersonator
        self.requestID = requestID
        self.address = address
    }

    /// Whether the call has left an entry or has said why not. One that succeeds without is a mistake in the store that it went to.
    package var isSettled: Bool { settled.load(ordering: .relaxed) }

    func settle() { settled.store(true, ordering: .relaxed) }

    /// For calls that changed nothing, because they are a repetition (same idempotency key, same content) or found things as they were to be: the
    /// first one has left the entry.
    package static func changedNothing() { current?.settle() }
}

extension Fault {
    /// In debug builds only: tests find what release builds count in the metric `audit_entries_missing`.
    package static func auditEntryMissing(_ action: String) -> Fault {
        Fault(
            .internal, "audit.entry_missing",
            "The contract says `audit: \"\(action)\"`, and the call left no entry: call tx.audit(…) in the transaction of the act, "
                + "or AuditedCall.changedNothing() where it was a repetition.")
    }
}
