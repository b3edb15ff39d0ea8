import Audit
import GRPCCore
import Logging
import Metrics
import Primitives

/// What becomes of a call that the contract says is audited, that succeeded, and that left no entry.
package enum MissingAuditEntry: Sendable {
    /// It fails, so that no test of it can pass.
    case fails
    /// It is counted in `audit_entries_missing` and logged as an error: what was done is done.
    case counted

    package static var standard: Self {
        #if DEBUG
        .fails
        #else
        .counted
        #endif
    }
}

/// Binds what the audit log needs to know of a call, and sees to it that the entry is not forgotten.
struct AuditCheck: Sendable {
    let missing: MissingAuditEntry
    let logger: Logger

    /// - Throws: `audit.entry_missing`, and what `work` throws.
    func served<R>(_ method: MethodTable.Entry, _ call: CallContext, _ work: () async throws -> R) async throws -> R {
        guard let action = method.audit else { return try await work() }
        let audited = AuditedCall(
            action: action, actor: call.caller?.actor ?? "", impersonator: call.caller?.impersonator, requestID: call.requestID,
            address: call.address)
        let result = try await AuditedCall.$current.withValue(audited) { try await work() }
        guard audited.isSettled else {
            if missing == .fails { throw Fault.auditEntryMissing(action) }
            Counter(label: "audit_entries_missing", dimensions: [("method", method.name)]).increment()
            logger.error("an audited call left no entry", metadata: ["method": "\(method.name)", "action": "\(action)"])
            return result
        }
        return result
    }
}
