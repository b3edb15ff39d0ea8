import Crypto
import Foundation
import Primitives

/// The hidden value in every form (synchroniser token): proof that the form came from a page that this very session was shown. Together with the
/// check of where a request comes from it keeps other sites from acting in a visitor's name (T51).
///
/// Derived from the session's cookie, which no script and no other site can read, so nothing has to be stored.
struct FormToken: Sendable {
    static let field = "form_token"
    let text: String

    init(sessionToken: some StringProtocol) {
        let key = SymmetricKey(data: Data(sessionToken.utf8))
        text = Data(HMAC<SHA256>.authenticationCode(for: Data("assay form 1".utf8), using: key)).base64EncodedString()
    }

    func matches(_ candidate: String?) -> Bool { text.isEqualInConstantTime(to: candidate ?? "") }
}

extension Fault {
    static let formExpired = Fault(
        .forbidden, "form.expired", "This form is out of date or came from another site. Please load the page again and repeat what you did.")
}
