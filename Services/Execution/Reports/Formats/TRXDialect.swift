import Foundation

/// Visual Studio's test results (`vstest.console --logger trx`, `dotnet test`).
///
/// The classes stand behind the results, in `TestDefinitions`; so cases are held until the end of the file, at most `IngestLimits.heldCases`.
struct TRXDialect: XMLDialect {
    static let format = ReportFormat.trx
    static let roots: Set = ["TestRun"]
    static let texts: Set = ["Message", "StackTrace", "StdOut", "StdErr", "Text"]

    private let sink: ReportSink
    private var held: [(id: String, found: ReportedCase)] = []
    /// Results that are open: one with inner results (rows of a data-driven test) is the sum of these.
    private var open: [(id: String, found: ReportedCase, hasInner: Bool)] = []
    private var methods: [String: Method] = [:]
    private var definition = ""
    private var line = 0

    private struct Method {
        let className: String
        let assembly: String
    }

    init(sink: ReportSink) { self.sink = sink }

    var isInCase: Bool { !open.isEmpty }

    mutating func open(_ element: XMLElement) -> Opening {
        line = element.line
        switch element.name {
        case "TestRun", "Results", "InnerResults", "Output", "ErrorInfo", "Message", "StackTrace", "StdOut", "StdErr", "TestDefinitions",
            "ResultSummary", "RunInfos", "RunInfo", "Text", "ResultFiles":
            return .taken
        case "UnitTestResult", "TestResult", "ManualTestResult", "GenericTestResult", "TestResultAggregation":
            if !open.isEmpty { open[open.count - 1].hasInner = true }
            open.append((element["testId"], testCase(element), false))
            return .taken
        case "ResultFile":
            if !open.isEmpty { open[open.count - 1].found.add(attachment: element["path"], sink.limits) }
            return .skipped
        case "UnitTest", "ManualTest", "GenericTest":
            definition = element["id"]
            return .taken
        case "TestMethod":
            let assembly = element["codeBase"].split { $0 == "/" || $0 == "\\" }.last.map(String.init) ?? ""
            // Older versions write the assembly's full name behind the class: `Shop.Basket, Shop, Version=1.0.0.0`.
            let method = Method(className: String(element["className"].prefix { $0 != "," }), assembly: assembly)
            let count = definition.utf8.count + method.className.utf8.count + method.assembly.utf8.count
            if methods.count < sink.limits.heldCases, sink.hold(count) { methods[definition] = method }
            return .skipped
        case "Execution", "TestCategory", "Owners", "Description", "Properties", "TestSettings", "TestRunConfiguration", "TestEntries", "TestLists",
            "Times", "Counters", "CollectorDataEntries", "DebugTrace", "TraceInfo", "TextMessages", "Css", "Workitems", "Deployment":
            return .skipped
        default: return .unknown
        }
    }

    private func testCase(_ element: XMLElement) -> ReportedCase {
        var found = ReportedCase()
        found.name = sink.name(element["testName"], line: line)
        found.host = sink.name(element["computerName"], line: line)
        found.microseconds = Self.microseconds(element["duration"])
        if found.microseconds == nil, !element["duration"].isEmpty {
            sink.warn("case.time_invalid", line: line, "the time \(element["duration"].prefix(40)) is not a duration; it was left out")
        }
        found.startedAt = sink.time(element["startTime"], line: line)
        found.outcome =
            switch element["outcome"] {
            case "Failed": .failed
            case "Error", "Timeout", "Aborted", "Disconnected", "InProgress": .errored
            case "NotExecuted", "Inconclusive", "NotRunnable", "Pending", "Skipped", "Ignored": .skipped
            default: .passed
            }
        return found
    }

    /// `[d.]hh:mm:ss[.fffffff]`, a .NET TimeSpan.
    static func microseconds(_ text: String) -> Int64? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let minutes = Int64(parts[1]), let seconds = Double(parts[2]), (0..<60).contains(minutes), seconds >= 0, seconds < 61
        else { return nil }
        let hours = parts[0].split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        guard (1...2).contains(hours.count), let hour = hours.last ?? nil, let day = hours.count == 2 ? hours[0] : 0,
            (0..<24 * 11_000).contains(hour), (0..<11_000).contains(day)
        else { return nil }
        return ((day * 24 + hour) * 60 + minutes) * 60_000_000 + Int64((seconds * 1_000_000).rounded())
    }

    mutating func close(_ name: String, text: String) {
        switch name {
        case "Message": setText(\.message, text)
        case "StackTrace": setText(\.trace, text)
        case "StdOut": setText(\.systemOut, text)
        case "StdErr": setText(\.systemErr, text)
        case "Text" where open.isEmpty && !text.isEmpty: sink.warn("report.run_message", line: line, "the run says: \(Excerpt.of(text, limit: 500))")
        case "UnitTestResult", "TestResult", "ManualTestResult", "GenericTestResult", "TestResultAggregation":
            guard var done = open.popLast(), !done.hasInner else { return }
            if !sink.hold((done.found.texts?.byteCount ?? 0) + (done.found.extras?.byteCount ?? 0)) {
                done.found.texts = nil
                done.found.extras = nil
            }
            guard held.count < sink.limits.heldCases, sink.hold(done.id.utf8.count + done.found.name.utf8.count) else {
                return sink.reject("report.too_many_held", line: line, "more than \(sink.limits.heldCases) results stand before their classes")
            }
            held.append((done.id, done.found))
        default: break
        }
    }

    private mutating func setText(_ field: WritableKeyPath<ResultTexts, String>, _ text: String) {
        guard !open.isEmpty, !text.isEmpty else { return }
        var texts = open[open.count - 1].found.texts ?? ResultTexts()
        if texts[keyPath: field].isEmpty { texts[keyPath: field] = text }
        open[open.count - 1].found.texts = texts
    }

    mutating func finish() {
        for (id, found) in held {
            var found = found
            if let method = methods[id] {
                found.className = sink.name(method.className)
                found.suiteName = sink.name(method.assembly)
                // xUnit's and NUnit's adapters put the class into the test's name.
                if found.name.hasPrefix(method.className + ".") { found.name = String(found.name.dropFirst(method.className.count + 1)) }
            }
            sink.cases.append(found)
        }
        held = []
    }
}
