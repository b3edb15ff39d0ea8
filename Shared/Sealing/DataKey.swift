import Crypto
import Foundation
import Primitives

/// The key that seals one tenant's secrets, in the clear: only ever in memory, and printed as `***`.
struct DataKey: Identified, Sendable {
    static let idPrefix = "dek"
    /// First byte of what a data key has sealed; `Sealer` writes 1.
    static let version: UInt8 = 2
    private static let headerLength = 17

    let id: ID<DataKey>
    private let key: Secret<SymmetricKey>

    /// - Throws: `sealing.broken` when these are not 32 bytes.
    init(id: ID<DataKey>, bytes: Data) throws(Fault) {
        guard bytes.count == 32 else { throw .sealBroken }
        self.id = id
        key = Secret(SymmetricKey(data: bytes))
    }

    /// What a `Sealer` wraps.
    var bytes: Secret<Data> { Secret(key.reveal().withUnsafeBytes { Data($0) }) }

    static func make() -> DataKey {
        // Fails for other lengths only.
        try! DataKey(id: .new(), bytes: SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) })
    }

    /// Layout: version `2`, id of the data key (16), nonce (12), ciphertext, tag (16).
    func seal(_ plaintext: Data, _ context: SealContext) -> Data {
        let header = Data([Self.version]) + withUnsafeBytes(of: id.uuid.uuid) { Data($0) }
        // Fails only for keys and nonces of the wrong size.
        let box = try! AES.GCM.seal(plaintext, using: key.reveal(), authenticating: header + context.bytes)
        return header + box.nonce + box.ciphertext + box.tag
    }

    /// - Throws: `sealing.broken`.
    func open(_ sealed: Data, _ context: SealContext) throws(Fault) -> Data {
        let bytes = Data(sealed)
        guard bytes.count > Self.headerLength else { throw .sealBroken }
        let header = bytes.prefix(Self.headerLength)
        do {
            let box = try AES.GCM.SealedBox(combined: bytes.dropFirst(Self.headerLength))
            return try AES.GCM.open(box, using: key.reveal(), authenticating: header + context.bytes)
        } catch {
            throw .sealBroken
        }
    }

    /// The key that a value names; `nil` for what no data key has sealed.
    static func id(of sealed: Data) -> ID<DataKey>? {
        let bytes = Data(sealed.prefix(headerLength))
        guard bytes.count == headerLength, bytes[0] == version else { return nil }
        return ID(uuid: bytes.dropFirst().withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) })
    }
}

extension Fault {
    static let sealBroken = Fault(.internal, "sealing.broken", "A sealed value could not be opened.")
    static let sealKeyUnknown = Fault(.internal, "sealing.unknown_key", "The key that sealed this value is not there.")
}
