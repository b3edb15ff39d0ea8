import AnalyticsAPI
import ExecutionAPI
import Foundation
import ProjectsAPI
import SwiftProtobuf
import ValidationAPI

/// What people have said of one thing so far, the newest first, with the way to all of it. What holds stands beside the thing itself; this is how it came
/// to that.
struct WordsPanel: Sendable {
    /// Words that are shown.
    static let limit: Int32 = 10

    struct Word: Sendable {
        let label: String
        /// Absent where no reason was asked for or given.
        let why: String?
        let person: String
        /// Absent where it is not known.
        let said: Moment?

        fileprivate init(_ label: String, why: String, person: String, said: Google_Protobuf_Timestamp?, now: Date) {
            self.label = label
            self.why = why.nonEmpty?.shortened(to: 2000)
            self.person = person.nonEmpty?.shortened(to: 100) ?? "somebody"
            self.said = said.map { Moment($0, now: now) }
        }
    }

    /// Of the panel on its page, which may have two.
    let id: String
    let title: String
    let words: [Word]
    let hasWords: Bool
    /// Why there are none where they could not be had. Not called a note: one of the page around it would stand in where there is none.
    let lack: String?
    let exports: ExportLinks

    private init?(_ words: [Word]?, lack: String?, _ exports: ExportLinks, id: String = "words", title: String = "What people said") {
        self.id = id
        self.title = title
        self.words = words ?? []
        hasWords = !self.words.isEmpty
        guard hasWords || lack != nil else { return nil }
        self.lack = lack
        self.exports = exports
    }

    /// Of a failure. `nil` where nobody has said anything, as in the others.
    init?(_ said: Panel<PBListVerdictsResponse>, ofResult result: String, now: Date) {
        let words = said.content?.data.map { verdict in
            let severity = verdict.severity == .severityUnspecified ? "" : ", \(JudgementText.severity(verdict.severity).label) severity"
            let isSaid = verdict.category != .categoryUnspecified
            return Word(
                isSaid ? JudgementText.category(verdict.category) + severity : Self.givenBack, why: verdict.note, person: verdict.decidedBy,
                said: verdict.decidedAt, now: now)
        }
        self.init(words, lack: said.note, ExportLinks(PageAddress.path("results", result, "failure", "verdicts")))
    }

    /// Of a test.
    init?(_ said: Panel<PBListTestVerdictsResponse>, ofTest test: String, now: Date) {
        let words = said.content?.data.map { verdict in
            Word(
                verdict.kind == .unspecified ? Self.givenBack : Badge(verdict.kind).label, why: verdict.reason, person: verdict.decidedBy,
                said: verdict.decidedAt, now: now)
        }
        self.init(words, lack: said.note, ExportLinks(PageAddress.path("tests", test, "verdicts")))
    }

    /// Of trying a test again.
    /// - Parameter project: its id or slug.
    init?(_ said: Panel<PBListRetryWordsResponse>, ofRetrying test: String, in project: String, now: Date) {
        let words = said.content?.data.map { word in
            let label = RetryWordForm.kinds.first { $0.kind == word.kind }?.label ?? "Left to the rules"
            return Word(label, why: word.note, person: word.saidBy, said: word.saidAt, now: now)
        }
        let list = PageAddress.path("projects", project, "retry-words")
        self.init(
            words, lack: said.note, ExportLinks(list, [("test", test)]), id: "retry-words", title: "What people said of trying it again")
    }

    /// Of a test that fails in a run and did not in its baseline.
    /// - Parameter baseline: which it is held against; empty for the run's own.
    init?(_ said: Panel<PBListRegressionVerdictsResponse>, ofTest test: String, in run: String, against baseline: String, now: Date) {
        let words = said.content?.data.map { verdict in
            let label = RegressionRow.Form.kinds.first { $0.kind == verdict.kind }?.label ?? Self.givenBack
            let commit = verdict.commitSha.nonEmpty.map { ", by commit \($0.prefix(10))" } ?? ""
            return Word(label + commit, why: verdict.reason, person: verdict.decidedBy, said: verdict.decidedAt, now: now)
        }
        let list = PageAddress.path("runs", run, "regressions", test, "verdicts")
        self.init(words, lack: said.note, ExportLinks(list, [("baseline", baseline)]))
    }

    /// Of an incident of the environment.
    init?(_ said: Panel<PBListEnvironmentVerdictsResponse>, ofIncident incident: String, now: Date) {
        let words = said.content?.data.map { verdict in
            let label =
                switch verdict.kind {
                case .dismissed: "Dismissed"
                case .reinstated: "Reinstated"
                case .declared: "Declared"
                case .unspecified, .UNRECOGNIZED: "Said"
                }
            return Word(label, why: verdict.reason, person: verdict.decidedBy, said: verdict.decidedAt, now: now)
        }
        self.init(words, lack: said.note, ExportLinks(PageAddress.path("environment-incidents", incident, "verdicts")))
    }

    /// Of a change of level.
    init?(_ said: Panel<PBListLevelChangeVerdictsResponse>, ofLevelChange change: String, now: Date) {
        let words = said.content?.data.map { verdict in
            let label =
                switch verdict.kind {
                case .dismissed: "Dismissed"
                case .confirmed: "Confirmed"
                case .unspecified, .UNRECOGNIZED: "Taken back"
                }
            return Word(label, why: verdict.note, person: verdict.decidedBy, said: verdict.decidedAt, now: now)
        }
        self.init(words, lack: said.note, ExportLinks(PageAddress.path("level-changes", change, "verdicts")))
    }

    /// Of the quarantines of a test.
    init?(_ said: Panel<PBListQuarantineVersionsResponse>, ofQuarantined test: String, in project: PBProject, now: Date) {
        let words = said.content?.data.map { version in
            let label =
                switch version.kind {
                case .created: "Put into quarantine"
                case .changed: "Changed"
                case .lifted: "Ended"
                case .unspecified, .UNRECOGNIZED: "Said"
                }
            return Word(
                label, why: Self.text(version, now: now), person: version.saidBy, said: version.hasSaidAt ? version.saidAt : nil, now: now)
        }
        self.init(words, lack: said.note, ExportLinks(PageAddress.path("projects", project.slug, "quarantine", test, "versions")))
    }

    /// What a quarantine said: whose it was, until when, where it was worked on, and why.
    private static func text(_ version: PBQuarantineVersion, now: Date) -> String {
        let until = "until \(QuarantineText.lastDay(version.expiresAt.date, now: now))"
        let ticket = version.ticket.nonEmpty?.shortened(to: 200)
        let parts = [version.owner.shortened(to: 200), until, ticket, version.expired ? "expired" : nil].compactMap(\.self)
        return "\(parts.joined(separator: ", ")): \(version.reason.shortened(to: 1000))"
    }

    private static let givenBack = "Given back to the machine"
}
