import Crypto
import Foundation
import Primitives

/// Services give plain cursors; users get them signed, so that a cursor works only for the organization, the list and the filter that made it
/// (T26, T27). Text: base64url of a 16-byte HMAC-SHA256 and the plain cursor.
struct CursorSigner: Sendable {
    private let key: SymmetricKey
    private static let tagLength = 16
    static let maxLength = 2_048

    /// `secret` is shared by all gateways; the key is derived, so that no cursor can serve as another signature.
    init(secret: Data) {
        key = HKDF<SHA256>.deriveKey(inputKeyMaterial: SymmetricKey(data: secret), info: Data("assay cursor 1".utf8), outputByteCount: 32)
    }

    /// What a cursor is bound to: the path with its ids, and the query without `cursor` and `limit`, sorted.
    struct Binding: Sendable {
        let tenant: ID<Tenant>
        let path: String
        let filter: [(name: String, value: String)]

        fileprivate var bytes: Data {
            let pairs = filter.filter { $0.name != "cursor" && $0.name != "limit" }.sorted { ($0.name, $0.value) < ($1.name, $1.value) }
            let parts = [tenant.description, path] + pairs.flatMap { [$0.name, $0.value] }
            return parts.reduce(into: Data()) { data, part in
                withUnsafeBytes(of: UInt32(part.utf8.count).bigEndian) { data.append(contentsOf: $0) }
                data.append(contentsOf: part.utf8)
            }
        }
    }

    func sign(_ cursor: String, for binding: Binding) -> String {
        var data = tag(Data(cursor.utf8), binding)
        data.append(contentsOf: cursor.utf8)
        return data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// - Throws: `page.invalid_cursor` for anything that `sign` did not make for the same binding.
    func verify(_ text: String, for binding: Binding) throws(Fault) -> String {
        guard text.utf8.count <= Self.maxLength,
            text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "=") })
        else { throw .cursorInvalid }
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        let padded = standard + String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        guard
            let data = Data(base64Encoded: padded), data.count > Self.tagLength,
            // base64 ignores the last character's spare bits: the text must be the one that was given out.
            data.base64EncodedString() == padded,
            isEqual(data.prefix(Self.tagLength), tag(data.dropFirst(Self.tagLength), binding)),
            let cursor = String(data: data.dropFirst(Self.tagLength), encoding: .utf8)
        else { throw .cursorInvalid }
        return cursor
    }

    private func tag(_ cursor: Data, _ binding: Binding) -> Data {
        var hmac = HMAC<SHA256>(key: key)
        hmac.update(data: binding.bytes)
        hmac.update(data: Data([0]))
        hmac.update(data: cursor)
        return Data(hmac.finalize().prefix(Self.tagLength))
    }

    /// In constant time, or a tag could be guessed byte by byte.
    private func isEqual(_ left: Data, _ right: Data) -> Bool {
        left.count == right.count && zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
