import AnalyticsAPI
import Foundation

/// The last executions of a test as squares, oldest first, each a link to its result.
struct HistoryStrip: Sendable {
    static let length = 30

    let squares: [Square]

    struct Square: Sendable {
        let css: String
        let glyph: String
        let path: String
        let label: String
        let isCurrent: Bool
    }

    /// - Parameter newestFirst: as the service lists them.
    init(newestFirst: [PBTestExecution], current: String? = nil, now: Date) {
        squares = newestFirst.prefix(Self.length).reversed().map { execution in
            let badge = Badge(execution.outcome)
            let when = Moment(execution.executedAt, now: now)
            let place = [execution.branch, String(execution.commitSha.prefix(10))].filter { !$0.isEmpty }.joined(separator: " ")
            return Square(
                css: badge.css, glyph: badge.glyph, path: PageAddress.result(execution.result),
                label: "\(badge.label), \(when.relative) (\(when.absolute))" + (place.isEmpty ? "" : ", \(place.shortened(to: 100))"),
                isCurrent: execution.result == current)
        }
    }
}
