import Foundation
import Primitives

/// One change of a project's rules.
struct RuleEdition: Sendable {
    /// The raw values are stored.
    enum Change: String, Sendable, CaseIterable {
        case created, updated, deleted
        /// By Assay: it ran out of its budget too often.
        case switchedOff = "switched_off"
        case learningOn = "learning_on"
        case learningOff = "learning_off"
    }

    let edition: Int64
    let change: Change
    /// `nil` where no rule was changed.
    let rule: ID<ProjectRule>?
    let ruleName: String
    /// Empty for Assay itself.
    let actor: String
    let changedAt: Date
}
