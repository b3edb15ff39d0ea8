/// What a badge says: a label, a message, and a colour that promises no more than is so.
struct StatusBadge: Equatable, Sendable {
    enum Metric: String, CaseIterable, Sendable { case status, passrate, tests }

    /// How a finished run ended.
    enum Ending: Sendable { case passed, failed, error, cancelled, timedOut }

    /// Names are shields.io's; white text is readable on each of the values (WCAG 2.2 AA, 4.5:1).
    enum Colour: String, Sendable {
        case green = "brightgreen"
        case amber = "orange"
        case red
        case grey = "lightgrey"

        var hex: String {
            switch self {
            case .green: "#2e7d32"
            case .amber: "#a85b00"
            case .red: "#c62828"
            case .grey: "#616161"
            }
        }
    }

    /// The numbers of a run. What failed and what could not be carried out both did not pass.
    struct Numbers: Equatable, Sendable {
        var passed: Int64 = 0
        var failed: Int64 = 0
        var errored: Int64 = 0
        var skipped: Int64 = 0
        var judged: Int64 { passed + failed + errored }
    }

    static let maxLabel = 60

    let label: String
    let message: String
    let colour: Colour
    /// Nothing was found to tell of.
    var isError = false

    /// The same whether there is no such project, no such metric, or no right to see it.
    static func notFound(label: String?) -> StatusBadge {
        StatusBadge(label: label.flatMap(checked) ?? "assay", message: "not found", colour: .grey, isError: true)
    }

    /// - Parameters:
    ///   - label: in place of the metric's own.
    ///   - run: the newest finished one; `nil` when there is none.
    init(_ metric: Metric, label: String?, run: (ending: Ending, numbers: Numbers, isIncomplete: Bool)?) {
        let standard =
            switch metric {
            case .status, .tests: "tests"
            case .passrate: "pass rate"
            }
        self.label = label.flatMap(Self.checked) ?? standard
        guard let run else {
            (message, colour) = ("no runs", .grey)
            return
        }
        switch metric {
        case .status: (message, colour) = Self.status(run.ending, isIncomplete: run.isIncomplete, run.numbers)
        case .passrate: (message, colour) = Self.rate(run.numbers)
        case .tests: (message, colour) = Self.counts(run.numbers)
        }
    }

    private init(label: String, message: String, colour: Colour, isError: Bool) {
        self.label = label
        self.message = message
        self.colour = colour
        self.isError = isError
    }

    private static func status(_ ending: Ending, isIncomplete: Bool, _ numbers: Numbers) -> (String, Colour) {
        switch ending {
        // A report that was cut off may have held failures, and no test at all proves nothing.
        case .passed where isIncomplete: ("incomplete", .amber)
        case .passed where numbers.judged == 0: ("no tests", .grey)
        case .passed: ("passing", .green)
        case .failed: ("failing", .red)
        case .error: ("error", .red)
        case .timedOut: ("timed out", .amber)
        case .cancelled: ("cancelled", .grey)
        }
    }

    /// One decimal, rounded down: 999 of 1,000 are not 100 %.
    private static func rate(_ numbers: Numbers) -> (String, Colour) {
        guard numbers.judged > 0 else { return ("no tests", .grey) }
        let permille = Int64((Double(numbers.passed) / Double(numbers.judged) * 1000).rounded(.down))
        let capped = numbers.passed < numbers.judged ? min(permille, 999) : 1000
        let text = capped == 1000 ? "100%" : "\(capped / 10).\(capped % 10)%"
        return (text, capped == 1000 ? .green : capped >= 900 ? .amber : .red)
    }

    private static func counts(_ numbers: Numbers) -> (String, Colour) {
        let bad = numbers.failed + numbers.errored
        var parts = numbers.passed > 0 || bad == 0 ? ["\(numbers.passed) passed"] : []
        if bad > 0 { parts.append("\(bad) failed") }
        if numbers.skipped > 0 { parts.append("\(numbers.skipped) skipped") }
        guard numbers.judged + numbers.skipped > 0 else { return ("no tests", .grey) }
        return (parts.joined(separator: ", "), bad > 0 ? .red : numbers.passed > 0 ? .green : .grey)
    }

    /// One line, without control characters, of bounded length; `nil` for nothing.
    private static func checked(_ text: String) -> String? {
        let line = String(
            text.unicodeScalars.filter { $0.properties.generalCategory != .control && $0.properties.generalCategory != .format }.map(Character.init))
        let cut = String(line.prefix(maxLabel))
        return cut.isEmpty ? nil : cut
    }
}
