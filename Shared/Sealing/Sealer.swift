import Crypto
import Foundation
import Primitives

/// Seals with the keys that operators hold in files (key-encryption keys): the data keys of a `Vault`, and nothing else since there are any.
///
/// AES-256-GCM with a random 96-bit nonce. A sealed value is bound to its place: moved to another tenant, column or row it does not open.
/// Layout: version `1`, length of the key id, key id, nonce (12), ciphertext, tag (16). Random nonces allow 2³² seals per key; rotate
/// before that by adding a key and making it current: values of the older keys stay readable as long as those are configured.
package struct Sealer: Sendable {
    static let version: UInt8 = 1
    private static let keyLength = 32
    /// Of a key that is written without one, which was the only form before keys could be rotated.
    private static let firstID = "1"

    private let keys: [String: Secret<SymmetricKey>]
    private let current: (id: String, key: Secret<SymmetricKey>)

    /// The id of the key that seals.
    package var currentID: String { current.id }

    func knows(_ id: String) -> Bool { keys[id] != nil }

    /// - Parameters:
    ///   - keys: 32 bytes each, by an id of 1 to 64 bytes.
    ///   - current: the id of the key that seals from now on.
    /// - Throws: `sealing.key` when a key or an id has the wrong length, or the current one is missing.
    package init(keys: [String: Secret<Data>], current: String) throws(Fault) {
        for (id, key) in keys where key.reveal().count != Self.keyLength || !(1...64).contains(id.utf8.count) {
            throw Fault(.invalid, "sealing.key", "Sealing key \(id) must have 32 bytes and an id of 1 to 64 bytes.")
        }
        self.keys = keys.mapValues { Secret(SymmetricKey(data: $0.reveal())) }
        guard let key = self.keys[current] else { throw Fault(.invalid, "sealing.key", "There is no sealing key \(current).") }
        self.current = (current, key)
    }

    /// Reads keys as operators write them: a line each, `id:base64`, the one that seals first and those that still open below it. One key alone
    /// needs no id.
    package init(_ text: String) throws(Fault) {
        var keys: [String: Secret<Data>] = [:]
        var current: String?
        for line in text.split(whereSeparator: \.isNewline).map({ $0.trimmingCharacters(in: .whitespaces) }) where !line.isEmpty {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let id = parts.count == 2 ? parts[0].trimmingCharacters(in: .whitespaces) : Self.firstID
            guard keys[id] == nil else { throw Fault(.invalid, "sealing.key", "There are two sealing keys \(id).") }
            keys[id] = try Self.key(parts.last ?? "")
            current = current ?? id
        }
        guard let current else { throw Fault(.invalid, "sealing.key", "There is no sealing key.") }
        try self.init(keys: keys, current: current)
    }

    /// Base64 of 32 bytes, what `openssl rand -base64 32` prints.
    package static func key(_ text: String) throws(Fault) -> Secret<Data> {
        guard let data = Data(base64Encoded: text.trimmingCharacters(in: .whitespacesAndNewlines)), data.count == keyLength else {
            throw Fault(.invalid, "sealing.key", "A sealing key is the base64 of 32 bytes.")
        }
        return Secret(data)
    }

    package func seal(_ plaintext: Data, context: SealContext) -> Data {
        let header = Data([Self.version, UInt8(current.id.utf8.count)]) + Data(current.id.utf8)
        // Fails only for keys and nonces of the wrong size, which `init` and the generator rule out.
        let box = try! AES.GCM.seal(plaintext, using: current.key.reveal(), authenticating: header + context.bytes)
        return header + box.nonce + box.ciphertext + box.tag
    }

    /// - Throws: `sealing.unknown_key` when the key is not configured (any more); `sealing.broken` when the value was altered, cut, sealed
    ///   for another place or by another key of the same id. The two last look alike on purpose.
    package func open(_ sealed: Data, context: SealContext) throws(Fault) -> Data {
        let bytes = Data(sealed)
        guard bytes.count >= 2, bytes[0] == Self.version, bytes.count >= 2 + Int(bytes[1]) else { throw .sealBroken }
        let header = bytes.prefix(2 + Int(bytes[1]))
        guard let id = String(data: header.dropFirst(2), encoding: .utf8) else { throw .sealBroken }
        guard let key = keys[id] else { throw .sealKeyUnknown }
        do {
            let box = try AES.GCM.SealedBox(combined: bytes.dropFirst(header.count))
            return try AES.GCM.open(box, using: key.reveal(), authenticating: header + context.bytes)
        } catch {
            throw .sealBroken
        }
    }
}
