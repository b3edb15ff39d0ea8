import Foundation
import Jobs
import Mustache
import NotificationsAPI
import Postgres
import Primitives
import Sealing
import ServiceKit
import SwiftProtobuf
import Synchronization

/// Posts letters: a job in the transaction of the act, which brings the mail to Notifications. Links in mails are secrets, so a job's payload is sealed.
final class Mailer: Sendable {
    /// How long it is believed that mail can be sent, or cannot.
    private static let memory: TimeInterval = 30

    /// How browsers reach the gateway, for links; without a slash at the end.
    let site: String
    private let jobs: JobQueue
    private let vault: Vault
    private let template: MustacheTemplate
    private let notifications: any PBMail.ClientProtocol
    private let status = Mutex<(isConfigured: Bool, until: Date)>((true, .distantPast))

    /// - Throws: when the template is not in the bundle, or wrong, which is a mistake in the package.
    init(site: String, jobs: JobQueue, vault: Vault, notifications: any PBMail.ClientProtocol) throws {
        self.site = site.hasSuffix("/") ? String(site.dropLast()) : site
        self.jobs = jobs
        self.vault = vault
        self.notifications = notifications
        _ = HTMLText.register
        guard let file = Bundle.module.url(forResource: "letter", withExtension: "mustache", subdirectory: "Mail") else {
            throw PageTemplateError(template: "letter", reason: "is missing")
        }
        let text = try String(contentsOf: file, encoding: .utf8)
        template = try MustacheTemplate(string: "{{% CONTENT_TYPE: \(HTMLText.name)}}" + text)
    }

    /// A letter that is ready for the post.
    struct Posting: Sendable {
        fileprivate let payload: SendMail.Payload
    }

    /// Writes and seals a letter; done before the transaction that posts it, because sealing may ask the database.
    func write(_ letter: Letter, to address: EmailAddress) async throws -> Posting {
        let id = UUID()
        let mail = SendMail.Mail(to: address.text, subject: letter.subject, text: letter.text, html: template.render(letter))
        return Posting(payload: .init(id: id, sealed: try await vault.seal(try JSONEncoder().encode(mail), SendMail.context(id))))
    }

    /// Posts a letter in the transaction of the act that it tells of: it goes out if and only if that becomes true.
    func post(_ posting: Posting, in tx: Transaction) async throws {
        try await jobs.enqueue(posting.payload, tenant: .installation, in: tx)
    }

    func post(_ posting: Posting) async throws {
        try await jobs.enqueue(posting.payload, tenant: .installation)
    }

    /// Asks before an act that is pointless without mail. When Notifications does not answer, mail will wait for it.
    /// - Throws: `mail.not_configured`.
    func requireConfigured(now: Date = Date()) async throws {
        let known = status.withLock { $0.until > now ? $0.isConfigured : nil }
        if let known {
            guard known else { throw Fault.mailUnavailable }
            return
        }
        guard
            let answer = try? await Caller.with(
                .service("gateway", tenant: .installation),
                operation: {
                    try await notifications.getMailStatus(PBGetMailStatusRequest())
                })
        else { return }
        status.withLock { $0 = (answer.configured, now.addingTimeInterval(Self.memory)) }
        guard answer.configured else { throw Fault.mailUnavailable }
    }
}

/// Brings a mail to Notifications, which delivers it.
struct SendMail: JobHandler {
    struct Payload: JobPayload {
        static let kind = "send-mail"

        /// The same in every try; Notifications takes a mail once.
        let id: UUID
        let sealed: Data
    }

    struct Mail: Codable, Sendable {
        let to: String
        let subject: String
        let text: String
        let html: String
    }

    let vault: Vault
    let notifications: any PBMail.ClientProtocol

    static func context(_ id: UUID) -> SealContext {
        SealContext(tenant: .installation, table: "jobs", column: "payload", row: id)
    }

    func handle(_ payload: Payload, _ job: Job) async throws {
        let mail = try JSONDecoder().decode(Mail.self, from: try await vault.open(payload.sealed, Self.context(payload.id)))
        _ = try await notifications.sendMail(
            .with {
                $0.id = payload.id.uuidString.lowercased()
                $0.to = mail.to
                $0.subject = mail.subject
                $0.text = mail.text
                $0.html = mail.html
            })
    }
}
