import AnalyticsAPI
import Foundation
import Primitives

/// What a person says of a test whatever the machine makes of it, and the form to say so.
struct TestVerdictPanel: Sendable {
    static let fields: Set<String> = ["kind", "reason"]
    /// UNKNOWN is none: who does not know says nothing.
    private static let kinds: [PBStability.Kind] = [.flaky, .stable, .broken, .regressed, .environment]

    struct Word: Sendable {
        let reason: String
        let person: String
        let said: Moment
    }

    struct Choice: Sendable {
        let value: String
        let label: String
        let isChosen: Bool
    }

    struct Form: Sendable {
        let path: String
        let choices: [Choice]
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
    ///   - attempt: what somebody has just sent and why it was not taken, for whom it is shown again.
    init(_ verdict: PBTestVerdict, canWrite: Bool, attempt: (fields: [String: String], fault: Fault)? = nil, now: Date) {
        word =
            verdict.kind == .unspecified
            ? nil : Word(reason: verdict.reason, person: verdict.decidedBy, said: Moment(verdict.decidedAt, now: now))
        let chosen = attempt.map { Self.kind($0.fields) } ?? verdict.kind
        let isStale = attempt?.fault == .versionStale
        let refusal = attempt.map { FormRefusal($0.fault, fields: Self.fields) }
        form =
            canWrite
            ? Form(
                path: PageAddress.path("tests", verdict.test, "verdict"),
                choices: Self.kinds.map { Choice(value: Self.name($0), label: Badge($0).label, isChosen: $0 == chosen) },
                reason: attempt?.fields["reason"] ?? word?.reason ?? "",
                version: isStale ? verdict.version : attempt.map { Visit.version($0.fields) } ?? verdict.version,
                refusal: refusal.flatMap { $0["kind"] ?? $0["reason"] ?? $0.detail }, canGiveBack: word != nil) : nil
    }

    /// What was chosen; unspecified when it is none of them.
    static func kind(_ fields: [String: String]) -> PBStability.Kind { kinds.first { name($0) == fields["kind"] } ?? .unspecified }

    private static func name(_ kind: PBStability.Kind) -> String { Badge(kind).label.lowercased() }
}
