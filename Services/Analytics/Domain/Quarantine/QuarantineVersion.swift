import Foundation
import Primitives

/// What a quarantine said from one change to the next.
struct QuarantineVersion: Sendable, Equatable {
    /// The raw values are stored.
    enum Kind: String, Sendable, CaseIterable {
        case created, changed
        /// It ended.
        case lifted
    }

    /// The version that was said after it.
    struct Successor: Sendable, Equatable {
        /// `nil` where it is not known.
        let saidAt: Date?
    }

    /// How its failures came to break builds again, or to be excused by the next version.
    struct Ending: Sendable, Equatable {
        let at: Date
        let isExpiry: Bool
    }

    let quarantine: ID<Quarantine>
    /// From 1, as the quarantine's.
    let version: Int64
    let kind: Kind
    let owner: String
    let ticket: String
    let reason: String
    let expiresAt: Date
    /// `nil` for two tests that became one, and, as the time, for what an earlier release was told.
    let saidBy: String?
    let saidAt: Date?
    /// `nil` for the newest of its quarantine. It need not be kept: an earlier release adds no version of what it is told.
    let successor: Successor?

    /// - Returns: `nil` while it is in force, of what ended a quarantine, and where it is not known.
    func ending(at now: Date) -> Ending? {
        guard kind != .lifted else { return nil }
        let expiry = Ending(at: expiresAt, isExpiry: true)
        guard let successor else { return expiresAt <= now ? expiry : nil }
        guard let next = successor.saidAt else { return nil }
        return expiresAt <= next ? expiry : Ending(at: next, isExpiry: false)
    }
}

/// A quarantine as those are told who have to know by which a test is excused.
struct QuarantineInForce: Sendable, Equatable {
    /// Characters of a ticket and of a reason: `QuarantineLimits.mostEver` of them fit into a message of 4 MiB, whatever characters they are.
    static let mostText = 300

    let quarantine: ID<Quarantine>
    let test: ID<Test>
    let version: Int64
    let owner: String
    let ticket: String
    let reason: String
    let expiresAt: Date
    /// Who said this version; `nil` where it is not known.
    let saidBy: String?
}
