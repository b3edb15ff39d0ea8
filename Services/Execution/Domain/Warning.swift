/// Something in a report that a person should know of. Stored as JSON.
struct Warning: Codable, Equatable, Sendable {
    let file: String
    /// Counts from 1; 0 when it is about the whole file.
    let line: Int
    /// Stable: `report.truncated`, `case.time_invalid`, …
    let code: String
    let detail: String
}

/// The first warnings of an upload; those beyond the limit are only counted.
struct WarningLog: Sendable {
    static let limit = 1000

    private(set) var warnings: [Warning] = []
    private(set) var dropped = 0

    /// `detail` is only put together when there is room for it: a broken report may earn a warning per case.
    mutating func add(_ code: String, file: String, line: Int, _ detail: @autoclosure () -> String) {
        guard warnings.count < Self.limit else {
            dropped += 1
            return
        }
        warnings.append(Warning(file: file, line: line, code: code, detail: detail()))
    }

    mutating func append(_ other: WarningLog) {
        let taken = other.warnings.prefix(Self.limit - warnings.count)
        warnings += taken
        dropped += other.dropped + other.warnings.count - taken.count
    }
}
