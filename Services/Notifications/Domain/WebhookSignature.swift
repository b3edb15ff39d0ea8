import Crypto
import Foundation
import Primitives

/// Standard Webhooks 1.0: HMAC-SHA256 over id, time and body, joined by full stops.
enum WebhookSignature {
    static let prefix = "whsec_"

    /// A fresh signing secret: `whsec_` and base64 of 32 bytes.
    static func newSecret() -> Secret<String> {
        Secret(prefix + SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }.base64EncodedString())
    }

    /// The value of `webhook-signature`.
    /// - Throws: `channels.secret` when the stored secret is not one.
    static func sign(id: String, timestamp: Int64, body: String, secret: Secret<String>) throws(Fault) -> String {
        let text = secret.reveal()
        guard text.hasPrefix(prefix), let key = Data(base64Encoded: String(text.dropFirst(prefix.count))) else {
            throw Fault(.internal, "channels.secret", "The channel's signing secret is broken.")
        }
        let code = HMAC<SHA256>.authenticationCode(for: Data("\(id).\(timestamp).\(body)".utf8), using: SymmetricKey(data: key))
        return "v1," + Data(code).base64EncodedString()
    }
}
