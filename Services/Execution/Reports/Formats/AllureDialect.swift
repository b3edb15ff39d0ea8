import Foundation

/// One Allure result: a file `…-result.json` of an `allure-results` folder, one test each (allurereport.org, "Allure result files").
/// Containers (`…-container.json`) hold fixtures, and are read to tell what broke around tests.
struct AllureDialect: JSONDialect {
    static let format = ReportFormat.allure
    static let paths: [JSONRecords.Path] = [[]]

    private static let known: Set = [
        "uuid", "historyId", "testCaseId", "testCaseName", "fullName", "name", "status", "statusDetails", "stage", "description",
        "descriptionHtml", "steps", "attachments", "parameters", "labels", "links", "start", "stop", "rerunOf", "titlePath",
    ]

    private let sink: ReportSink

    init(sink: ReportSink) { self.sink = sink }

    mutating func take(_ record: JSONValue, path: Int, line: Int) {
        guard record["status"] != nil || record["historyId"] != nil || record["fullName"] != nil || record["stage"] != nil else {
            // A container: no test of its own.
            return
        }
        record.list(unknownOf: "a result", known: Self.known, in: sink)
        guard var found = Self.testCase(record, sink, line: line) else { return }
        for parameter in record["parameters"]?.elements ?? [] where parameter["excluded"]?.bool != true {
            found.add(property: "parameter." + parameter.text("name"), parameter["value"]?.words(limit: 4000) ?? "", sink.limits)
        }
        addAttachments(record, to: &found, depth: 0)
        sink.cases.append(found)
    }

    /// What a result has in common with the line that Allure's history keeps of it.
    /// - Returns: `nil`, with a warning, for one without a name.
    static func testCase(_ record: JSONValue, _ sink: ReportSink, line: Int) -> ReportedCase? {
        var found = ReportedCase()
        let labels = record["labels"]?.elements ?? []
        func label(_ name: String) -> String { labels.first { $0.text("name") == name }?.text("value") ?? "" }
        let suites = [label("parentSuite"), label("suite"), label("subSuite")].filter { !$0.isEmpty }
        found.suiteName = sink.name(suites.isEmpty ? label("feature") : suites.joined(separator: " > "))
        found.className = sink.name(label("testClass").isEmpty ? label("package") : label("testClass"))
        let name = record.text("name").isEmpty ? record.text("fullName") : record.text("name")
        found.name = sink.name(name)
        guard !found.name.isEmpty else {
            sink.reject("case.name_missing", line: line, "an Allure result has no name and was not taken")
            return nil
        }
        if let start = record["start"]?.double {
            found.startedAt = sink.time(milliseconds: start)
            if let stop = record["stop"]?.double { found.microseconds = sink.microseconds((stop - start) / 1000) }
        }
        found.outcome =
            switch record.text("status") {
            case "passed": .passed
            case "failed": .failed
            case "skipped": .skipped
            // `broken`: the test fell over something that is no assertion. `unknown`: it never said.
            default: .errored
            }
        // Its history has both beside the status.
        let details = record["statusDetails"] ?? record
        var texts = ResultTexts()
        texts.message = sink.text(details.text("message"))
        texts.trace = sink.text(details.text("trace"))
        if !texts.isEmpty { found.texts = texts }
        for label in labels where !["parentSuite", "suite", "subSuite", "testClass", "host", "thread"].contains(label.text("name")) {
            found.add(property: label.text("name"), label.text("value"), sink.limits)
        }
        return found
    }

    private func addAttachments(_ record: JSONValue, to found: inout ReportedCase, depth: Int) {
        for attachment in record["attachments"]?.elements ?? [] {
            found.add(attachment: attachment.text("source"), type: attachment.text("type"), sink.limits)
        }
        for step in record["steps"]?.elements ?? [] { addAttachments(step, to: &found, depth: depth + 1) }
    }

    mutating func finish() {}
}
