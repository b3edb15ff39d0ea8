import Foundation

/// Mocha's `json` reporter: every test stands in `tests` and again in `passes`, `failures` or `pending`, which say how it went. Durations are
/// milliseconds.
struct MochaDialect: JSONDialect {
    static let format = ReportFormat.mocha
    static let paths: [JSONRecords.Path] = [["passes", "*"], ["failures", "*"], ["pending", "*"]]

    private static let known: Set = [
        "title", "fullTitle", "file", "duration", "currentRetry", "speed", "err",
    ]

    private let sink: ReportSink

    init(sink: ReportSink) { self.sink = sink }

    mutating func take(_ record: JSONValue, path: Int, line: Int) {
        record.list(unknownOf: "a test", known: Self.known, in: sink)
        var found = ReportedCase()
        let title = record.text("title")
        let full = record.text("fullTitle")
        found.name = sink.name(title.isEmpty ? full : title, line: line)
        guard !found.name.isEmpty else { return sink.reject("case.name_missing", line: line, "a test has no title and was not taken") }
        // What stands before the title are the titles of the suites around it.
        if full.hasSuffix(title), full.count > title.count {
            found.suiteName = sink.name(full.dropLast(title.count).trimmingCharacters(in: .whitespaces), line: line)
        }
        found.file = sink.name(record.text("file"), line: line)
        found.microseconds = record["duration"]?.double.flatMap { sink.microseconds($0 / 1000, line: line) }
        found.outcome = [.passed, .failed, .skipped][path]
        if let error = record["err"], !error.members.isEmpty {
            var texts = ResultTexts()
            texts.message = sink.text(error.text("message"), line: line)
            texts.type = sink.name(error.text("name").isEmpty ? error.text("code") : error.text("name"), line: line)
            texts.trace = sink.text(error.text("stack"), line: line)
            if !texts.isEmpty { found.texts = texts }
        }
        sink.cases.append(found)
    }

    mutating func finish() {}
}
