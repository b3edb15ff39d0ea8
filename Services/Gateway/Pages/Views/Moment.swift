import Foundation
import SwiftProtobuf

/// A point in time as pages show it: how long ago, with the exact time in UTC for whoever points at it.
struct Moment: Sendable, Equatable {
    /// For machines, `2026-03-01T10:00:00Z`.
    let iso: String
    /// `2026-03-01 10:00:00 UTC`
    let absolute: String
    /// `3 min ago`, `in 2 h`; the date once it is more than 30 days away.
    let relative: String

    init(_ date: Date, now: Date) {
        iso = date.formatted(.iso8601)
        let plain = iso.replacing("T", with: " ").replacing("Z", with: "")
        absolute = plain + " UTC"
        let distance = now.timeIntervalSince(date)
        let text = Self.words(abs(distance))
        relative = if let text { text == "now" ? "just now" : distance >= 0 ? "\(text) ago" : "in \(text)" } else { String(plain.prefix(10)) }
    }

    init(_ time: Google_Protobuf_Timestamp, now: Date) {
        self.init(time.date, now: now)
    }

    private static func words(_ seconds: Double) -> String? {
        switch seconds {
        case ..<5: "now"
        case ..<60: "\(Int(seconds)) s"
        case ..<3_600: "\(Int(seconds) / 60) min"
        case ..<86_400: "\(Int(seconds) / 3_600) h"
        case ..<(30 * 86_400): "\(Int(seconds) / 86_400) d"
        default: nil
        }
    }
}
