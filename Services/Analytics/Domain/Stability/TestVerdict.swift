import Foundation
import Primitives

/// What a person says of a test. The latest stands above what the machine says, which goes on judging underneath.
///
/// Nothing is learnt from it: what `StabilityVerdict` looks at are results and messages, and no person's word is among them.
struct TestVerdict: Sendable, Equatable {
    static let maxReason = 1000
    /// Who does not know says nothing.
    static let kinds = Set(StabilityVerdict.Kind.allCases).subtracting([.unknown])

    let test: ID<Test>
    /// `nil` where the machine decides: nobody has said anything, or it was taken back.
    let kind: StabilityVerdict.Kind?
    let reason: String
    let decidedBy: String
    let decidedAt: Date?
    /// 1 before anybody has said anything.
    let version: Int64
}
