import Foundation

/// What people read: answers on standard output, everything about them on standard error, colours only where somebody looks.
struct Console: Sendable {
    let outputIsTerminal: Bool
    let errorIsTerminal: Bool
    let hasColours: Bool

    /// Colours go by https://no-color.org.
    init(_ surroundings: Surroundings) {
        outputIsTerminal = isatty(STDOUT_FILENO) == 1
        errorIsTerminal = isatty(STDERR_FILENO) == 1
        hasColours = outputIsTerminal && (surroundings.environment["NO_COLOR"] ?? "").isEmpty && surroundings.environment["TERM"] != "dumb"
    }

    init(outputIsTerminal: Bool = false, errorIsTerminal: Bool = false, hasColours: Bool = false) {
        self.outputIsTerminal = outputIsTerminal
        self.errorIsTerminal = errorIsTerminal
        self.hasColours = hasColours
    }

    /// Columns of the terminal, `nil` where there is none.
    var width: Int? {
        guard outputIsTerminal else { return nil }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return nil }
        return Int(size.ws_col)
    }

    func say(_ text: String) { print(text) }

    func write(_ data: Data) {
        fflush(nil)
        // Whoever reads us may have seen enough.
        try? FileHandle.standardOutput.write(contentsOf: data)
    }

    func note(_ text: String) { Self.error("assay: \(text)") }

    func warn(_ text: String) { Self.error("assay: warning: \(text)") }

    static func error(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8)) }

    enum Colour: String {
        case red = "31"
        case green = "32"
        case yellow = "33"
        case dim = "2"
    }

    func paint(_ text: String, _ colour: Colour?) -> String {
        guard hasColours, let colour else { return text }
        return "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    }

    /// Of a run's state or a result's outcome.
    static func colour(of word: String) -> Colour? {
        switch word.uppercased() {
        case "PASSED": .green
        case "FAILED", "ERROR", "ERRORED", "TIMED_OUT": .red
        case "RUNNING", "QUEUED": .yellow
        case "SKIPPED", "CANCELLED": .dim
        default: nil
        }
    }
}
