import AuditChain
import Foundation
import Postgres
import Primitives

extension Transaction {
    /// Leaves the entry of the audited call that is being served; it becomes true with whatever else this transaction makes true. Where no such call
    /// is being served, as when a worker uses the same store, nothing is written.
    ///
    /// - Parameters:
    ///   - subject: id of what it was done to.
    ///   - project: id of the project that it belongs to, in text; who is bound to projects sees no other entries.
    ///   - details: what else somebody will want to know in a year; no secrets. Long values are cut at 500 characters.
    ///   - tenant: where the transaction is not that organization's own.
    ///   - actor: where the caller is not known before, as when somebody signs in.
    package func audit(
        _ subject: some CustomStringConvertible, project: (any CustomStringConvertible)? = nil, details: [String: String] = [:],
        tenant: ID<Tenant>? = nil, actor: (any CustomStringConvertible)? = nil
    ) async throws {
        guard let call = AuditedCall.current else { return }
        var details = details
        if let impersonator = call.impersonator { details["impersonator"] = impersonator }
        try await audit(
            AuditNote(
                action: call.action, actor: actor.map { "\($0)" } ?? (call.actor.isEmpty ? "anonymous" : call.actor), subject: "\(subject)",
                project: project.map { "\($0)" } ?? "", details: details, requestID: call.requestID, address: call.address), tenant: tenant)
        call.settle()
    }

    /// An entry of its own, for acts that are no calls of a contract: a form of a page, a job.
    package func audit(_ note: AuditNote, tenant: ID<Tenant>? = nil) async throws {
        guard let tenant = tenant ?? self.tenant else {
            throw Fault(.internal, "audit.organization_missing", "An entry of the audit log needs to say whose it is.")
        }
        try await execute(
            """
            insert into audit_outbox (tenant_id, id, action, actor, subject, project, details, request_id, address)
            values (\(tenant), \(ID<AuditRecord>.new()), \(note.action), \(note.actor), \(note.subject), \(note.project),
                    \(try JSONText(encoding: note.details)), \(note.requestID), \(note.address))
            """)
    }
}
