import Crypto
import Foundation
import Primitives

/// Time-based one-time passwords (RFC 6238) as every authenticator app makes them: HMAC-SHA-1, six digits, thirty seconds.
struct OneTimePassword: Sendable {
    static let period: TimeInterval = 30
    static let digits = 6
    /// Steps before and after the present one that are accepted, for clocks that are off (T55).
    static let window: Int64 = 1
    /// 160 bits (RFC 4226, section 4).
    static let secretLength = 20

    let secret: Data

    static func newSecret(using random: inout some RandomNumberGenerator) -> Data {
        Data((0..<secretLength).map { _ in UInt8.random(in: .min ... .max, using: &random) })
    }

    static func step(at time: Date) -> Int64 { Int64((time.timeIntervalSince1970 / period).rounded(.down)) }

    func code(step: Int64) -> String {
        let message = withUnsafeBytes(of: step.bigEndian) { Data($0) }
        let mac = Data(HMAC<Insecure.SHA1>.authenticationCode(for: message, using: SymmetricKey(data: secret)))
        let offset = Int(mac[mac.count - 1] & 0x0F)
        let number = mac[offset..<(offset + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        let text = String(number % 1_000_000)
        return String(repeating: "0", count: Self.digits - text.count) + text
    }

    /// The step that a code belongs to, after `last`, the latest one that was accepted: no code is good twice.
    func step(of code: String, at time: Date, after last: Int64?) -> Int64? {
        let present = Self.step(at: time)
        // All of the window is looked at, whatever matches.
        return ((present - Self.window)...(present + Self.window)).filter { self.code(step: $0).isEqualInConstantTime(to: code) }
            .last { $0 > last ?? Int64.min }
    }

    /// For QR codes (https://github.com/google/google-authenticator/wiki/Key-Uri-Format).
    func uri(account: String, issuer: String) -> String {
        func encoded(_ text: String) -> String {
            text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "-._~@"))) ?? ""
        }
        return "otpauth://totp/\(encoded(issuer)):\(encoded(account))?secret=\(secret.base32)&issuer=\(encoded(issuer))"
            + "&algorithm=SHA1&digits=\(Self.digits)&period=\(Int(Self.period))"
    }
}

/// Codes on paper, for whoever has lost their phone: fifty random bits each, good once.
enum RecoveryCode {
    static let count = 10
    private static let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789")
    private static let length = 10

    static func make(using random: inout some RandomNumberGenerator) -> String {
        let characters = (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] }
        return String(characters.prefix(5)) + "-" + String(characters.suffix(5))
    }

    /// As it is hashed: however it was typed. `nil` for what cannot be one.
    static func normalized(_ text: String) -> String? {
        let characters = text.lowercased().filter { $0 != "-" && $0 != " " }
        guard characters.count == length, characters.allSatisfy(alphabet.contains) else { return nil }
        return characters
    }
}

extension Data {
    /// RFC 4648, without padding.
    var base32: String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        var text = ""
        var bits = 0
        var value: UInt32 = 0
        for byte in self {
            value = (value << 8 | UInt32(byte)) & 0xFFFF
            bits += 8
            while bits >= 5 {
                text.append(alphabet[Int(value >> UInt32(bits - 5) & 31)])
                bits -= 5
            }
        }
        if bits > 0 { text.append(alphabet[Int(value << UInt32(5 - bits) & 31)]) }
        return text
    }
}

extension String {
    func isEqualInConstantTime(to other: String) -> Bool {
        let (left, right) = (Array(utf8), Array(other.utf8))
        return left.count == right.count && zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
