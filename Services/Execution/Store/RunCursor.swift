import Foundation
import Primitives

/// Where a page of runs ended: `<microseconds since 1970>.<id>`. Ids alone do not do: those of CI runs are computed and have no order in time.
struct RunCursor: Sendable {
    let createdAt: Date
    let id: ID<Run>

    init(_ run: Run) {
        createdAt = run.createdAt
        id = run.id
    }

    /// - Throws: `page.invalid_cursor`.
    init(_ text: String) throws(Fault) {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let micros = Int64(parts[0]), micros.magnitude < 1 << 53, let id = try? ID<Run>(String(parts[1])) else {
            throw .invalidCursor
        }
        createdAt = Date(timeIntervalSince1970: Double(micros) / 1_000_000)
        self.id = id
    }

    var text: String { "\(Int64((createdAt.timeIntervalSince1970 * 1_000_000).rounded())).\(id)" }
}
