import ValidationAPI

/// Words for what lines of logs say.
enum LogPatternText {
    static let template = 500
    static let sample = 1_024

    /// `nil` where the line does not say.
    static func level(_ level: PBLogLevel.Value) -> Badge? {
        switch level {
        case .fatal: Badge(css: "failed", glyph: "✕", label: "Fatal")
        case .error: Badge(css: "failed", glyph: "✕", label: "Error")
        case .warn: Badge(css: "errored", glyph: "!", label: "Warning")
        case .info: Badge(css: "skipped", glyph: "–", label: "Info")
        case .debug: Badge(css: "skipped", glyph: "–", label: "Debug")
        case .trace: Badge(css: "skipped", glyph: "–", label: "Trace")
        case .unknown, .logLevelUnspecified, .UNRECOGNIZED: nil
        }
    }

    static func category(_ category: PBCategory.Value) -> String? {
        category == .categoryUnspecified ? nil : JudgementText.category(category)
    }

    static func lines(_ count: Int64) -> String { NumberText.counted(count, "line") }

    /// What can be chosen in a form, worst first.
    static let levels: [(value: String, label: String)] = [
        ("FATAL", "Fatal"), ("ERROR", "Error"), ("WARN", "Warning"), ("INFO", "Info"), ("DEBUG", "Debug"), ("TRACE", "Trace"),
        ("UNKNOWN", "Not said"),
    ]

    /// What an address says; nothing for what is no level.
    static func level(named text: String) -> PBLogLevel.Value? {
        switch text {
        case "FATAL": .fatal
        case "ERROR": .error
        case "WARN": .warn
        case "INFO": .info
        case "DEBUG": .debug
        case "TRACE": .trace
        case "UNKNOWN": .unknown
        default: nil
        }
    }

    static func options(chosen: String) -> [Option] { levels.map { Option(value: $0.value, label: $0.label, isChosen: $0.value == chosen) } }

    struct Option: Sendable {
        let value: String
        let label: String
        let isChosen: Bool
    }
}
