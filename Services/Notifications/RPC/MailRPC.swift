import CommonAPI
import Foundation
import GRPCCore
import Jobs
import NotificationsAPI
import Primitives
import Sealing
import ServiceKit
import SwiftProtobuf

/// `assay.notifications.v1.Mail`: where other services hand in what is to be mailed.
struct MailRPC: PBMail.SimpleServiceProtocol {
    let jobs: JobQueue
    let sealer: Sealer
    /// Where mail goes; `nil` when nobody has said.
    let route: MailRoute?

    func sendMail(request: PBSendMailRequest, context: ServerContext) async throws -> PBEmpty {
        guard route != nil else { throw Fault.mailNotConfigured }
        guard let id = UUID(uuidString: request.id) else { throw Fault.invalidField("/id", "invalid", "The id of a mail is a UUID.") }
        let mail = try MailMessage(to: request.to, subject: request.subject, text: request.text, html: request.html)
        let tenant = Caller.current.tenant
        let payload = DeliverMail.Payload(id: id, sealed: try DeliverMail.seal(mail, id: id, tenant: tenant, with: sealer))
        try await jobs.enqueue(payload, tenant: tenant, key: id.uuidString)
        return PBEmpty()
    }

    func getMailStatus(request: PBGetMailStatusRequest, context: ServerContext) async throws -> PBMailStatus {
        .with { $0.configured = route != nil }
    }
}
