import Foundation
import GRPCCore
import SwiftProtobuf
import TransportAPI

extension Metadata {
    /// GRPCCore's name for what a call has left. On the wire it is a field of the request head.
    static let timeoutKey = "grpc-timeout"
    /// Where a server's interceptors find it.
    static let remainingKey = "assay-timeout-ms"

    /// - Throws: a violation if a key or value cannot be metadata. GRPCCore asserts on these, so they must never reach it.
    init(_ entries: [PBMetadataEntry]) throws(FrameViolation) {
        self.init()
        guard !entries.isEmpty else { return }
        reserveCapacity(entries.count)
        for entry in entries {
            guard Self.isKey(entry.key) else { throw FrameViolation("A metadata key has characters that are not allowed.") }
            switch entry.value {
            case .text(let text): addString(text, forKey: entry.key)
            case .binary(let bytes):
                guard entry.key.hasSuffix("-bin") else { throw FrameViolation("Binary metadata stands under a key that does not end in -bin.") }
                addBinary([UInt8](bytes), forKey: entry.key)
            case nil: throw FrameViolation("A metadata entry has no value.")
            }
        }
    }

    /// - Throws: `invalidArgument` for a key that the peer would refuse.
    func entries() throws(RPCError) -> [PBMetadataEntry] {
        guard !isEmpty else { return [] }
        var entries: [PBMetadataEntry] = []
        entries.reserveCapacity(count)
        for (key, value) in self {
            var entry = PBMetadataEntry()
            entry.key = Self.isKey(key) ? key : key.lowercased()
            switch value {
            case .string(let text): entry.text = text
            case .binary(let bytes): entry.binary = .init(bytes)
            }
            guard Self.isKey(entry.key), entry.key.hasSuffix("-bin") || !value.isBinary else {
                throw RPCError(code: .invalidArgument, message: "\"\(key)\" cannot be a metadata key for such a value.")
            }
            entries.append(entry)
        }
        return entries
    }

    private static func isKey(_ key: String) -> Bool {
        !key.isEmpty
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Takes the timeout out, in milliseconds, rounded up. The format is gRPC's: digits and one of `H M S m u n`.
    mutating func takeTimeout() -> UInt64? {
        guard let text = self[stringValues: Self.timeoutKey].first(where: { _ in true }) else { return nil }
        removeAllValues(forKey: Self.timeoutKey)
        guard text.utf8.count <= 9, let amount = UInt64(text.dropLast()) else { return nil }
        return switch text.last {
        case "H": amount * 3_600_000
        case "M": amount * 60_000
        case "S": amount * 1_000
        case "m": amount
        case "u": (amount + 999) / 1_000
        case "n": (amount + 999_999) / 1_000_000
        default: nil
        }
    }

    /// Tells interceptors what is left, in milliseconds. Not under gRPC's name: GRPCCore would answer that with a task and a timer for each call
    /// (halving what a server does, and leaving the timers behind), while the connection keeps the time already.
    mutating func putTimeout(_ milliseconds: UInt64) {
        addString(String(milliseconds), forKey: Self.remainingKey)
    }
}

extension Metadata.Value {
    fileprivate var isBinary: Bool {
        if case .binary = self { true } else { false }
    }
}
