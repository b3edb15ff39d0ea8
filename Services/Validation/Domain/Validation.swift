import Foundation
import Primitives

/// What is known about a run as a whole.
struct Validation: Sendable {
    struct CategoryCount: Sendable {
        let category: Category
        let worst: Severity
        let count: Int64
    }

    let run: ID<Run>
    let project: ID<Project>
    /// `nil` while results may still arrive.
    let judgedAt: Date?
    /// Most first.
    let categories: [CategoryCount]

    var failures: Int64 { categories.reduce(0) { $0 + $1.count } }
}
