import Crypto
import Foundation
import Primitives
import Sealing

/// Seals what the gateway keeps: signing keys, second factors, mails that wait.
struct GatewayVault: Sendable {
    private let sealer: Sealer

    init(secret: Data) throws {
        let key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), info: Data("assay gateway sealing 1".utf8), outputByteCount: 32)
        sealer = try Sealer(keys: ["1": Secret(key.withUnsafeBytes { Data($0) })], current: "1")
    }

    func seal(_ plaintext: Data, _ context: SealContext) async throws -> Data { sealer.seal(plaintext, context: context) }

    func open(_ sealed: Data, _ context: SealContext) async throws -> Data { try sealer.open(sealed, context: context) }
}
