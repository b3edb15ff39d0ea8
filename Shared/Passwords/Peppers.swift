import Crypto
import Foundation
import Primitives

/// Keys that are kept apart from the database: without them a stolen table of hashes cannot even be guessed at.
///
/// A password is put through HMAC-SHA-256 under the current one before it is hashed, and the hash names it. To rotate, write the new one above
/// the old one: whoever logs in is hashed anew, and the old one can go when no hash names it any more.
package struct Peppers: Sendable {
    package static let none = Peppers(keys: [:], current: nil)

    private let keys: [String: Secret<SymmetricKey>]
    package let current: String?

    private init(keys: [String: Secret<SymmetricKey>], current: String?) {
        self.keys = keys
        self.current = current
    }

    /// Lines of `id:base64 of at least 32 bytes`, the current one first.
    /// - Throws: `passwords.pepper`.
    package init(_ text: String) throws(Fault) {
        var keys: [String: Secret<SymmetricKey>] = [:]
        var current: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            let id = parts.first.map { $0.trimmingCharacters(in: .whitespaces) } ?? ""
            guard parts.count == 2, (1...16).contains(id.utf8.count), keys[id] == nil,
                let key = Data(base64Encoded: parts[1].trimmingCharacters(in: .whitespaces)), key.count >= 32
            else { throw Fault(.invalid, "passwords.pepper", "A pepper is a line of id, colon and the base64 of at least 32 bytes; ids differ.") }
            keys[id] = Secret(SymmetricKey(data: key))
            current = current ?? id
        }
        guard let current else { throw Fault(.invalid, "passwords.pepper", "There is no pepper.") }
        self.init(keys: keys, current: current)
    }

    /// What Argon2 gets. The password is brought into one Unicode form first (NFKC), because keyboards differ in how they write the same text.
    /// - Returns: `nil` when the pepper is not there (any more): then no password can match.
    func input(_ password: String, pepper: String?) -> [UInt8]? {
        let bytes = Data(password.precomposedStringWithCompatibilityMapping.utf8)
        guard let pepper else { return [UInt8](bytes) }
        guard let key = keys[pepper] else { return nil }
        return [UInt8](HMAC<SHA256>.authenticationCode(for: bytes, using: key.reveal()))
    }
}
