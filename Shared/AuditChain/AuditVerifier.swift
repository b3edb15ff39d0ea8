import Foundation

/// Follows a chain link by link. The same for an export that somebody holds and for the tables of the gateway.
package struct AuditVerifier: Sendable {
    /// What is wrong, and where: the first number that is not as it was written.
    package struct Finding: Error, Equatable, CustomStringConvertible {
        package enum Kind: String, Sendable {
            /// A number is missing.
            case gap
            /// An entry stands where another number should.
            case order
            /// The content does not have the hash it was written with.
            case edited
            /// Entries of another organization.
            case foreign
            /// A checkpoint says something else than the chain.
            case checkpoint
            /// A checkpoint that the holder of the key has not made.
            case signature
            /// The chain ends before the last checkpoint, or without the end that an export has.
            case truncated
            /// What cannot be read.
            case malformed
        }

        package let kind: Kind
        package let number: Int64
        package let detail: String

        package init(_ kind: Kind, at number: Int64, _ detail: String) {
            self.kind = kind
            self.number = number
            self.detail = detail
        }

        package var description: String { "\(kind.rawValue) at entry \(number): \(detail)" }
    }

    package let organization: String
    package private(set) var number: Int64
    package private(set) var hash: AuditHash
    /// Highest number that a good checkpoint covers.
    package private(set) var lastCheckpoint: Int64 = 0
    private let trusted: Set<Data>

    /// - Parameters:
    ///   - number: of the entry before the first one, 0 for a whole chain; `hash` its hash.
    ///   - trusted: public keys that may have signed; empty believes the one that stands in a checkpoint, which shows only that it fits.
    package init(organization: String, after number: Int64 = 0, hash: AuditHash = .genesis, trusted: Set<Data> = []) {
        self.organization = organization
        self.number = number
        self.hash = hash
        self.trusted = trusted
    }

    /// - Parameter stored: the hash that was kept with the entry.
    package mutating func take(_ entry: AuditEntry, hash stored: AuditHash) throws(Finding) {
        let expected = number + 1
        guard entry.organization == organization else {
            throw Finding(.foreign, at: expected, "the entry belongs to \(entry.organization)")
        }
        guard entry.number >= expected else {
            throw Finding(.order, at: expected, "number \(entry.number) follows number \(number)")
        }
        guard entry.number == expected else {
            throw Finding(.gap, at: expected, "the next entry has number \(entry.number)")
        }
        guard entry.hash(after: hash) == stored else {
            throw Finding(.edited, at: expected, "what stands there does not have the hash \(stored)")
        }
        number = expected
        hash = stored
    }

    /// A checkpoint of the entry taken last.
    package mutating func take(_ checkpoint: AuditCheckpoint) throws(Finding) {
        guard checkpoint.organization == organization else {
            throw Finding(.foreign, at: number, "a checkpoint belongs to \(checkpoint.organization)")
        }
        guard checkpoint.number <= number else {
            throw Finding(.truncated, at: number + 1, "a checkpoint knows \(checkpoint.number) entries, the chain ends after \(number)")
        }
        guard checkpoint.number == number, checkpoint.hash == hash else {
            throw Finding(.checkpoint, at: checkpoint.number, "a checkpoint says that the hash was \(checkpoint.hash)")
        }
        guard trusted.isEmpty || trusted.contains(checkpoint.publicKey), checkpoint.isSigned else {
            throw Finding(.signature, at: checkpoint.number, "the checkpoint was not signed with a key that is trusted")
        }
        lastCheckpoint = checkpoint.number
    }
}
