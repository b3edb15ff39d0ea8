import ExecutionAPI
import Foundation
import Primitives
import SwiftProtobuf

/// What a person says of trying one test again, on the page of the test, and the form to say so.
struct RetryWordPanel: Sendable {
    /// `nil` while the rules decide.
    let word: RetryWordForm.Word?
    /// Known, and nobody says anything.
    let isLeft: Bool
    /// `nil` for who may only read, and while it is not known what holds.
    let form: RetryWordForm?
    /// Why it is not known.
    let lack: String?
    /// Why a word was not taken, where there is no form to say so.
    let refusal: String?

    /// `nil` where there is nothing to tell: nobody says anything, and who looks may not.
    /// - Parameters:
    ///   - word: the newest, also one that was taken back.
    ///   - attempt: a word that was not taken.
    init?(_ word: Panel<PBRetryWord>, on test: String, canSay: Bool, attempt: RetryWordForm.Attempt? = nil, now: Date) {
        let newest = word.content
        self.word = newest.flatMap { RetryWordForm.Word($0, now: now) }
        isLeft = newest != nil && self.word == nil
        form = canSay ? newest.map { RetryWordForm($0, sentTo: Self.path(test), attempt: attempt) } : nil
        lack = word.note
        refusal = form == nil ? attempt?.fault.pageDetail : nil
        guard self.word != nil || form != nil || lack != nil || refusal != nil else { return nil }
    }

    static func path(_ test: String) -> String { PageAddress.path("tests", test, "retry-word") }
}
