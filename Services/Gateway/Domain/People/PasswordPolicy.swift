import Foundation
import Primitives

/// What a password must be (NIST SP 800-63B-4, T41): long and not easily guessed; no rules about kinds of characters, no expiry, nothing cut off.
///
/// Lengths are in Unicode scalars of the form that is hashed (NFKC).
struct PasswordPolicy: Sendable {
    static let shortest = 15
    static let shortestWithSecondFactor = 8
    static let longest = 128

    let common: CommonPasswords

    /// - Parameter pointer: the field that held it.
    /// - Throws: `request.invalid` with the reason: `too_short`, `too_long`, `common`, `own_data`.
    func check(_ password: String, email: EmailAddress, hasSecondFactor: Bool = false, pointer: String = "/password") throws(Fault) {
        let text = password.precomposedStringWithCompatibilityMapping
        let length = text.unicodeScalars.count
        let least = hasSecondFactor ? Self.shortestWithSecondFactor : Self.shortest
        guard length >= least else {
            throw .invalidField(pointer, "too_short", "A password needs at least \(least) characters. A sentence of a few words is a good one.")
        }
        guard length <= Self.longest else { throw .invalidField(pointer, "too_long", "A password can have at most \(Self.longest) characters.") }
        guard !Self.isOwnData(text, email) else {
            throw .invalidField(pointer, "own_data", "A password must not be the e-mail address or the name of the product.")
        }
        guard !common.contains(text) else {
            throw .invalidField(pointer, "common", "This password is one of those that are tried first. Choose another.")
        }
    }

    /// The address, its parts, or the product's name, whatever stands around them in digits and marks.
    private static func isOwnData(_ password: String, _ email: EmailAddress) -> Bool {
        let text = password.lowercased()
        let parts = email.text.split(separator: "@")
        let own = [email.text, "assay"] + parts.map(String.init) + (parts.last?.split(separator: ".").map(String.init) ?? [])
        var rest = text
        for word in own.filter({ $0.count >= 4 }).sorted(by: { $0.count > $1.count }) { rest = rest.replacing(word, with: "") }
        guard rest.count < text.count else { return false }
        return rest.unicodeScalars.filter(CharacterSet.letters.contains).count < 4
    }
}
