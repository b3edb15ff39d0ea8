import Foundation
import Primitives

/// What a person said of an incident. The latest word holds; none is ever changed.
struct EnvironmentVerdict: Sendable, Equatable {
    /// Characters of a reason.
    static let maxReason = 1000

    enum Kind: String, Sendable, CaseIterable { case dismissed, reinstated, declared }

    /// What can be said of an incident that there is.
    enum Decision: Sendable {
        case dismissed, reinstated
    }

    let incident: ID<EnvironmentIncident>
    /// That the incident has since.
    let version: Int64
    let kind: Kind
    let reason: String
    let decidedBy: String
    let decidedAt: Date
}
