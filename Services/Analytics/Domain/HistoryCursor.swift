import Foundation
import Primitives

/// Where a page of a test's history ends: microseconds since the epoch and the result, since executions of one run share their time.
struct HistoryCursor: CustomStringConvertible {
    let startedAt: Date
    let result: ID<Result>

    init(startedAt: Date, result: ID<Result>) {
        self.startedAt = startedAt
        self.result = result
    }

    /// - Throws: `page.invalid_cursor`.
    init?(_ text: String?) throws(Fault) {
        guard let text else { return nil }
        let parts = text.split(separator: "~")
        guard parts.count == 2, let microseconds = Int64(parts[0]), let result = try? ID<Result>(String(parts[1])) else { throw .invalidCursor }
        startedAt = Date(timeIntervalSince1970: Double(microseconds) / 1_000_000)
        self.result = result
    }

    var description: String { "\(Int64((startedAt.timeIntervalSince1970 * 1_000_000).rounded()))~\(result)" }
}
