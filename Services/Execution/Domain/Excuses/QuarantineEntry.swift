import Foundation
import Primitives

/// A quarantine that excuses a test, as Analytics told it. Kept as JSON: a member that is added must be optional.
struct QuarantineEntry: Identified, Codable, Equatable, Sendable {
    static let idPrefix = "qrn"

    let id: ID<QuarantineEntry>
    let version: Int64
    let owner: String
    let ticket: String
    let reason: String
    let saidBy: String
    /// Milliseconds since 1970.
    let expiresAt: Int64

    /// What a fork may know of it: neither who nor why.
    var anonymous: QuarantineEntry {
        QuarantineEntry(id: id, version: version, owner: "", ticket: "", reason: "", saidBy: "", expiresAt: expiresAt)
    }
}

/// What is quarantined in a project at a moment.
struct QuarantinedTests: Equatable, Sendable {
    /// By the clock of who said so.
    let moment: Date
    let tests: [ID<TestIdentity>]
    /// By test. None of a release of Analytics that tells the tests alone.
    let entries: [ID<TestIdentity>: QuarantineEntry]
}
