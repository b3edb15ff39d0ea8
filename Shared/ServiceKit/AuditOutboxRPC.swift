import Audit
import AuditAPI
import AuditChain
import CommonAPI
import GRPCCore
import Primitives
import SwiftProtobuf

/// `assay.audit.v1.AuditOutbox`, which every service serves: the gateway collects what was audited here.
struct AuditOutboxRPC: PBAuditOutbox.SimpleServiceProtocol {
    let outbox: AuditOutbox

    func listAuditNotes(request: PBListAuditNotesRequest, context: ServerContext) async throws -> PBListAuditNotesResponse {
        let after = request.after.isEmpty ? nil : try ID<AuditRecord>(request.after, field: "after")
        let notes = try await outbox.list(after: after, limit: request.limit == 0 ? AuditOutbox.maxBatch : Int(request.limit))
        return .with { $0.notes = notes.map(PBAuditNote.init) }
    }

    func acknowledgeAuditNotes(request: PBAcknowledgeAuditNotesRequest, context: ServerContext) async throws -> PBEmpty {
        try await outbox.acknowledge(
            request.notes.map { (tenant: try ID($0.organization, field: "/notes/organization"), id: try ID($0.id, field: "/notes/id")) })
        return PBEmpty()
    }
}

extension PBAuditNote {
    fileprivate init(_ pending: PendingAuditNote) {
        self.init()
        organization = pending.tenant.description
        id = pending.id.description
        at = Google_Protobuf_Timestamp(milliseconds: pending.at)
        action = pending.note.action
        actor = pending.note.actor
        subject = pending.note.subject
        project = pending.note.project
        details = pending.note.details
        requestID = pending.note.requestID
        address = pending.note.address
    }
}
