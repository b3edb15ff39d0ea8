import Foundation

/// RSpec's `--format json`. Durations are seconds.
struct RSpecDialect: JSONDialect {
    static let format = ReportFormat.rspec
    static let paths: [JSONRecords.Path] = [["examples", "*"], ["summary", "errors_outside_of_examples_count"], ["messages", "*"]]

    private static let known: Set = [
        "id", "description", "full_description", "status", "file_path", "line_number", "run_time", "pending_message", "exception",
    ]

    private let sink: ReportSink
    private var outside = 0
    private var messages: [String] = []

    init(sink: ReportSink) { self.sink = sink }

    mutating func take(_ record: JSONValue, path: Int, line: Int) {
        switch path {
        case 0: takeExample(record, line)
        case 1: outside = record.int ?? 0
        default: if messages.count < 20, let text = record.string { messages.append(Excerpt.of(text, limit: sink.limits.textBytes)) }
        }
    }

    private func takeExample(_ record: JSONValue, _ line: Int) {
        record.list(unknownOf: "an example", known: Self.known, in: sink)
        var found = ReportedCase()
        let description = record.text("description")
        let full = record.text("full_description")
        found.name = sink.name(description.isEmpty ? full : description, line: line)
        if found.name.isEmpty { found.name = sink.name(record.text("id"), line: line) }
        guard !found.name.isEmpty else { return sink.reject("case.name_missing", line: line, "an example has no description and was not taken") }
        if full.hasSuffix(description), full.count > description.count {
            found.suiteName = sink.name(full.dropLast(description.count).trimmingCharacters(in: .whitespaces), line: line)
        }
        found.file = sink.name(record.text("file_path"), line: line)
        found.line = record["line_number"]?.int.flatMap { Int32(exactly: $0) }
        found.microseconds = record["run_time"]?.double.flatMap { sink.microseconds($0, line: line) }
        found.outcome =
            switch record.text("status") {
            case "passed": .passed
            case "failed": .failed
            default: .skipped
            }
        var texts = ResultTexts()
        if let exception = record["exception"] {
            texts.type = sink.name(exception.text("class"), line: line)
            texts.message = sink.text(exception.text("message").trimmingCharacters(in: .newlines), line: line)
            texts.trace = sink.text((exception["backtrace"]?.elements ?? []).compactMap(\.string).joined(separator: "\n"), line: line)
        } else {
            texts.message = sink.text(record.text("pending_message"), line: line)
        }
        if !texts.isEmpty { found.texts = texts }
        sink.cases.append(found)
    }

    /// What broke while files were loaded has no example: one case for all of it, so that it is seen.
    mutating func finish() {
        guard outside > 0 else { return }
        var found = ReportedCase()
        found.name = "(errors outside of examples)"
        found.outcome = .errored
        found.texts = ResultTexts(message: "\(outside) errors occurred outside of examples", trace: sink.text(messages.joined(separator: "\n\n")))
        sink.cases.append(found)
    }
}
