import AnalyticsAPI
import Foundation
import Primitives
import SwiftProtobuf

/// A day since when a project goes differently, with what makes it up, what a person said of it, and the form to say so.
struct TrendChangeRow: Sendable {
    let badge: Badge
    let day: String
    let text: String
    /// A person has said that it is none.
    let isDismissed: Bool
    let causes: [String]
    /// `nil` of what is not kept.
    let receiptPath: String?
    /// `nil` while nobody's word holds.
    let word: Word?
    /// `nil` for who may only read, and of what is not kept.
    let form: Form?

    /// - Parameters:
    ///   - canJudge: whether there is a form.
    ///   - attempt: a word that was not taken, when it is about this change.
    init(_ change: PBTrendChange, of project: String, filter: TrendsPage.Filter, canJudge: Bool, attempt: Attempt?, now: Date) {
        let mark = ChartMark(change)
        (day, text) = (mark.day, mark.text)
        isDismissed = change.isDismissed
        badge = isDismissed ? .noChange : Badge(change: mark)
        let commits = change.commits.map { String($0.commitSha.prefix(10)) }.joined(separator: ", ")
        let branch = change.commits.first?.branch.nonEmpty.map { " on \($0.shortened(to: 200))" } ?? ""
        let new = commits.isEmpty ? [] : ["New\(branch) that day, oldest first: \(commits)"]
        let parts = change.causes.map { cause in
            let label = TrendsPage.Filter.dimensions.first { $0.dimension == cause.dimension }?.label ?? "Part"
            let share = "\(NumberText.percent(min(1, cause.share))) of it"
            return "\(label) \(cause.value.shortened(to: 200)): \(share), with \(NumberText.percent(cause.resultsShare)) of the results"
        }
        causes = new + parts
        receiptPath = change.levelChange.nonEmpty.map { ReceiptPage.path(levelChange: $0) }
        word = Word(change.verdict, now: now)
        let own = attempt?.change == change.levelChange ? attempt : nil
        let path = PageAddress.path("projects", project, "trends", "changes", change.levelChange, "verdict")
        form =
            canJudge && !change.levelChange.isEmpty
            ? Form(path: path, verdict: change.verdict, hidden: filter.with("", ""), attempt: own) : nil
    }

    struct Word: Sendable {
        let label: String
        /// Not called a note: that of the form would stand in where there is none.
        let why: String?
        let person: String
        let said: Moment

        /// `nil` where none holds.
        init?(_ verdict: PBLevelChangeVerdict, now: Date) {
            switch verdict.kind {
            case .dismissed: label = "Dismissed"
            case .confirmed: label = "Confirmed"
            case .unspecified, .UNRECOGNIZED: return nil
            }
            why = verdict.note.nonEmpty?.shortened(to: 1000)
            person = verdict.decidedBy.nonEmpty?.shortened(to: 100) ?? "somebody"
            said = Moment(verdict.decidedAt, now: now)
        }
    }

    /// A word that was not taken.
    struct Attempt: Sendable {
        let change: String
        let fields: [String: String]
        let fault: Fault
    }

    struct Form: Sendable {
        let path: String
        let version: Int64
        let note: String
        /// What the page shows, to come back to it.
        let hidden: [QualityPanel.Hidden]
        /// Why the last word was not taken.
        let mistake: String?
        let canTakeBack: Bool

        /// - Parameters:
        ///   - path: that it is sent to.
        ///   - verdict: what holds.
        ///   - attempt: when it is about this change.
        init(path: String, verdict: PBLevelChangeVerdict, hidden: [(name: String, value: String)], attempt: Attempt?) {
            self.path = path
            let isStale = attempt?.fault == .versionStale
            version = isStale ? verdict.version : attempt.map { Visit.version($0.fields) } ?? verdict.version
            note = attempt?.fields["note"] ?? ""
            self.hidden = hidden.map { QualityPanel.Hidden(name: $0.name, value: $0.value) }
            mistake = attempt.flatMap { attempt in
                let refusal = FormRefusal(attempt.fault, fields: ["kind", "note"])
                return refusal["kind"] ?? refusal["note"] ?? refusal.detail
            }
            canTakeBack = verdict.kind != .unspecified
        }
    }

    /// Says what a form says of a change: dismisses it or confirms it, or takes back what was said last.
    static func say(_ fields: [String: String], of change: String, _ visit: Visit) async throws {
        let verdicts = PBLevelChangeVerdicts.Client(wrapping: visit.upstream("analytics"))
        if fields["action"] == "take_back" {
            _ = try await verdicts.deleteLevelChangeVerdict(
                .with {
                    $0.change = change
                    $0.version = Visit.version(fields)
                })
        } else {
            _ = try await verdicts.putLevelChangeVerdict(
                .with {
                    $0.change = change
                    $0.kind = kind(fields)
                    $0.note = String((fields["note"] ?? "").trimmed)
                    $0.version = Visit.version(fields)
                })
        }
    }

    /// What a form says; unspecified when it is none of them.
    private static func kind(_ fields: [String: String]) -> PBLevelChangeVerdict.Kind {
        switch fields["action"] {
        case "dismiss": .dismissed
        case "confirm": .confirmed
        default: .unspecified
        }
    }
}

extension PBTrendChange {
    /// A person has said that it is none, so no chart marks it.
    var isDismissed: Bool { verdict.kind == .dismissed }
}

extension ChartMark {
    init(_ change: PBTrendChange) { self.init(change.figure, on: change.day, from: change.before, to: change.after) }

    /// Of the whole of a project or a part of it.
    init(_ figure: PBTrendChange.Figure, on day: String, from before: Double, to after: Double) {
        switch figure {
        case .passRate:
            self.init(day: day, text: "Pass rate from \(NumberText.percent(before)) to \(NumberText.percent(after))", isWorse: after < before)
        case .duration, .unspecified, .UNRECOGNIZED:
            let (old, new) = (DurationText.of(microseconds: Int64(before)), DurationText.of(microseconds: Int64(after)))
            self.init(day: day, text: "Median duration of a test from \(old) to \(new)", isWorse: after > before)
        }
    }
}

extension Badge {
    /// Of a change that a person has dismissed.
    static let noChange = Badge(css: "skipped", glyph: "–", label: "No change")

    init(change: ChartMark) {
        self = change.isWorse ? Badge(css: "failed", glyph: "↘", label: "Worse") : Badge(css: "passed", glyph: "↗", label: "Better")
    }
}
