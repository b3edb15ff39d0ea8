import Configuration
import Foundation
import Outbound
import Primitives
import Sealing
import ServiceKit

/// Every setting of this service.
struct NotificationsConfig: Sendable {
    /// ASSAY_NOTIFICATIONS_EGRESS_ALLOW: networks that webhooks may reach although they are private or loopback, as a list of CIDRs.
    /// Empty by default: then only public addresses over https on port 443 are open. Inside these networks http and other ports are too.
    let egress: EgressPolicy

    /// ASSAY_NOTIFICATIONS_SMTP_URL: the relay that takes mail, `smtps://host[:465]` or `smtp://host[:587]`; ASSAY_NOTIFICATIONS_SMTP_USER and
    /// ASSAY_NOTIFICATIONS_SMTP_PASSWORD(_FILE) where it asks for them; ASSAY_NOTIFICATIONS_SMTP_PLAIN=true for one that speaks no TLS, such as one on
    /// the same machine; ASSAY_NOTIFICATIONS_SMTP_AUTHORITIES: a PEM file, where its certificate is of a private authority.
    /// ASSAY_NOTIFICATIONS_MAIL_FOLDER: without a relay, where mails are written as files. Without either no mail is taken.
    let mail: MailRoute?

    /// ASSAY_NOTIFICATIONS_SMTP_FROM: address of the sender; needed with a relay.
    let mailFrom: String

    /// ASSAY_NOTIFICATIONS_PUBLIC_URL: how people reach Assay, for links in what others show, such as check runs of GitHub. Without it there are none.
    let publicURL: String?

    /// ASSAY_NOTIFICATIONS_SEALING_KEY_FILE (`notifications.sealing.key.file`): the key behind the keys that seal webhook secrets.
    let sealing: SealingConfig
    /// For what does not stay, such as a mail until it is sent.
    var sealer: Sealer { sealing.sealer }

    /// - Throws: `config.…` in words for the operator.
    init(_ reader: ConfigReader) throws {
        let networks = try Network.list(reader.string(forKey: "notifications.egress.allow", default: ""))
        egress = EgressPolicy(
            allowedNetworks: networks, ports: .only([443]), schemes: networks.isEmpty ? [.https] : [.http, .https], maximumRedirects: 0,
            allowsDowngrade: false)
        let url = reader.string(forKey: "notifications.public.url")
        guard url.map({ $0.hasPrefix("https://") || $0.hasPrefix("http://") }) ?? true else {
            throw Fault(.invalid, "config.public_url", "ASSAY_NOTIFICATIONS_PUBLIC_URL must start with https:// or http://")
        }
        publicURL = url.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        let from = reader.string(forKey: "notifications.smtp.from")
        mailFrom = from ?? "assay@localhost"
        mail = try Self.route(reader, from: from)
        sealing = try SealingConfig(reader, service: "notifications")
    }

    /// The relay is the operator's own choice, so it may be on a private network, where most are; never on one of the special ranges beside those.
    private static let relayNetworks = ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]

    private static func route(_ reader: ConfigReader, from: String?) throws -> MailRoute? {
        guard let url = reader.string(forKey: "notifications.smtp.url") else {
            return reader.string(forKey: "notifications.mail.folder").map { .folder(URL(filePath: $0)) }
        }
        guard let from, MailMessage.isAddress(from) else {
            throw Fault(.invalid, "config.smtp", "Set ASSAY_NOTIFICATIONS_SMTP_FROM to the address that mails come from.")
        }
        do {
            let relay = try MailRelay(
                url, isPlain: reader.bool(forKey: "notifications.smtp.plain", default: false),
                user: reader.string(forKey: "notifications.smtp.user"), password: try reader.secret(forKey: "notifications.smtp.password"))
            let networks = try relayNetworks.map { try Network($0) }
            return .relay(
                MailClient(
                    relay: relay, policy: EgressPolicy(allowedNetworks: networks, ports: .mail),
                    authorities: reader.string(forKey: "notifications.smtp.authorities")))
        } catch let error as OutboundError {
            throw Fault(.invalid, "config.smtp", "ASSAY_NOTIFICATIONS_SMTP_URL: \(error.detail)")
        }
    }
}
