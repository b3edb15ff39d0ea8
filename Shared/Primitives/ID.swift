import Foundation

/// What an identifier stands for. Its prefix is part of the public text form (`run_…`) and never changes.
package protocol Identified {
    static var idPrefix: String { get }
}

/// The organization that owns a row. Every tenant table leads with it.
package enum Tenant: Identified {
    package static let idPrefix = "org"
}

extension ID where Subject == Tenant {
    /// Stands where an organization must: for what belongs to the installation itself. No organization has it.
    package static var installation: ID { ID(uuid: UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))) }
}

/// A typed identifier: 128 bits, in text a prefix, an underscore and 26 characters of Crockford base32 (lower case).
///
/// New ids are UUIDv7 (RFC 9562), so they sort by the time of their making and carry 74 random bits; a guess is never a control.
/// `ID<Run>` and `ID<Project>` do not mix.
package struct ID<Subject: Identified>: Hashable, Sendable {
    package let uuid: UUID

    package init(uuid: UUID) {
        self.uuid = uuid
    }

    /// A fresh id, above every other that this process has made: lists that are ordered by id keep the order of the making.
    package static func new() -> ID {
        ID(uuid: .ascendingVersion7())
    }

    /// A fresh id whose first 48 bits are `time`, in milliseconds.
    package static func new(at time: Date) -> ID {
        var random = SystemRandomNumberGenerator()
        return ID(uuid: .version7(at: time, using: &random))
    }

    /// Reads the text form.
    /// - Throws: `invalid_id` when the prefix or the alphabet is wrong; `field` is the JSON pointer or parameter that held the text.
    package init(_ text: String, field: String = "id") throws(Fault) {
        let prefix = Subject.idPrefix + "_"
        guard text.hasPrefix(prefix), let uuid = Base32.uuid(text.dropFirst(prefix.count)) else {
            throw .invalidID(expected: Subject.idPrefix, field: field)
        }
        self.uuid = uuid
    }

    /// The moment of making, as far as the id is a UUIDv7.
    package var time: Date {
        let b = uuid.uuid
        let milliseconds = [b.0, b.1, b.2, b.3, b.4, b.5].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    }
}

extension ID: CustomStringConvertible {
    package var description: String { Subject.idPrefix + "_" + Base32.text(uuid) }
}

extension ID: Comparable {
    /// Its bytes as two numbers: lists of ids are sorted and merged by the thousand.
    private var halves: (high: UInt64, low: UInt64) {
        withUnsafeBytes(of: uuid.uuid) { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    package static func < (left: ID, right: ID) -> Bool {
        let (l, r) = (left.halves, right.halves)
        return l.high == r.high ? l.low < r.low : l.high < r.high
    }
}

extension ID: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Fault {
    static func invalidID(expected prefix: String, field: String) -> Fault {
        let detail = "Expected an id of the form \(prefix)_ followed by 26 characters."
        return Fault(.invalid, "request.invalid_id", detail, fields: [.init(field, "invalid_id", detail)])
    }
}
