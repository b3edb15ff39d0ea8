import Foundation
import Primitives

/// How far the failures that were there before a cut have been gone through.
struct CutProgress: Sendable, Equatable {
    /// The raw values are stored.
    enum State: String, Sendable, CaseIterable { case waiting, running, done }

    let signature: ID<Signature>
    let target: ID<Signature>
    let text: String
    let state: State
    /// Failures that the signature had when it was cut. More may have come since.
    let total: Int64
    let done: Int64
    let moved: Int64
    /// They stay where they are.
    let withoutTexts: Int64
    let finishedAt: Date?
}
