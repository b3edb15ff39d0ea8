import Foundation
import Primitives
import ValidationAPI

/// What a person filed a failure as whatever the machine makes of it, and the form to say so.
struct FailureVerdictPanel: Sendable {
    static let fields: Set<String> = ["category", "severity", "note"]
    /// UNKNOWN is none: who does not know says nothing. Where it was said, or nothing was, none is chosen.
    static let categories: [PBCategory.Value] = PBCategory.Value.allCases.filter { $0 != .categoryUnspecified && $0 != .unknown }
    private static let severities: [PBSeverity.Value] = [.critical, .high, .medium, .low]

    struct Word: Sendable {
        let category: String
        let note: String?
        let person: String
        let said: Moment
        /// The failure that it was said of, where another one is shown.
        let otherPath: String?
    }

    struct Choice: Sendable {
        let value: String
        let label: String
        let isChosen: Bool
    }

    struct Form: Sendable {
        let path: String
        /// Where it was shown, when that is another page.
        let back: String?
        let categories: [Choice]
        let severities: [Choice]
        let note: String
        let version: Int64
        /// Why the last word was not taken. Named as nothing on a page is: a template takes what is absent here from around it.
        let mistake: String?
        let canGiveBack: Bool
    }

    /// `nil` while the machine decides.
    let word: Word?
    /// `nil` for who may only read.
    let form: Form?

    /// - Parameters:
    ///   - verdict: what stands.
    ///   - shown: the failure that it is shown beside.
    ///   - attempt: what somebody has just sent and why it was not taken, for whom it is shown again.
    init(
        _ verdict: PBVerdict, beside shown: String, canWrite: Bool, back: String? = nil, attempt: (fields: [String: String], fault: Fault)? = nil,
        now: Date
    ) {
        let isSaid = verdict.category != .categoryUnspecified
        word =
            isSaid
            ? Word(
                category: JudgementText.category(verdict.category), note: verdict.note.nonEmpty?.shortened(to: 2000),
                person: verdict.decidedBy.nonEmpty ?? "somebody", said: Moment(verdict.decidedAt, now: now),
                otherPath: verdict.result == shown ? nil : PageAddress.path("results", verdict.result)) : nil
        let category = attempt.map { Self.category($0.fields) } ?? verdict.category
        let severity = attempt.map { Self.severity($0.fields) } ?? verdict.severity
        let isStale = attempt?.fault == .versionStale
        let refusal = attempt.map { FormRefusal($0.fault, fields: Self.fields) }
        form =
            canWrite
            ? Form(
                path: PageAddress.path("results", verdict.result, "verdict"), back: back,
                categories: Self.categoryChoices(category), severities: Self.severityChoices(severity),
                note: attempt?.fields["note"] ?? verdict.note,
                version: isStale ? verdict.version : attempt.map { Visit.version($0.fields) } ?? verdict.version,
                mistake: refusal.flatMap { $0["category"] ?? $0["severity"] ?? $0["note"] ?? $0.detail }, canGiveBack: isSaid) : nil
    }

    static func categoryChoices(_ chosen: PBCategory.Value = .categoryUnspecified) -> [Choice] {
        categories.map { Choice(value: name($0), label: JudgementText.category($0), isChosen: $0 == chosen) }
    }

    static func severityChoices(_ chosen: PBSeverity.Value = .severityUnspecified) -> [Choice] {
        severities.map { Choice(value: JudgementText.severity($0).label, label: JudgementText.severity($0).label, isChosen: $0 == chosen) }
    }

    /// What was chosen; unspecified when it is none of them.
    static func category(_ fields: [String: String]) -> PBCategory.Value {
        categories.first { name($0) == fields["category"] } ?? .categoryUnspecified
    }

    /// Unspecified for the machine's.
    static func severity(_ fields: [String: String]) -> PBSeverity.Value {
        severities.first { JudgementText.severity($0).label == fields["severity"] } ?? .severityUnspecified
    }

    static func name(_ category: PBCategory.Value) -> String { JudgementText.category(category).lowercased() }
}
