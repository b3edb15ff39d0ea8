import Foundation
import Primitives

/// Ids for the results of one upload: UUIDv7 (RFC 9562, 6.2 method 1) whose last 22 bits count and whose other random bits are the upload's.
///
/// So they sort in the order of the report, their index is written at its end only, and the results of an upload are one range of ids:
/// no column has to name the upload.
struct ResultIDs: Sendable {
    static let capacity = 1 << 22

    private let high: UInt64
    private let low: UInt64
    private(set) var count: UInt64 = 0

    init(at time: Date, using random: inout some RandomNumberGenerator) {
        let template = UUID.version7(at: time, using: &random)
        let words = withUnsafeBytes(of: template.uuid) { bytes in
            (UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)), UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
        high = words.0
        low = words.1 & ~UInt64(Self.capacity - 1)
    }

    /// - Precondition: fewer than `capacity` have been asked for; `IngestLimits.cases` is below it.
    mutating func next() -> ID<TestResult> {
        precondition(count < UInt64(Self.capacity))
        defer { count += 1 }
        return ID(uuid: UUID(high: high, low: low | count))
    }

    /// Which of its upload's results it is, from 0.
    static func index(of id: ID<TestResult>) -> Int {
        withUnsafeBytes(of: id.uuid.uuid) { Int(UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) & UInt64(capacity - 1)) }
    }

    var first: ID<TestResult> { ID(uuid: UUID(high: high, low: low)) }
    /// The highest id that there can be.
    var last: ID<TestResult> { ID(uuid: UUID(high: high, low: low | UInt64(Self.capacity - 1))) }
}
