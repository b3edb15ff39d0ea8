import Foundation

/// One run of Allure 3's `history.jsonl` (a line of it: `HistoryDataPoint` of allure3's `core-api`), which is also the form that `assay import allure` gives
/// to the `history.json` of Allure 2. `testResults` has one result a test, by its `historyId`; tests are named as in `allure-results`.
struct AllureHistoryDialect: JSONDialect {
    static let format = ReportFormat.allurehistory
    static let paths: [JSONRecords.Path] = [["testResults", "{}"]]

    private static let known: Set = [
        "id", "name", "fullName", "environment", "environmentName", "status", "message", "trace", "error", "start", "stop", "duration", "labels",
        "url",
        "historyId", "historyUrl", "reportLinks", "retry", "retries", "flaky", "muted", "known", "hidden", "transition",
    ]

    private let sink: ReportSink

    init(sink: ReportSink) { self.sink = sink }

    mutating func take(_ record: JSONValue, path: Int, line: Int) {
        record.list(unknownOf: "a result", known: Self.known, in: sink)
        guard var found = AllureDialect.testCase(record, sink, line: line) else { return }
        if found.texts == nil, let error = record["error"] {
            var texts = ResultTexts()
            texts.message = sink.text(error.text("message"), line: line)
            texts.trace = sink.text(error.text("trace"), line: line)
            if !texts.isEmpty { found.texts = texts }
        }
        if found.microseconds == nil { found.microseconds = record["duration"]?.double.flatMap { sink.microseconds($0 / 1000, line: line) } }
        let place = record.text("environment")
        if !place.isEmpty, place != "default" { found.add(property: "environment", place, sink.limits) }
        sink.cases.append(found)
    }

    mutating func finish() {}
}
