import Crypto
import Foundation
import Primitives

/// What lets whoever has it see a project's badges. Text: base64url of tenant, project, generation and the first 16 bytes of their HMAC-SHA256, so that
/// nothing is looked up for one that nobody gave out. Rotating raises the generation, which ends all before it.
struct BadgeToken: Equatable, Sendable {
    let tenant: ID<Tenant>
    let project: ID<Project>
    let generation: Int32

    /// Makes tokens and knows them again.
    struct Signer: Sendable {
        private let key: SymmetricKey

        /// `secret` is shared by all gateways; the key is derived, so that no token can serve as another signature.
        init(secret: Data) {
            key = HKDF<SHA256>.deriveKey(inputKeyMaterial: SymmetricKey(data: secret), info: Data("assay badge 1".utf8), outputByteCount: 32)
        }

        func sign(_ token: BadgeToken) -> String {
            let data = Self.bytes(of: token)
            let text = (data + HMAC<SHA256>.authenticationCode(for: data, using: key).prefix(BadgeToken.tagLength)).base64EncodedString()
            return text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        }

        /// - Returns: `nil` for anything that `sign` did not make.
        func verify(_ text: String) -> BadgeToken? {
            guard text.utf8.count == BadgeToken.textLength, !text.utf8.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") }) else {
                return nil
            }
            let standard = text.replacing("-", with: "+").replacing("_", with: "/")
            let padded = standard + String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
            guard let data = Data(base64Encoded: padded), data.count == BadgeToken.length, data.base64EncodedString() == padded else { return nil }
            let said = data.prefix(BadgeToken.length - BadgeToken.tagLength)
            let expected = HMAC<SHA256>.authenticationCode(for: said, using: key).prefix(BadgeToken.tagLength)
            // In constant time, or a tag could be guessed byte by byte.
            guard zip(expected, data.suffix(BadgeToken.tagLength)).reduce(UInt8(0), { $0 | ($1.0 ^ $1.1) }) == 0 else { return nil }
            return BadgeToken(bytes: said)
        }

        private static func bytes(of token: BadgeToken) -> Data {
            var data = Data()
            withUnsafeBytes(of: token.tenant.uuid.uuid) { data.append(contentsOf: $0) }
            withUnsafeBytes(of: token.project.uuid.uuid) { data.append(contentsOf: $0) }
            withUnsafeBytes(of: token.generation.bigEndian) { data.append(contentsOf: $0) }
            return data
        }
    }

    private static let tagLength = 16
    private static let length = 16 + 16 + 4 + tagLength
    private static let textLength = (length * 4 + 2) / 3

    init(tenant: ID<Tenant>, project: ID<Project>, generation: Int32) {
        self.tenant = tenant
        self.project = project
        self.generation = generation
    }

    private init(bytes: Data) {
        let bytes = Array(bytes)
        func uuid(at start: Int) -> UUID { bytes[start..<start + 16].withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) } }
        tenant = ID(uuid: uuid(at: 0))
        project = ID(uuid: uuid(at: 16))
        generation = Int32(bitPattern: bytes[32..<36].reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
}
