import Foundation
import Jobs
import Outbound
import Primitives
import Sealing

/// Where mail goes.
enum MailRoute: Sendable {
    case relay(MailClient)
    /// Files in a folder, for an installation without a relay: whoever runs it reads them there.
    case folder(URL)
}

/// Brings a mail to the relay. Mails hold links that are secrets, so what waits is sealed.
struct DeliverMail: JobHandler {
    struct Payload: JobPayload {
        static let kind = "deliver-mail"

        let id: UUID
        let sealed: Data
    }

    /// As many connections to the relay at once.
    static var concurrency: Int { 2 }
    static var timeLimit: Duration { .seconds(90) }

    let sealer: Sealer
    let route: MailRoute?
    /// Address of the sender.
    let from: String

    private struct Content: Codable {
        let to: String
        let subject: String
        let text: String
        let html: String
    }

    static func seal(_ mail: MailMessage, id: UUID, tenant: ID<Tenant>, with sealer: Sealer) throws -> Data {
        let content = Content(to: mail.to, subject: mail.subject, text: mail.text, html: mail.html)
        return sealer.seal(try JSONEncoder().encode(content), context: context(id, tenant))
    }

    private static func context(_ id: UUID, _ tenant: ID<Tenant>) -> SealContext {
        SealContext(tenant: tenant, table: "jobs", column: "payload", row: id)
    }

    func handle(_ payload: Payload, _ job: Job) async throws {
        let opened = try sealer.open(payload.sealed, context: Self.context(payload.id, job.tenant))
        let content = try JSONDecoder().decode(Content.self, from: opened)
        let mail = try MailMessage(to: content.to, subject: content.subject, text: content.text, html: content.html)
        let id = payload.id.uuidString.lowercased()
        // The date is that of the act, whatever the relay made of the first tries.
        let data = mail.data(from: from, id: id, date: job.enqueuedAt)
        switch route {
        case .relay(let client):
            do {
                try await client.send(data, from: from, to: mail.to)
            } catch {
                throw error.isPassing ? Fault.unavailable("mail.not_taken", error.detail) : Fault(.invalid, "mail.refused", error.detail)
            }
        case .folder(let folder):
            // Beside the name and renamed, so that nobody reads half a mail.
            try data.write(to: folder.appending(path: "\(id).eml"), options: .atomic)
        case nil: throw Fault.mailNotConfigured
        }
    }
}
