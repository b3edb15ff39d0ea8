import Primitives

/// The text of an API key: `asy_<kind>_<30 base62><6 base62 of the CRC-32 of all before>`, 44 characters.
///
/// The checksum lets scanners, and the gateway before any look-up (T49), tell a key from a chance string. The 30 characters carry 178 random
/// bits, which is why a plain SHA-256 of the text is enough to store.
struct KeyText: Sendable {
    let kind: KeyKind
    let secret: Secret<String>

    /// A fresh key.
    static func make(_ kind: KeyKind, using random: inout some RandomNumberGenerator) -> KeyText {
        KeyText(kind: kind, secret: Secret(checked(prefix: "asy_\(kind.rawValue)_", using: &random)))
    }

    private init(kind: KeyKind, secret: Secret<String>) {
        self.kind = kind
        self.secret = secret
    }

    /// `nil` unless form and checksum are right.
    init?(_ text: String) {
        guard let kind = KeyKind.allCases.first(where: { Self.isChecked(text, prefix: "asy_\($0.rawValue)_") }) else { return nil }
        self.kind = kind
        secret = Secret(text)
    }

    /// The part that is shown in lists: the kind and the first four characters.
    var display: String { String(secret.reveal().prefix(5 + kind.rawValue.count + 4)) }

    /// What all texts of this form have in common: keys, and tokens that stand for a key.
    static func checked(prefix: String, using random: inout some RandomNumberGenerator) -> String {
        let head = Array(prefix.utf8) + (0..<30).map { _ in alphabet[Int.random(in: 0..<62, using: &random)] }
        return String(decoding: head + checksum(head), as: UTF8.self)
    }

    /// Whether form and checksum are right.
    static func isChecked(_ text: String, prefix: String) -> Bool {
        guard text.hasPrefix(prefix) else { return false }
        let bytes = Array(text.utf8)
        return bytes.count == prefix.utf8.count + 36 && bytes.suffix(36).allSatisfy(isBase62)
            && Array(bytes.suffix(6)) == checksum(bytes.dropLast(6))
    }

    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    private static func isBase62(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }

    /// Six digits of base 62, most significant first; 62⁶ is more than 2³².
    private static func checksum(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var value = Int(CRC32.checksum(bytes))
        var digits: [UInt8] = []
        for _ in 0..<6 {
            digits.append(alphabet[value % 62])
            value /= 62
        }
        return digits.reversed()
    }
}

/// Whose key it is. The raw value is part of the key's text and of the database.
enum KeyKind: String, CaseIterable, Sendable {
    /// For CI jobs: may only upload.
    case ci
    /// A person's.
    case personal = "pat"
    /// A tool's.
    case service = "svc"

    /// What a key of this kind may hold at most: a leaked CI key must not read anything.
    var allowedScopes: Set<KeyScope> { self == .ci ? [.resultsWrite] : Set(KeyScope.allCases) }
}
