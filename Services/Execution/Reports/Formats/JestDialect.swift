import Foundation

/// Jest's `--json`, which Vitest's `json` reporter writes too: files with the assertions made in them. Durations are milliseconds.
struct JestDialect: JSONDialect {
    static let format = ReportFormat.jest
    static let paths: [JSONRecords.Path] = [["testResults", "*"]]

    private static let fileMembers: Set = [
        "name", "testFilePath", "status", "startTime", "endTime", "message", "summary", "assertionResults", "testResults", "failureMessage",
        "numFailingTests", "numPassingTests", "numPendingTests", "numTodoTests", "openHandles", "perfStats", "skipped", "snapshot", "leaks",
        "console", "coverage", "displayName", "testExecError",
    ]
    private static let assertionMembers: Set = [
        "ancestorTitles", "title", "fullName", "status", "duration", "failureMessages", "failureDetails", "invocations", "location",
        "numPassingAsserts", "retryReasons", "startAt", "startTime", "failing", "meta", "tags",
    ]

    private let sink: ReportSink

    init(sink: ReportSink) { self.sink = sink }

    mutating func take(_ record: JSONValue, path: Int, line: Int) {
        record.list(unknownOf: "a file", known: Self.fileMembers, in: sink)
        let file = sink.name(record.text("name").isEmpty ? record.text("testFilePath") : record.text("name"), line: line)
        let assertions = (record["assertionResults"] ?? record["testResults"])?.elements ?? []
        let startedAt = record["startTime"]?.double.flatMap { $0 > 0 ? sink.time(milliseconds: $0, line: line) : nil }
        // The file itself could not be run.
        if assertions.isEmpty, record.text("status") == "failed" || record["failureMessage"] != nil {
            var found = ReportedCase()
            found.name = file
            found.file = file
            found.outcome = .errored
            found.startedAt = startedAt
            let text = record.text("message").isEmpty ? record.text("failureMessage") : record.text("message")
            found.texts = ResultTexts(message: sink.text(text.prefix { $0 != "\n" }.description), trace: sink.text(text, line: line))
            sink.cases.append(found)
        }
        for assertion in assertions {
            assertion.list(unknownOf: "an assertion", known: Self.assertionMembers, in: sink)
            var found = ReportedCase()
            found.suiteName = sink.name((assertion["ancestorTitles"]?.elements ?? []).compactMap(\.string).joined(separator: " > "), line: line)
            found.name = sink.name(assertion.text("title").isEmpty ? assertion.text("fullName") : assertion.text("title"), line: line)
            found.file = file
            found.line = assertion["location"]?["line"]?.int.flatMap { Int32(exactly: $0) }
            found.microseconds = assertion["duration"]?.double.flatMap { sink.microseconds($0 / 1000, line: line) }
            found.startedAt = startedAt
            found.outcome =
                switch assertion.text("status") {
                case "passed", "focused": .passed
                case "failed": .failed
                default: .skipped
                }
            let messages = (assertion["failureMessages"]?.elements ?? []).compactMap(\.string)
            if let first = messages.first {
                found.texts = ResultTexts(
                    message: sink.text(first.prefix { $0 != "\n" }.description), trace: sink.text(messages.joined(separator: "\n\n"), line: line))
            }
            for detail in assertion["retryReasons"]?.elements ?? [] {
                found.add(ResultExtras.Attempt(outcome: .failed, message: sink.text(detail.words(limit: 4000))), sink.limits)
            }
            if found.name.isEmpty { found.name = "(no name)" }
            sink.cases.append(found)
        }
    }

    mutating func finish() {}
}
