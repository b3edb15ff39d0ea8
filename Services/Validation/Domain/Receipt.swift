import Foundation
import Primitives

/// Why a failure has the category that the machine gave it: what is needed to come to the same again.
struct Receipt: Sendable {
    let result: ID<Result>
    let project: ID<Project>
    let className: String
    let testName: String
    let judgement: Judgement
    let edition: Rulebook.Edition
    /// `nil` for what was judged before symptoms were kept.
    let hash: Data?
    let judgedAt: Date
}
