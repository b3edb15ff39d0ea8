import Foundation

/// A page of ReportPortal's test items, as `GET /api/v1/{project}/item?filter.eq.launchId=…` answers (`TestItemResource` of reportportal/service-api):
/// `content` has items of all levels, of which those without children are tests. What a failure said is in ReportPortal's logs and not in its items.
struct ReportPortalDialect: JSONDialect {
    static let format = ReportFormat.reportportal
    static let paths: [JSONRecords.Path] = [["content", "*"]]

    private static let known: Set = [
        "id", "uuid", "name", "codeRef", "description", "parameters", "attributes", "type", "startTime", "endTime", "status", "statistics", "parent",
        "pathNames", "launchStatus", "issue", "hasChildren", "hasStats", "launchId", "uniqueId", "testCaseId", "testCaseHash", "patternTemplates",
        "retries", "path", "hasNestedSteps", "analysisOwner",
    ]

    private let sink: ReportSink

    init(sink: ReportSink) { self.sink = sink }

    mutating func take(_ record: JSONValue, path: Int, line: Int) {
        record.list(unknownOf: "an item", known: Self.known, in: sink)
        // Suites, and steps inside of a test, which count nowhere.
        guard record["hasChildren"]?.bool != true, record["hasStats"]?.bool != false, !["SUITE", "STORY"].contains(record.text("type")) else {
            return
        }
        var found = ReportedCase()
        found.outcome = Self.outcome(record.text("status"))
        if record.text("type").hasPrefix("BEFORE_") || record.text("type").hasPrefix("AFTER_") {
            // What runs around tests is no test; when it breaks, that is to be seen.
            guard found.outcome.isTrouble else { return }
            found.outcome = .errored
        }
        let place = ItemPlace(record)
        found.suiteName = sink.name(place.suite, line: line)
        found.className = sink.name(place.className, line: line)
        found.name = sink.name(place.name, line: line)
        found.file = sink.name(place.file, line: line)
        guard !found.name.isEmpty else { return sink.reject("case.name_missing", line: line, "an item has no name and was not taken") }
        let (start, end) = (time(record["startTime"], line), time(record["endTime"], line))
        found.startedAt = start
        if let start, let end { found.microseconds = sink.microseconds(end.timeIntervalSince(start), line: line) }
        addExtras(record, to: &found, line)
        sink.cases.append(found)
    }

    private static func outcome(_ status: String) -> Outcome {
        switch status {
        case "PASSED", "INFO", "WARN": .passed
        case "FAILED": .failed
        case "SKIPPED": .skipped
        // Interrupted, stopped, cancelled, or in progress for ever.
        default: .errored
        }
    }

    /// Milliseconds since 1970, and since version 24 ISO 8601.
    private func time(_ value: JSONValue?, _ line: Int) -> Date? {
        if let milliseconds = value?.double { return sink.time(milliseconds: milliseconds, line: line) }
        return value?.string.flatMap { sink.time($0, line: line) }
    }

    private func addExtras(_ record: JSONValue, to found: inout ReportedCase, _ line: Int) {
        for attribute in record["attributes"]?.elements ?? [] where attribute["system"]?.bool != true {
            let key = attribute.text("key")
            found.add(property: key.isEmpty ? "attribute" : key, attribute["value"]?.words(limit: 4000) ?? "", sink.limits)
        }
        for parameter in record["parameters"]?.elements ?? [] {
            found.add(property: "parameter." + parameter.text("key"), parameter["value"]?.words(limit: 4000) ?? "", sink.limits)
        }
        if let issue = record["issue"] {
            found.add(property: "issue", issue.text("issueType"), sink.limits)
            var texts = ResultTexts()
            texts.message = sink.text(issue.text("comment"), line: line)
            if !texts.isEmpty { found.texts = texts }
        }
        for retry in record["retries"]?.elements ?? [] {
            found.add(ResultExtras.Attempt(outcome: Self.outcome(retry.text("status"))), sink.limits)
        }
    }

    /// Where an item belongs, named as the JUnit reports of the same tests name it where that can be told.
    private struct ItemPlace {
        let suite: String
        let className: String
        let name: String
        let file: String

        init(_ record: JSONValue) {
            suite = (record["pathNames"]?["itemPaths"]?.elements ?? []).map { $0.text("name") }.filter { !$0.isEmpty }.joined(separator: " > ")
            let codeRef = record.text("codeRef")
            var name = record.text("name")
            // Only here it is told which of several sets of parameters it was.
            let testCase = record.text("testCaseId")
            if testCase.hasSuffix("]"), testCase.hasPrefix(codeRef + "["), !codeRef.isEmpty, !name.hasSuffix("]") {
                name += testCase.dropFirst(codeRef.count)
            }
            self.name = name
            if let script = codeRef.range(of: ".py:") {
                // `tests/test_shop.py:TestBasket.test_adds` of pytest.
                file = String(codeRef[..<script.lowerBound]) + ".py"
                let inner = codeRef[script.upperBound...].split(separator: ".").dropLast()
                className = ([String(codeRef[..<script.lowerBound]).replacing("/", with: ".")] + inner.map(String.init)).joined(separator: ".")
            } else if codeRef.contains("/") {
                // A file, and titles behind it.
                file = ""
                className = ""
            } else {
                file = ""
                className = codeRef.lastIndex(of: ".").map { String(codeRef[..<$0]) } ?? ""
            }
        }
    }

    mutating func finish() {}
}
