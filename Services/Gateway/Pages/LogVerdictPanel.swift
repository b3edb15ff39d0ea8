import Foundation
import Primitives
import ValidationAPI

/// What a person says that the lines of a pattern are whatever the machine makes of them, and the form to say so.
struct LogVerdictPanel: Sendable {
    static let fields: Set<String> = ["category", "reason"]
    /// What says that they are none of the categories.
    private static let none = "none"

    struct Word: Sendable {
        let category: String
        let reason: String
        let person: String
        let said: Moment
    }

    struct Form: Sendable {
        let path: String
        let choices: [FailureVerdictPanel.Choice]
        let reason: String
        let version: Int64
        let refusal: String?
        let canGiveBack: Bool
    }

    /// `nil` while the machine decides.
    let word: Word?
    /// `nil` for who may only read.
    let form: Form?

    /// - Parameters:
    ///   - verdict: what stands.
    ///   - project: its slug.
    ///   - attempt: what somebody has just sent and why it was not taken, for whom it is shown again.
    init(
        _ verdict: PBLogPatternVerdict, of project: String, canWrite: Bool, attempt: (fields: [String: String], fault: Fault)? = nil, now: Date
    ) {
        word =
            verdict.category == .categoryUnspecified
            ? nil
            : Word(
                category: verdict.category == .unknown ? "none of the categories" : JudgementText.category(verdict.category),
                reason: verdict.reason.shortened(to: 1000), person: verdict.decidedBy.nonEmpty ?? "somebody",
                said: Moment(verdict.decidedAt, now: now))
        let chosen = attempt.map { Self.category($0.fields) } ?? verdict.category
        let isStale = attempt?.fault == .versionStale
        let refusal = attempt.map { FormRefusal($0.fault, fields: Self.fields) }
        let categories = FailureVerdictPanel.categories.map {
            FailureVerdictPanel.Choice(value: FailureVerdictPanel.name($0), label: JudgementText.category($0), isChosen: $0 == chosen)
        }
        form =
            canWrite
            ? Form(
                path: Self.path(project, verdict.pattern),
                choices: categories + [FailureVerdictPanel.Choice(value: Self.none, label: "None of these", isChosen: chosen == .unknown)],
                reason: attempt?.fields["reason"] ?? verdict.reason,
                version: isStale ? verdict.version : attempt.map { Visit.version($0.fields) } ?? verdict.version,
                refusal: refusal.flatMap { $0["category"] ?? $0["reason"] ?? $0.detail }, canGiveBack: word != nil) : nil
    }

    static func path(_ project: String, _ pattern: String) -> String { PageAddress.path("projects", project, "logs", pattern, "verdict") }

    /// What was chosen; unspecified when it is none of them.
    static func category(_ fields: [String: String]) -> PBCategory.Value {
        fields["category"] == none ? .unknown : FailureVerdictPanel.category(fields)
    }
}
