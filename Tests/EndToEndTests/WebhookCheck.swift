import Crypto
import Foundation
import TestSupport

/// A receiver's check as Standard Webhooks describes it, written apart from the sender.
enum WebhookCheck {
    static func isSigned(_ request: LoopbackServer.Request, secret: String) throws -> Bool {
        guard let id = request.header("webhook-id"), let time = request.header("webhook-timestamp"),
            let signatures = request.header("webhook-signature"), let key = Data(base64Encoded: String(secret.dropFirst("whsec_".count)))
        else { return false }
        let signed = Data("\(id).\(time).".utf8) + request.body
        return signatures.split(separator: " ").contains { signature in
            guard signature.hasPrefix("v1,"), let code = Data(base64Encoded: String(signature.dropFirst(3))) else { return false }
            return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: signed, using: SymmetricKey(data: key))
        }
    }
}
