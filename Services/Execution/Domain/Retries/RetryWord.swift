import Foundation
import Primitives

/// What a person says of trying a test again, whatever the rules say. It holds for the test in all runs of the project, under each of its names,
/// until somebody says something else or takes it back.
struct RetryWord: Identified, Sendable, Equatable {
    static let idPrefix = "rwd"
    static let maxNote = 1000

    /// The raw values are stored.
    enum Kind: String, Codable, Sendable, CaseIterable {
        /// As far as the policy allows any try; not while it is quarantined.
        case always
        case never
    }

    let id: ID<RetryWord>
    let test: ID<TestIdentity>
    /// `nil` for a word that was taken back.
    let kind: Kind?
    let note: String
    let saidBy: String
    let saidAt: Date
    /// Of the newest word on the test, from 2: 1 is that nobody has said anything.
    let version: Int64
}
