import Crypto
import CryptoExtras
import Foundation

/// Signs JWTs as providers of ID tokens do, and as whoever would like to be one does.
package struct TokenSigner: Sendable {
    package enum Kind: Sendable { case rsa, p256, p384 }

    private enum Key: Sendable {
        case rsa(_RSA.Signing.PrivateKey)
        case p256(P256.Signing.PrivateKey)
        case p384(P384.Signing.PrivateKey)
    }

    package let id: String
    private let key: Key

    package init(_ kind: Kind = .rsa, id: String = UUID().uuidString, bits: Int = 2_048) throws {
        self.id = id
        key =
            switch kind {
            case .rsa: .rsa(try _RSA.Signing.PrivateKey(keySize: .init(bitCount: bits)))
            case .p256: .p256(P256.Signing.PrivateKey())
            case .p384: .p384(P384.Signing.PrivateKey())
            }
    }

    package var algorithm: String {
        switch key {
        case .rsa: "RS256"
        case .p256: "ES256"
        case .p384: "ES384"
        }
    }

    /// A member of a JWK set.
    package func jwk() throws -> [String: Any] {
        var jwk: [String: Any] = ["kid": id, "use": "sig", "alg": algorithm]
        switch key {
        case .rsa(let key):
            let numbers = try key.publicKey.getKeyPrimitives()
            jwk.merge(["kty": "RSA", "n": Self.base64URL(numbers.modulus), "e": Self.base64URL(numbers.publicExponent)]) { $1 }
        case .p256(let key): jwk.merge(Self.point(key.publicKey.rawRepresentation, "P-256")) { $1 }
        case .p384(let key): jwk.merge(Self.point(key.publicKey.rawRepresentation, "P-384")) { $1 }
        }
        return jwk
    }

    /// The public key in a form that somebody may try as the secret of an HMAC.
    package var publicBytes: Data {
        switch key {
        case .rsa(let key): Data(key.publicKey.pemRepresentation.utf8)
        case .p256(let key): key.publicKey.x963Representation
        case .p384(let key): key.publicKey.x963Representation
        }
    }

    package func header(_ change: (inout [String: Any]) -> Void = { _ in }) -> Data {
        var header: [String: Any] = ["alg": algorithm, "typ": "JWT", "kid": id]
        change(&header)
        return Self.json(header)
    }

    package func token(_ claims: [String: Any], header: Data? = nil) throws -> String { try token(Self.json(claims), header: header) }

    package func token(_ claims: Data, header: Data? = nil) throws -> String {
        let text = Self.base64URL(header ?? self.header()) + "." + Self.base64URL(claims)
        return text + "." + Self.base64URL(try signature(of: Data(text.utf8)))
    }

    private func signature(of data: Data) throws -> Data {
        switch key {
        case .rsa(let key): try key.signature(for: SHA256.hash(data: data), padding: .insecurePKCS1v1_5).rawRepresentation
        case .p256(let key): try key.signature(for: data).rawRepresentation
        case .p384(let key): try key.signature(for: data).rawRepresentation
        }
    }

    package static func json(_ object: [String: Any]) -> Data { (try? JSONSerialization.data(withJSONObject: object)) ?? Data() }

    package static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func point(_ raw: Data, _ curve: String) -> [String: Any] {
        ["kty": "EC", "crv": curve, "x": base64URL(raw.prefix(raw.count / 2)), "y": base64URL(raw.suffix(raw.count / 2))]
    }
}
