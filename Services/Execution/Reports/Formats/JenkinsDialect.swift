import Foundation

/// What Jenkins keeps of the JUnit reports of a build: `junitResult.xml` in its folder (XStream's writing of the junit plug-in's `TestResult`), and the same
/// as its interface gives it (`…/testReport/api/xml`), where a suite's name stands behind its cases. Jenkins does not know failures from errors.
struct JenkinsDialect: XMLDialect {
    static let format = ReportFormat.jenkins
    static let roots: Set = ["result", "testResult"]
    static let texts: Set = [
        "name", "timestamp", "stdout", "stderr", "duration", "startTime", "className", "testName", "skipped", "skippedMessage", "errorStackTrace",
        "errorDetails", "status", "string",
    ]

    private let sink: ReportSink
    private var line = 0
    private var suite = Suite()
    private var current: Case?
    /// Of the entry of a map, or of the list of a suite's stages.
    private var strings: [String] = []

    private struct Suite {
        var name: String?
        var startedAt: Date?
        /// Stages and branches of the pipeline around it, outermost first.
        var stages: [String] = []
        var said = ReportedSuite()
        var isCut = false
        /// Cases that wait for its name.
        var held: [ReportedCase] = []
    }

    private struct Case {
        var found = ReportedCase()
        var isSkipped = false
        var hasFailed = false
    }

    init(sink: ReportSink) { self.sink = sink }

    var isInCase: Bool { current != nil }

    mutating func open(_ element: XMLElement) -> Opening {
        line = element.line
        switch element.name {
        case "result", "testResult", "suites", "cases": return .taken
        case "suite":
            suite = Suite()
            return .taken
        case "case":
            current = Case()
            return .taken
        // That it is there says that the test failed, whatever is in it.
        case "errorStackTrace", "errorDetails":
            current?.hasFailed = true
            return .taken
        case "name", "timestamp", "stdout", "stderr", "duration", "startTime", "className", "testName", "skipped", "skippedMessage", "status",
            "string":
            return .taken
        case "properties", "entry", "enclosingBlockNames":
            strings = []
            return .taken
        case "file", "id", "time", "nodeId", "enclosingBlocks", "enclosingBlock", "enclosingBlockName", "failedSince", "age", "testActions",
            "testAction",
            "keepLongStdio", "keepProperties", "keepTestNames", "skipOldReports", "empty", "failCount", "passCount", "skipCount", "totalCount",
            "parseTestResults", "isUnstable":
            return .skipped
        default: return .unknown
        }
    }

    mutating func close(_ name: String, text: String) {
        switch name {
        case "case": closeCase()
        case "suite": closeSuite()
        case "string": if strings.count < sink.limits.properties { strings.append(text) }
        case "entry": if strings.count == 2 { add(property: strings[0], strings[1]) }
        case "enclosingBlockNames": suite.stages = strings.reversed()
        case "stdout", "stderr": add(output: text, to: name)
        case _ where current == nil: setSuite(name, text)
        default: setCase(name, text)
        }
    }

    private mutating func setSuite(_ name: String, _ text: String) {
        switch name {
        case "name": suite.name = sink.name(text, line: line)
        case "timestamp": suite.startedAt = sink.time(text, line: line)
        default: break
        }
    }

    private mutating func setCase(_ name: String, _ text: String) {
        guard var test = current else { return }
        switch name {
        case "className": test.found.className = sink.name(text, line: line)
        case "testName", "name": test.found.name = sink.name(text, line: line)
        case "duration": test.found.microseconds = sink.microseconds(text, line: line)
        // -1 for what nobody told.
        case "startTime": if let time = Double(text), time > 0 { test.found.startedAt = sink.time(milliseconds: time, line: line) }
        case "skipped": test.isSkipped = text == "true"
        case "status":
            test.isSkipped = test.isSkipped || text == "SKIPPED"
            test.hasFailed = test.hasFailed || text == "FAILED" || text == "REGRESSION"
        case "skippedMessage", "errorDetails": test.found.set(\.message, text)
        case "errorStackTrace": test.found.set(\.trace, text)
        default: break
        }
        current = test
    }

    private mutating func add(property name: String, _ value: String) {
        guard current == nil else { return current?.found.add(property: name, value, sink.limits) ?? () }
        if !suite.said.add(property: sink.name(name, line: line), sink.name(value, line: line), sink.limits) { suite.isCut = true }
    }

    private mutating func add(output text: String, to name: String) {
        if current != nil {
            current?.found.set(name == "stdout" ? \.systemOut : \.systemErr, text)
        } else if !suite.said.add(output: text, to: name == "stdout" ? \.systemOut : \.systemErr, sink.limits) {
            suite.isCut = true
        }
    }

    private mutating func closeCase() {
        guard var found = current?.found, let test = current else { return }
        current = nil
        found.outcome = test.isSkipped ? .skipped : test.hasFailed ? .failed : .passed
        if found.name.isEmpty { found.name = found.className }
        guard !found.name.isEmpty else { return sink.reject("case.name_missing", line: line, "a case has no name and was not taken") }
        if !suite.stages.isEmpty { found.add(property: "stage", suite.stages.joined(separator: " / "), sink.limits) }
        guard suite.name == nil else { return take(found) }
        let count = found.name.utf8.count + found.className.utf8.count + (found.texts?.byteCount ?? 0) + (found.extras?.byteCount ?? 0)
        guard suite.held.count < sink.limits.heldCases, sink.hold(count) else {
            return sink.reject("report.too_many_held", line: line, "more than \(sink.limits.heldCases) cases stand before the name of their suite")
        }
        suite.held.append(found)
    }

    private func take(_ found: ReportedCase) {
        var found = found
        found.suiteName = suite.name ?? ""
        if found.startedAt == nil { found.startedAt = suite.startedAt }
        sink.cases.append(found)
    }

    private mutating func closeSuite() {
        for found in suite.held {
            sink.release(found.name.utf8.count + found.className.utf8.count + (found.texts?.byteCount ?? 0) + (found.extras?.byteCount ?? 0))
            take(found)
        }
        suite.held = []
        suite.said.name = suite.name ?? ""
        sink.add(suite.said, isCut: suite.isCut, line: line)
        suite = Suite()
    }

    /// Of a report that ends too early.
    mutating func finish() {
        if suite.name == nil {
            for found in suite.held { sink.reject("report.truncated", line: line, "the suite of \(Excerpt.of(found.name, limit: 100)) has no name") }
            suite.held = []
        }
        closeSuite()
    }
}

extension ReportedCase {
    fileprivate mutating func set(_ field: WritableKeyPath<ResultTexts, String>, _ text: String) {
        guard !text.isEmpty else { return }
        var texts = texts ?? ResultTexts()
        texts[keyPath: field] = text
        self.texts = texts
    }
}
