import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// What a person says of trying a test again, and the form to say so.
struct RetryWordForm: Sendable {
    static let kinds: [(name: String, label: String, kind: PBRetryWord.Kind)] = [
        ("never", "Never tried again", .never), ("always", "Always tried again", .always),
    ]

    /// What holds.
    struct Word: Sendable {
        let label: String
        let why: String
        let person: String
        let said: Moment

        /// `nil` while the rules decide.
        init?(_ word: PBRetryWord, now: Date) {
            guard let label = RetryWordForm.kinds.first(where: { $0.kind == word.kind })?.label else { return nil }
            self.label = label
            why = word.note.shortened(to: 1000)
            person = word.saidBy
            said = Moment(word.saidAt, now: now)
        }
    }

    struct Choice: Sendable {
        let value: String
        let label: String
        let isChosen: Bool
    }

    /// A word that was not taken.
    struct Attempt: Sendable {
        let test: String
        let fields: [String: String]
        let fault: Fault
    }

    let wordPath: String
    let choices: [Choice]
    let why: String
    let version: Int64
    /// Why the last word was not taken.
    let mistake: String?
    let canTakeBack: Bool

    /// - Parameters:
    ///   - word: the newest on the test, also one that was taken back.
    ///   - path: to which the form is sent; wherever it is said, the word is the project's.
    ///   - attempt: when it is about this test.
    init(_ word: PBRetryWord, sentTo path: String, attempt: Attempt?) {
        wordPath = path
        let chosen = attempt.map { Self.kind($0.fields) } ?? (word.kind == .unspecified ? .never : word.kind)
        choices = Self.kinds.map { Choice(value: $0.name, label: $0.label, isChosen: $0.kind == chosen) }
        why = attempt?.fields["note"] ?? word.note
        // Nobody has said anything: that is the first version.
        let newest = max(1, word.version)
        version = attempt?.fault == .versionStale ? newest : attempt.map { Visit.version($0.fields) } ?? newest
        mistake = attempt.flatMap { attempt in
            let refusal = FormRefusal(attempt.fault, fields: ["kind", "note"])
            return refusal["kind"] ?? refusal["note"] ?? refusal.detail
        }
        canTakeBack = word.kind != .unspecified
    }

    /// What was chosen; unspecified when it is none of them.
    static func kind(_ fields: [String: String]) -> PBRetryWord.Kind { kinds.first { $0.name == fields["kind"] }?.kind ?? .unspecified }

    /// Overrules the rules on one test, or leaves it to them again.
    /// - Parameter project: of the test.
    static func say(_ fields: [String: String], on test: String, of project: String, _ visit: Visit) async throws {
        let words = PBRetryWords.Client(wrapping: visit.upstream("execution"))
        if fields["action"] == "take_back" {
            _ = try await words.deleteRetryWord(
                .with {
                    $0.project = project
                    $0.test = test
                    $0.version = Visit.version(fields)
                })
        } else {
            _ = try await words.putRetryWord(
                .with {
                    $0.project = project
                    $0.test = test
                    $0.kind = kind(fields)
                    $0.note = String((fields["note"] ?? "").trimmed)
                    $0.version = Visit.version(fields)
                })
        }
    }
}
