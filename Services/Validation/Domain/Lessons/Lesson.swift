import Foundation
import Primitives

/// What people filed the failures of one signature as: the latest word that stands on any of them. Only people teach: what the machine makes of a failure,
/// by rule or learned, never becomes one, nor does anything about failures of untrusted runs.
struct Lesson: Sendable, Equatable {
    let signature: Signature
    let category: Category
    /// `nil` where the person named none; the severity that a verdict has then is the machine's.
    let severity: Severity?
    /// The failure of which it was said, and the version of the verdict.
    let result: ID<Result>
    let verdict: Int64
    let decidedBy: String
    let decidedAt: Date
    /// The edition of the project's lessons that it came with.
    let edition: Int64
}

/// A lesson that a failure was judged after, as its receipt keeps it.
struct Neighbour: Sendable, Equatable, Codable {
    let result: ID<Result>
    let verdict: Int64
    let category: Category
    let severity: Severity?
    /// In thousandths: whole numbers are the same on every machine, and so are the decisions that hang on them.
    let similarity: Int
}
