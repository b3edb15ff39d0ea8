/// Durations as people read them: two units at most, no more digits than matter.
enum DurationText {
    static func of(microseconds: Int64) -> String {
        switch max(0, microseconds) {
        case ..<1_000: "\(max(0, microseconds)) µs"
        case ..<10_000: tenths(microseconds, 1_000) + " ms"
        case ..<999_500: "\((microseconds + 500) / 1_000) ms"
        default: of(milliseconds: microseconds / 1_000)
        }
    }

    static func of(milliseconds: Int64) -> String {
        let milliseconds = max(0, milliseconds)
        let seconds = milliseconds / 1_000
        return switch milliseconds {
        case ..<1_000: "\(milliseconds) ms"
        case ..<60_000: tenths(milliseconds, 1_000) + " s"
        case ..<3_600_000: "\(seconds / 60) min \(seconds % 60) s"
        case ..<86_400_000: "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
        default: "\(seconds / 86_400) d \(seconds % 86_400 / 3_600) h"
        }
    }

    /// Rounded down, so that 59.99 s does not read 60 s.
    private static func tenths(_ value: Int64, _ unit: Int64) -> String {
        let tenth = value % unit * 10 / unit
        return tenth == 0 ? "\(value / unit)" : "\(value / unit).\(tenth)"
    }
}
