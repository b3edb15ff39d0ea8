import Foundation

/// What an answer about a project depends on beside the request: what the project has delivered, the day (days are counted back from today), and how answers
/// are worked out. It changes with each of them, and fits into a JavaScript number for a century.
struct AnswerRevision: Sendable, Equatable {
    /// To be raised with every release that works an answer out in another way: whatever carries a revision.
    static let edition: Int64 = 6
    /// Of a number. What there are more begins anew: a number comes again after as many changes within one day, and not before.
    private static let mostChanges: Int64 = 1 << 28

    let number: Int64

    /// - Parameters:
    ///   - day: days since 1970.
    ///   - changes: of what is known of the project; 0 while nothing is.
    init(day: Int64, changes: Int64) {
        number = day << 34 | Self.edition << 28 | changes & (Self.mostChanges - 1)
    }

    /// One of its own for what has changed since with the clock alone. It does not rise, and fits into a JavaScript number as well.
    /// - Parameter moment: of the last such change; `nil` when there was none.
    static func number(_ number: Int64, since moment: Date?) -> Int64 {
        guard let moment else { return number }
        let text = "\(number)/\(Int64((moment.timeIntervalSince1970 * 1_000_000).rounded()))"
        return Int64(StableHash.of(text) & (1 << 53 - 1)) | 1
    }
}
