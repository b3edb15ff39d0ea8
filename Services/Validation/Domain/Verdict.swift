import Foundation
import Primitives

/// What a person says about a failure. The latest wins over every rule.
///
/// It is a lesson for failures that no rule knows (`Lesson`) until it is taken back.
struct Verdict: Sendable {
    static let maxNote = 2000

    let result: ID<Result>
    /// `nil` where the failure is the machine's: nobody has said anything, or it was taken back.
    let category: Category?
    /// `nil` where the person named none: the failure is then as severe as the machine says, and that is nobody's word.
    let severity: Severity?
    let note: String
    let decidedBy: String
    let decidedAt: Date?
    /// 1 before anybody has said anything.
    let version: Int64
}
