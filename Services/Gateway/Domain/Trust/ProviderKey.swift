import Crypto
import CryptoExtras
import Foundation

/// A public key of a provider of ID tokens. Its algorithm is fixed by what it is, so no token can choose another one (T43).
struct ProviderKey: Sendable {
    enum Algorithm: String, Sendable { case rs256 = "RS256", es256 = "ES256", es384 = "ES384" }

    private enum Material: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
    }

    let algorithm: Algorithm
    private let material: Material

    /// Smaller ones can be broken, larger ones are slow to compute with: both would be somebody's trick. Bits.
    static let modulus = 2_048...8_192

    /// A member of a JWK set (RFC 7517, RFC 7518 section 6). `nil` for a key of another kind, for another use, or not intact.
    fileprivate init?(_ jwk: KeySetDocument.Member) {
        guard jwk.use == nil || jwk.use == "sig" else { return nil }
        switch (jwk.kty, jwk.crv) {
        case ("RSA", _):
            guard let n = jwk.n.flatMap({ Data(base64URL: $0) }), let e = jwk.e.flatMap({ Data(base64URL: $0) }), (1...8).contains(e.count),
                Self.modulus.contains(n.count * 8), let key = try? _RSA.Signing.PublicKey(n: n, e: e), Self.modulus.contains(key.keySizeInBits)
            else { return nil }
            (material, algorithm) = (.rsa(key), .rs256)
        case ("EC", "P-256"):
            guard let point = jwk.point(bytes: 32), let key = try? P256.Signing.PublicKey(rawRepresentation: point) else { return nil }
            (material, algorithm) = (.p256(key), .es256)
        case ("EC", "P-384"):
            guard let point = jwk.point(bytes: 48), let key = try? P384.Signing.PublicKey(rawRepresentation: point) else { return nil }
            (material, algorithm) = (.p384(key), .es384)
        default: return nil
        }
        guard jwk.alg == nil || jwk.alg == algorithm.rawValue else { return nil }
    }

    /// - Parameter signature: as JWS has it: r and s for curves (RFC 7518, section 3.4).
    func isValid(_ signature: Data, of data: Data) -> Bool {
        switch material {
        case .rsa(let key):
            key.isValidSignature(.init(rawRepresentation: signature), for: SHA256.hash(data: data), padding: .insecurePKCS1v1_5)
        case .p256(let key):
            (try? P256.Signing.ECDSASignature(rawRepresentation: signature)).map { key.isValidSignature($0, for: data) } ?? false
        case .p384(let key):
            (try? P384.Signing.ECDSASignature(rawRepresentation: signature)).map { key.isValidSignature($0, for: data) } ?? false
        }
    }
}

/// The keys of a provider by their ids, as its JWKS document has them.
struct ProviderKeySet: Sendable {
    static let maxKeys = 100
    static let maxID = 256

    let keys: [String: ProviderKey]

    /// Keys that are not understood are left out: a provider may have others for other purposes. Of two with the same id neither is taken.
    /// - Returns: `nil` for what is no JWK set, or one of more than a hundred keys.
    init?(json: Data) {
        guard (try? JSONLint.check([UInt8](json))) != nil, let document = try? JSONDecoder().decode(KeySetDocument.self, from: json),
            document.keys.count <= Self.maxKeys
        else { return nil }
        let named = document.keys.filter { !($0.kid ?? "").isEmpty && ($0.kid ?? "").utf8.count <= Self.maxID }
        let byID = Dictionary(grouping: named) { $0.kid ?? "" }
        keys = byID.compactMapValues { $0.count == 1 ? ProviderKey($0[0]) : nil }
    }
}

private struct KeySetDocument: Decodable {
    let keys: [Member]

    struct Member: Decodable {
        let kty: String?
        let kid: String?
        let use: String?
        let alg: String?
        let crv: String?
        let n: String?
        let e: String?
        let x: String?
        let y: String?

        func point(bytes: Int) -> Data? {
            guard let x = x.flatMap({ Data(base64URL: $0) }), let y = y.flatMap({ Data(base64URL: $0) }), x.count == bytes, y.count == bytes
            else { return nil }
            return x + y
        }
    }
}
