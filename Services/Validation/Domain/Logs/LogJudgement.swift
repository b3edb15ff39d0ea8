import Foundation
import Primitives

/// What the rules made of a line, by which of them and on what.
struct LogJudgement: Sendable {
    /// `nil` for a line that says that all is well: no rule was asked.
    let judgement: Judgement?
    let edition: Rulebook.Edition
    /// SHA-256 of what they saw.
    let hash: Data

    /// `nil` also where no rule knows it.
    var category: Category? { judgement?.category.known }
}

/// Why a pattern has the category that the machine gave it: with its level and its sample all that is needed to come to the same again.
struct LogReceipt: Sendable {
    let judged: LogJudgement
    let judgedAt: Date
}

/// What the same rules make of the same line when they are asked once more.
struct LogReplay: Sendable {
    let receipt: LogReceipt
    let again: Judgement?

    var agrees: Bool { again == receipt.judged.judgement }
}

extension Category {
    /// As patterns have it: what is not known is none.
    var known: Category? { self == .unknown ? nil : self }

    /// - Parameter said: by a person; `nil` where nobody says anything.
    static func standing(_ said: Category?, over judged: Category?) -> Category? {
        guard let said else { return judged }
        return said.known
    }
}
