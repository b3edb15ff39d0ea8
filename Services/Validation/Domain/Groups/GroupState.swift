import Foundation
import Primitives

/// What became of a group. The raw values are stored.
enum GroupState: String, Sendable, CaseIterable {
    /// Seen in one run.
    case new
    /// Seen in more than one.
    case ongoing
    /// Resolved, and contradicted since.
    case regressed
    case resolved
}

/// What a group's state follows from: sums over its signatures, each of which carries its own resolution. So the state does not depend on the order in
/// which failures came and groups were put together, and a merge resolves nothing that nobody resolved.
struct GroupEvidence: Sendable, Equatable {
    /// Seen in more than one run.
    var isRecurring: Bool
    /// The latest resolution of any signature.
    var resolvedAt: Date?
    /// Long absence is what resolved it.
    var isAbsence = false
    /// A resolved signature is contradicted (`Resolution.isContradicted`), by what an edition knows of commits (`LifeCycle.contradictions`).
    var hasRegressed = false
    /// Signatures without a resolution, and when the latest of them was seen first.
    var openSignatures: Int
    var newestOpenAt: Date?
    /// Of those that came after the latest resolution: the earliest failure that contradicts it (`Resolution.isContradicted`), of those that the
    /// edition looks at.
    var otherWordsAt: Date?

    /// As far as an edition heeds it: what an earlier one made its state from is compared with nothing that it never asked for.
    func heeded(by rules: LifeCycle) -> GroupEvidence {
        guard !rules.otherWords.asksForProof else { return self }
        var heeded = self
        heeded.otherWordsAt = nil
        return heeded
    }
}

/// The state of a group, and what made it so.
struct GroupStanding: Sendable, Equatable {
    enum Reason: Sendable, CaseIterable {
        case seenOnce, seenAgain
        case resolvedByPerson, resolvedByAbsence
        /// A failure of a resolved signature proves the resolution wrong.
        case contradicted
        /// It came back in other words.
        case otherWords
        /// Some of its signatures are resolved, the others are open.
        case partlyResolved
    }

    let state: GroupState
    let reason: Reason

    /// | resolutions | contradicted | signatures without one | state |
    /// |---|---|---|---|
    /// | none | | all | new in one run, ongoing in several |
    /// | some | yes | | regressed |
    /// | all | no | none | resolved |
    /// | some | no | one that came after the resolution (`LifeCycle.otherWords`): the trouble came back in other words | regressed |
    /// | some | no | none that proves anything: seen before, elsewhere, or on a commit that ran before | as without a resolution |
    init(_ evidence: GroupEvidence, by rules: LifeCycle = .current) {
        (state, reason) = Self.judge(evidence, by: rules)
    }

    private static func judge(_ evidence: GroupEvidence, by rules: LifeCycle) -> (GroupState, Reason) {
        let open: GroupState = evidence.isRecurring ? .ongoing : .new
        guard let resolvedAt = evidence.resolvedAt else { return (open, evidence.isRecurring ? .seenAgain : .seenOnce) }
        if evidence.hasRegressed { return (.regressed, .contradicted) }
        if evidence.openSignatures == 0 { return (.resolved, evidence.isAbsence ? .resolvedByAbsence : .resolvedByPerson) }
        let isBack =
            switch rules.otherWords {
            case .unheeded: false
            case .newer: evidence.newestOpenAt.map { $0 > resolvedAt } ?? false
            case .contradictingAtEnds, .contradicting: evidence.otherWordsAt != nil
            }
        return isBack ? (.regressed, .otherWords) : (open, .partlyResolved)
    }
}

/// Somebody, or long absence, says that a trouble is over.
struct Resolution: Sendable, Equatable {
    let at: Date
    /// Empty when nobody said so.
    let by: String
    /// Where it was mended; empty for everywhere.
    let branch: String
    /// With which commit; empty when that was not said.
    let commit: String
    /// What long absence was reached from; `nil` when somebody said so, and for what was resolved before it was kept.
    var absence: Absence.Proof?

    var isAbsence: Bool { by.isEmpty }

