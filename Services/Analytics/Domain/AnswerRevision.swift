import Foundation

/// What an answer about a project depends on beside the request: what the project has delivered, the day (days are counted back from today), and how answers
/// are worked out. It rises with each of them, and fits into a JavaScript number for a century.
struct AnswerRevision: Sendable, Equatable {
    /// To be raised with every release that works an answer out in another way: trends, changes, scores or comparisons.
    static let edition: Int64 = 2

    let number: Int64

    /// - Parameters:
    ///   - day: days since 1970.
    ///   - changes: of what is known of the project; 0 while nothing is.
    init(day: Int64, changes: Int64) {
        number = day << 34 | Self.edition << 28 | min(changes, 1 << 28 - 1)
    }
}
