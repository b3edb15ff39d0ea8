import Configuration
import Foundation
import Outbound
import Primitives
import Sealing

/// Every setting of this service.
struct NotificationsConfig: Sendable {
    /// ASSAY_NOTIFICATIONS_EGRESS_ALLOW: networks that webhooks may reach although they are private or loopback, as a list of CIDRs.
    /// Empty by default: then only public addresses over https on port 443 are open. Inside these networks http and other ports are too.
    let egress: EgressPolicy

    /// ASSAY_NOTIFICATIONS_SEALING_KEY_FILE, or ASSAY_NOTIFICATIONS_SEALING_KEY where a file is not possible: base64 of the 32 bytes that
    /// seal webhook secrets. There is no default: without it the secrets would have to be stored in the clear.
    let sealer: Sealer

    /// - Throws: `config.…` in words for the operator.
    init(_ reader: ConfigReader) throws {
        let networks = try Network.list(reader.string(forKey: "notifications.egress.allow", default: ""))
        egress = EgressPolicy(
            allowedNetworks: networks, ports: .only([443]), schemes: networks.isEmpty ? [.https] : [.http, .https], maximumRedirects: 0,
            allowsDowngrade: false)
        sealer = try Sealer(keys: ["1": Self.sealingKey(reader)], current: "1")
    }

    private static func sealingKey(_ reader: ConfigReader) throws -> Secret<Data> {
        if let path = reader.string(forKey: "notifications.sealing.key.file") {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw Fault(.invalid, "config.sealing_key", "ASSAY_NOTIFICATIONS_SEALING_KEY_FILE names \(path), which cannot be read.")
            }
            return try Sealer.key(text)
        }
        guard let text = reader.string(forKey: "notifications.sealing.key", isSecret: true) else {
            throw Fault(
                .invalid, "config.sealing_key",
                "Set ASSAY_NOTIFICATIONS_SEALING_KEY_FILE to a file with base64 of 32 bytes (openssl rand -base64 32).")
        }
        return try Sealer.key(text)
    }
}
