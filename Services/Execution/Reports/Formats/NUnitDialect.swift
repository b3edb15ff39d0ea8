import Foundation

/// NUnit's own XML: version 3 (`test-run`, docs.nunit.org "Test Result XML Format") and version 2 (`test-results`), which differ in the words for
/// outcomes and in where a class name stands.
struct NUnitDialect: XMLDialect {
    static let format = ReportFormat.nunit
    static let roots: Set = ["test-run", "test-results", "test-suite"]
    static let texts: Set = ["message", "stack-trace", "output", "filePath", "description"]

    private let sink: ReportSink
    private var suites: [Suite] = []
    private var current: ReportedCase?
    private var line = 0
    private var attachment = ""

    private struct Suite {
        let kind: String
        let name: String
        let fullName: String
        let className: String
        var said = ReportedSuite()
        var isCut = false
    }

    init(sink: ReportSink) { self.sink = sink }

    var isInCase: Bool { current != nil }

    mutating func open(_ element: XMLElement) -> Opening {
        line = element.line
        switch element.name {
        case "test-run", "test-results": return .taken
        case "test-suite":
            let name = element["name"]
            suites.append(
                Suite(
                    kind: element["type"], name: name, fullName: element["fullname"].isEmpty ? name : element["fullname"],
                    className: element["classname"]))
            return .taken
        case "test-case":
            current = testCase(element)
            return .taken
        case "failure", "reason", "results", "categories", "attachments", "attachment", "properties", "assertions", "assertion": return .taken
        case "message", "stack-trace", "output", "filePath", "description": return .taken
        case "property":
            add(property: element["name"], element["value"])
            return .skipped
        case "category":
            add(property: "Category", element["name"])
            return .skipped
        case "environment", "culture-info", "settings", "setting", "command-line", "filter": return .skipped
        default: return .unknown
        }
    }

    private func testCase(_ element: XMLElement) -> ReportedCase {
        var found = ReportedCase()
        let fullName = element["fullname"].isEmpty ? element["name"] : element["fullname"]
        let className =
            element["classname"].isEmpty ? suites.last { !$0.className.isEmpty }?.className ?? Self.prefix(fullName) : element["classname"]
        // Version 2 puts the whole name into `name`.
        let name =
            element["fullname"].isEmpty && fullName.hasPrefix(className + ".") ? String(fullName.dropFirst(className.count + 1)) : element["name"]
        found.suiteName = sink.name(suites.last { $0.kind == "Assembly" }.map { Self.lastComponent($0.name) } ?? suites.first?.name ?? "", line: line)
        found.className = sink.name(className, line: line)
        found.name = sink.name(name.isEmpty ? fullName : name, line: line)
        found.microseconds = sink.microseconds(element["duration"].isEmpty ? element["time"] : element["duration"], line: line)
        found.startedAt = sink.time(element["start-time"], line: line)
        found.outcome = Self.outcome(element)
        return found
    }

    private static func outcome(_ element: XMLElement) -> Outcome {
        switch (element["result"], element["label"]) {
        case ("Failed", "Error"), ("Failed", "Invalid"), ("Failed", "Cancelled"), ("Error", _), ("Cancelled", _): .errored
        case ("Failed", _), ("Failure", _), ("Invalid", _), ("NotRunnable", _): .failed
        case ("Skipped", _), ("Ignored", _), ("Inconclusive", _), ("Explicit", _): .skipped
        case ("", _): element["executed"] == "False" ? .skipped : element["success"] == "False" ? .failed : .passed
        default: .passed
        }
    }

    mutating func close(_ name: String, text: String) {
        switch name {
        case "message": setText(\.message, text)
        case "stack-trace": setText(\.trace, text)
        case "output": setText(\.systemOut, text)
        case "filePath": attachment = text
        case "attachment":
            current?.add(attachment: attachment, sink.limits)
            attachment = ""
        case "test-suite": closeSuite()
        case "test-case":
            guard let found = current else { return }
            sink.cases.append(found)
            current = nil
        default: break
        }
    }

    /// Of several assertions the first stands; the others are in the trace already.
    private mutating func setText(_ field: WritableKeyPath<ResultTexts, String>, _ text: String) {
        guard !text.isEmpty else { return }
        guard current != nil else {
            // What a suite's `reason` or `failure` says is of its tests.
            guard field == \.systemOut, let index = suites.indices.last else { return }
            if !suites[index].said.add(output: text, to: \.systemOut, sink.limits) { suites[index].isCut = true }
            return
        }
        var texts = current?.texts ?? ResultTexts()
        if texts[keyPath: field].isEmpty { texts[keyPath: field] = text }
        current?.texts = texts
    }

    /// Of the case that is open, or of the suite around it.
    private mutating func add(property name: String, _ value: String) {
        guard current == nil else { return current?.add(property: name, value, sink.limits) ?? () }
        let name = sink.name(name, line: line)
        let value = sink.name(value, line: line)
        guard let index = suites.indices.last else { return }
        if !suites[index].said.add(property: name, value, sink.limits) { suites[index].isCut = true }
    }

    private mutating func closeSuite() {
        guard var suite = suites.popLast() else { return }
        suite.said.name = sink.name(suite.fullName, line: line)
        sink.add(suite.said, isCut: suite.isCut, line: line)
    }

    /// Of a report that ends too early.
    mutating func finish() {
        while !suites.isEmpty { closeSuite() }
    }

    /// What stands before the method: `Shop.Basket` of `Shop.Basket.Adds(1.5,"a.b")`.
    private static func prefix(_ fullName: String) -> String {
        let head = fullName.prefix { $0 != "(" }
        return head.lastIndex(of: ".").map { String(head[..<$0]) } ?? ""
    }

    /// An assembly is often given with its path.
    private static func lastComponent(_ path: String) -> String {
        path.split { $0 == "/" || $0 == "\\" }.last.map(String.init) ?? path
    }
}