    /// Whether a failure proves the resolution wrong. What ran before proves nothing, whenever its report arrives, nor does another try of a commit that
    /// had run before: the mending is not in it. Which commit stands on which is not known here, so "after" means "ran first after".
    /// - Parameter commitSince: when the first run of the failure's commit started, as far as known; of a failure without a commit its own run.
    func isContradicted(by sighting: Sighting, commitSince: Date) -> Bool {
        guard branch.isEmpty || branch == sighting.branch else { return false }
        if CommitName.areSame(commit, sighting.commit) { return true }
        return commitSince > at
    }
}

/// A failure that contradicts a resolution.
struct Contradiction: Sendable, Equatable {
    let sighting: Sighting
    /// Since when the commit of that failure runs, as far as known.
    let since: Date

    /// The earliest is told.
    func isBefore(_ other: Contradiction) -> Bool { (sighting.at, sighting.result) < (other.sighting.at, other.sighting.result) }
}

/// When a group that nobody has resolved counts as over. Only failures are heard of here, so this is absence from runs that could have shown it:
/// completed trusted runs on the branch and in the environment of the last failure, which started after it and had at least half as many tests.
/// A branch on which nothing runs any more has been merged or deleted: such runs of the project's other branches, as many and for as long, take
/// their place.
/// Who reopens the group says that all absence until then proves nothing.
enum Absence {
    /// Runs that are counted at most: more prove nothing more.
    static let maxCounted = 1000
    /// The newest runs of a group's environment among which those are looked for that could have shown it: a project may have very many small ones.
    static let maxLookedAt = 2000

    /// What was seen of the absence, beside what is enough.
    struct Proof: Sendable, Equatable {
        let runs: Int32
        /// Whole ones.
        let days: Int32
        let neededRuns: Int32
        let neededDays: Int32
        /// The runs were on other branches: nothing had run on the group's own for `LifeCycle.silentDays`.
        var isElsewhere = false

        var isEnough: Bool { runs >= neededRuns && days >= neededDays }
    }

    /// What is known now of the runs that a resolved group was absent from until it was.
    struct Recount: Sendable {
        /// From when on they count (`Absence.start`), by what is known now.
        let start: Date
        let resolvedAt: Date
        /// Those that could have shown it, of so many that were looked at.
        let runs: Int
        let lookedAt: Int
        /// The run in which it was seen last is still known: so are those that came later.
        let isWhole: Bool

        /// - Returns: `nil` where it cannot be said any more: it was seen since it was resolved, was taken apart, or has more runs than are
        ///   looked at.
        func proof(beside kept: Proof) -> Proof? {
            let days = Int32(clamping: Int((resolvedAt.timeIntervalSince(start) / 86_400).rounded(.down)))
            guard isWhole, days >= 0, days <= kept.days, runs >= kept.neededRuns || lookedAt < Absence.maxLookedAt else { return nil }
            return Proof(
                runs: Int32(clamping: runs), days: days, neededRuns: kept.neededRuns, neededDays: kept.neededDays, isElsewhere: kept.isElsewhere)
        }
    }

    /// Whoever has been seen or reopened since cannot be absent.
    static func cutoff(now: Date, by rules: LifeCycle = .current) -> Date { now.addingTimeInterval(-Double(rules.absentDays) * 86_400) }

    /// A branch on which nothing has run since is merged or deleted; `nil` where an edition takes none for that.
    static func silence(now: Date, by rules: LifeCycle = .current) -> Date? {
        rules.silentDays.map { now.addingTimeInterval(-Double($0) * 86_400) }
    }

    /// From when on days and runs count.
    /// - Parameter reopenedAt: when any of its signatures was last reopened.
    static func start(lastSeen: Date, reopenedAt: Date?) -> Date { reopenedAt.map { max(lastSeen, $0) } ?? lastSeen }

    static func isOver(since start: Date, runsSince: Int, now: Date, by rules: LifeCycle = .current) -> Bool {
        start < cutoff(now: now, by: rules) && runsSince >= rules.absentRuns
    }

    static func proof(
        since start: Date, runsSince: Int, elsewhere: Bool = false, now: Date, by rules: LifeCycle = .current
    ) -> Proof {
        Proof(
            runs: Int32(clamping: runsSince), days: Int32(clamping: Int(now.timeIntervalSince(start) / 86_400)),
            neededRuns: Int32(rules.absentRuns), neededDays: Int32(rules.absentDays), isElsewhere: elsewhere)
    }
}
