import Crypto
import Foundation

/// The SHA-256 of a key or a session token: what is stored and what caches know, so that neither a dump nor a core file holds a secret.
struct SecretDigest: Hashable, Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    init(_ secret: some StringProtocol) {
        var text = String(secret)
        words = text.withUTF8 { bytes in
            SHA256.hash(data: UnsafeRawBufferPointer(bytes)).withUnsafeBytes {
                (
                    $0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                    $0.loadUnaligned(fromByteOffset: 16, as: UInt64.self), $0.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
                )
            }
        }
    }

    var data: Data {
        var words = words
        return withUnsafeBytes(of: &words) { Data($0) }
    }

    static func == (left: SecretDigest, right: SecretDigest) -> Bool { left.words == right.words }

    /// The words are uniformly distributed already; one of them is hash enough.
    func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
