import Foundation
import Primitives

/// What a person says that a pattern of logs is. The latest wins over every rule.
struct LogVerdict: Sendable {
    static let maxReason = 1000

    /// As it is called today.
    let pattern: ID<LogPattern>
    /// Unknown for none of them; `nil` where the pattern is the machine's: nobody has said anything, or it was taken back.
    let category: Category?
    let reason: String
    let decidedBy: String
    let decidedAt: Date?
    /// 1 before anybody has said anything.
    let version: Int64
}
