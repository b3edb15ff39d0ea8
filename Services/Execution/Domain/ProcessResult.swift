/// Results of an upload that no test gave: the command that ran the tests ended badly, or a report stops in its middle. They are results like all
/// others, so that such a failure is counted, grouped and told; their types are what the built-in rules know them by.
enum ProcessResult {
    static let suite = "process"
    /// Classes, which no test of a suite that is called so by chance has.
    static let exitClass = "exit code"
    static let reportClass = "report end"

    /// Called as the command is, not as its code: a command has one history however it ends.
    static func of(_ command: EndedCommand, run: String) -> ReportedCase {
        var found = ReportedCase(suiteName: suite, className: exitClass, name: [command.name, run].first { !$0.isEmpty } ?? "command")
        found.outcome = .errored
        found.texts = ResultTexts(message: command.code.words, type: "exit.\(command.code.value)")
        return found
    }

    /// - Parameter count: tests that were read before the end.
    static func of(_ cut: CutReport, file: String, count: Int) -> ReportedCase {
        var found = ReportedCase(suiteName: suite, className: reportClass, name: file)
        found.outcome = .errored
        let tests = count == 1 ? "1 test" : "\(count) tests"
        let place = cut.within.isEmpty ? "" : ", within \(cut.within)"
        found.texts = ResultTexts(message: "The report was truncated: it ended after \(tests)\(place).", type: "report.truncated")
        return found
    }

    static func isOne(suite: String, className: String) -> Bool { suite == Self.suite && [exitClass, reportClass].contains(className) }
    static func isExit(_ result: TestResult) -> Bool { result.suiteName == suite && result.className == exitClass }
}

/// A report that ends too early, where no test of it says so already.
struct CutReport: Equatable, Sendable {
    /// What it ended in, for people; empty when that is not known.
    var within = ""
}
