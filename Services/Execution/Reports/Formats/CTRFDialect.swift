import Foundation

/// The Common Test Report Format (ctrf.io, schema 0.0): `results.tests`, durations in milliseconds, times in Unix milliseconds.
struct CTRFDialect: JSONDialect {
    static let format = ReportFormat.ctrf
    static let paths: [JSONRecords.Path] = [["results", "tests", "*"]]

    private static let known: Set = [
        "id", "name", "status", "duration", "start", "stop", "suite", "message", "trace", "snippet", "ai", "line", "rawStatus", "tags", "labels",
        "type", "filePath", "retries", "retryAttempts", "flaky", "stdout", "stderr", "threadId", "attachments", "browser", "device", "screenshot",
        "parameters", "steps", "insights", "extra",
    ]

    private let sink: ReportSink

    init(sink: ReportSink) { self.sink = sink }

    mutating func take(_ record: JSONValue, path: Int, line: Int) {
        record.list(unknownOf: "a test", known: Self.known, in: sink)
        var found = ReportedCase()
        let suite = record["suite"].map { $0.string.map { [$0] } ?? $0.elements.compactMap(\.string) } ?? []
        found.suiteName = sink.name(suite.joined(separator: " > "), line: line)
        found.name = sink.name(record.text("name"), line: line)
        found.file = sink.name(record.text("filePath"), line: line)
        found.line = record["line"]?.int.flatMap { Int32(exactly: $0) }
        found.microseconds = record["duration"]?.double.flatMap { sink.microseconds($0 / 1000, line: line) }
        found.startedAt = record["start"]?.double.flatMap { Self.time($0, sink, line) }
        found.outcome = Self.outcome(record.text("status"))
        if found.name.isEmpty { return sink.reject("case.name_missing", line: line, "a test has no name and was not taken") }
        var texts = ResultTexts()
        texts.message = sink.text(record.text("message"), line: line)
        texts.trace = sink.text(record.text("trace"), line: line)
        texts.systemOut = sink.text(lines(record["stdout"]), line: line)
        texts.systemErr = sink.text(lines(record["stderr"]), line: line)
        if !texts.isEmpty { found.texts = texts }
        addExtras(record, to: &found)
        sink.cases.append(found)
    }

    /// Some writers give seconds where milliseconds are meant.
    private static func time(_ value: Double, _ sink: ReportSink, _ line: Int) -> Date? {
        guard value > 0 else { return nil }
        return sink.time(milliseconds: value < 1e11 ? value * 1000 : value, line: line)
    }

    private static func outcome(_ status: String) -> Outcome {
        switch status {
        case "failed": .failed
        case "skipped", "pending": .skipped
        case "passed": .passed
        default: .errored
        }
    }

    private func addExtras(_ record: JSONValue, to found: inout ReportedCase) {
        for tag in record["tags"]?.elements ?? [] { found.add(property: "tag", tag.words(limit: 500), sink.limits) }
        for name in ["type", "browser", "device", "rawStatus"] where record[name] != nil {
            found.add(property: name, record[name]?.words(limit: 500) ?? "", sink.limits)
        }
        for set in ["labels", "parameters", "extra"] {
            for member in record[set]?.members ?? [] { found.add(property: member.name, member.value.words(limit: 4000), sink.limits) }
        }
        for attachment in record["attachments"]?.elements ?? [] {
            let path = attachment.text("path").isEmpty ? attachment.text("name") : attachment.text("path")
            found.add(attachment: path, type: attachment.text("contentType"), sink.limits)
        }
        for attempt in record["retryAttempts"]?.elements ?? [] {
            found.add(
                ResultExtras.Attempt(
                    outcome: Self.outcome(attempt.text("status")), microseconds: attempt["duration"]?.double.flatMap { sink.microseconds($0 / 1000) },
                    message: sink.text(attempt.text("message")), trace: sink.text(attempt.text("trace"))), sink.limits)
        }
    }

    private func lines(_ value: JSONValue?) -> String {
        guard let value else { return "" }
        return value.string ?? value.elements.map { $0.words(limit: sink.limits.textBytes) }.joined(separator: "\n")
    }

    mutating func finish() {}
}
