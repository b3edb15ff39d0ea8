import Foundation
import Primitives

/// Judging a project's failures, and the lines that it has learnt from its logs, again by the rules and lessons that held when it was asked for. What
/// a person has said stays.
struct Recategorisation: Sendable, Identified {
    static let idPrefix = "rec"

    /// The raw values are stored.
    enum State: String, Sendable, CaseIterable {
        case waiting, running, done
        /// It had not moved for an hour when another one was asked for.
        case abandoned
    }

    let id: ID<Recategorisation>
    let project: ID<Project>
    let state: State
    let done: Int64
    /// `nil` until it begins.
    let total: Int64?
    let changed: Int64
    let withoutTexts: Int64
    let changedLogPatterns: Int64
    let edition: Rulebook.Edition
    /// The last failure that was looked at.
    let after: ID<Result>?
    /// The last that is to be.
    let until: ID<Result>?
    let startedBy: String
    let createdAt: Date
    let finishedAt: Date?
}
