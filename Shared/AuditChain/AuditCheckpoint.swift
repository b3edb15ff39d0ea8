import Crypto
import Foundation
import Primitives

/// A signed statement that an organization's chain had this hash at this number: whoever keeps it elsewhere can tell that what came before was
/// changed or is missing, even when the whole chain was computed anew.
package struct AuditCheckpoint: Sendable, Equatable {
    package let organization: String
    package let number: Int64
    package let hash: AuditHash
    /// RFC 3339 in UTC with milliseconds.
    package let at: String
    /// Ed25519 (RFC 8032), 32 bytes.
    package let publicKey: Data
    /// 64 bytes over the net strings of `assay audit checkpoint 1`, organization, number, hash in hex, and time.
    package let signature: Data

    package init(organization: String, number: Int64, hash: AuditHash, at: String, publicKey: Data, signature: Data) {
        self.organization = organization
        self.number = number
        self.hash = hash
        self.at = at
        self.publicKey = publicKey
        self.signature = signature
    }

    fileprivate static func signed(_ organization: String, _ number: Int64, _ hash: AuditHash, _ at: String) -> Data {
        NetString.bytes(["assay audit checkpoint 1", organization, "\(number)", hash.description, at])
    }

    /// Whether the holder of `publicKey` made it.
    package var isSigned: Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        return key.isValidSignature(signature, for: Self.signed(organization, number, hash, at))
    }
}

/// Makes checkpoints. Its key follows from a secret, so that all processes which share the secret have the same one, and nothing must be stored.
package struct AuditSigner: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// - Parameter secret: at least 32 random bytes; HKDF makes a key of it that serves nothing else.
    package init(secret: Data) throws {
        let seed = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), info: Data("assay audit checkpoint 1".utf8), outputByteCount: 32)
        key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed.withUnsafeBytes { Data($0) })
    }

    package var publicKey: Data { key.publicKey.rawRepresentation }

    package func checkpoint(organization: String, number: Int64, hash: AuditHash, at time: Date) throws -> AuditCheckpoint {
        let at = AuditEntry.text(of: time)
        let signature = try key.signature(for: AuditCheckpoint.signed(organization, number, hash, at))
        return AuditCheckpoint(organization: organization, number: number, hash: hash, at: at, publicKey: publicKey, signature: signature)
    }
}
