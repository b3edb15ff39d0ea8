import Foundation
import Primitives

/// A run that others of its branch and environment are held against.
struct Baseline: Identified, Sendable, Equatable {
    static let idPrefix = "bsl"
    /// Characters of a note.
    static let noteLimit = 1000

    /// A decision stays: what runs were held against must be known later. The raw values are stored, but for `withdrawn`, which is told by its time.
    enum State: String, Sendable, CaseIterable {
        case proposed, approved, rejected, withdrawn
    }

    /// The taking back of an approval.
    struct Withdrawal: Sendable, Equatable {
        let by: String
        let at: Date
        let note: String
    }

    /// What is asked of a proposal.
    enum Decision: Sendable {
        case approve, reject

        var state: State { self == .approve ? .approved : .rejected }
    }

    let id: ID<Baseline>
    let project: ID<Project>
    let branch: String
    let environment: String
    /// Of its branch and environment, from 1.
    let number: Int64
    let run: ID<Run>
    let commit: String
    let tally: Tally
    let state: State
    /// The newest approved one of its branch and environment.
    let isInForce: Bool
    let note: String
    let proposedBy: String
    let proposedAt: Date
    let decidedBy: String?
    let decidedAt: Date?
    let decisionNote: String
    let withdrawal: Withdrawal?
    /// The persons behind the proposal (`Caller.persons`); empty where they are not known.
    let proposedPersons: Set<String>
    let version: Int64

    /// Whether somebody may decide.
    /// - Returns: `false` when it has been decided in this way already.
    /// - Throws: `baselines.decided`, `baselines.own_proposal`.
    func mayDecide(_ decision: Decision, by author: Author, twoPersons: Bool) throws(Fault) -> Bool {
        if state == decision.state { return false }
        guard state == .proposed else { throw .baselineDecided(id, state) }
        guard decision == .reject || !twoPersons || !isProposed(by: author) else { throw .ownBaseline(id) }
        return true
    }

    /// Whether an approval may be taken back.
    /// - Returns: `false` when it has been already.
    /// - Throws: `baselines.not_approved`.
    func mayWithdraw() throws(Fault) -> Bool {
        if state == .withdrawn { return false }
        guard state == .approved else { throw .baselineNotApproved(id, state) }
        return true
    }

    /// Somebody who proposes or decides, with the persons behind them.
    struct Author: Sendable {
        let actor: String
        let persons: Set<String>
    }

    /// One person with two keys, or with a key and a sign-in, is one person. A key that is nobody's is told by itself.
    private func isProposed(by author: Author) -> Bool {
        author.actor == proposedBy || author.persons.contains(proposedBy) || proposedPersons.contains(author.actor)
            || !author.persons.isDisjoint(with: proposedPersons)
    }

    /// - Throws: `request.invalid` at `/note`.
    static func checkNote(_ note: String) throws(Fault) {
        guard note.unicodeScalars.count <= noteLimit, !note.utf8.contains(0) else {
            throw .invalidField("/note", "too_long", "A note may have \(noteLimit) characters, none of them NUL.")
        }
    }
}

/// How a run ended, in numbers.
struct Tally: Sendable, Equatable {
    var passed: Int64 = 0
    var failed: Int64 = 0
    var errored: Int64 = 0
    var skipped: Int64 = 0
}

/// What Validation is told of a run when it is finished.
struct FinishedRun: Sendable, Equatable {
    let run: ID<Run>
    let project: ID<Project>
    let lane: Lane
    let branch: String
    let environment: String
    let commit: String
    /// `nil` from senders that do not say.
    let startedAt: Date?
    let tally: Tally
    /// It ended by itself, and nothing of it is missing.
    let isWhole: Bool
}
