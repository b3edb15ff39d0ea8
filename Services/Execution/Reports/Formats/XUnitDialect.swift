import Foundation

/// xUnit.net's XML, version 2 (xunit.net "XML format"): `assemblies` of `assembly` of `collection` of `test`.
struct XUnitDialect: XMLDialect {
    static let format = ReportFormat.xunit
    static let roots: Set = ["assemblies", "assembly"]
    static let texts: Set = ["message", "stack-trace", "output", "reason", "warning"]

    private let sink: ReportSink
    private var assembly = ""
    private var startedAt: Date?
    private var current: ReportedCase?
    private var line = 0

    init(sink: ReportSink) { self.sink = sink }

    var isInCase: Bool { current != nil }

    mutating func open(_ element: XMLElement) -> Opening {
        line = element.line
        switch element.name {
        case "assemblies", "collection", "errors", "failure", "message", "stack-trace", "output", "reason", "traits", "warnings", "warning":
            if element.name == "failure", !element["exception-type"].isEmpty { setText(\.type, sink.name(element["exception-type"], line: line)) }
            return .taken
        case "assembly":
            assembly = element["name"].split { $0 == "/" || $0 == "\\" }.last.map(String.init) ?? ""
            let date = element["run-date"]
            startedAt = date.isEmpty ? nil : sink.time("\(date)T\(element["run-time"])", line: line)
            return .taken
        case "test":
            current = testCase(element)
            return .taken
        // What broke outside of any test: a case of its own, so that it is seen.
        case "error":
            var found = ReportedCase()
            found.suiteName = sink.name(assembly, line: line)
            found.name = sink.name(element["name"].isEmpty ? element["type"] : element["name"], line: line)
            found.outcome = .errored
            current = found
            return .taken
        case "trait":
            current?.add(property: element["name"], element["value"], sink.limits)
            return .skipped
        case "attachments", "test-collection": return .skipped
        default: return .unknown
        }
    }

    private func testCase(_ element: XMLElement) -> ReportedCase {
        var found = ReportedCase()
        let className = element["type"]
        let full = element["name"]
        found.suiteName = sink.name(assembly, line: line)
        found.className = sink.name(className, line: line)
        found.name = sink.name(full.hasPrefix(className + ".") ? String(full.dropFirst(className.count + 1)) : full, line: line)
        found.file = sink.name(element["source-file"], line: line)
        found.line = Int32(element["source-line"])
        found.microseconds = sink.microseconds(element["time"], line: line)
        found.startedAt = startedAt
        found.outcome =
            switch element["result"] {
            case "Fail": .failed
            case "Skip", "NotRun": .skipped
            default: .passed
            }
        return found
    }

    mutating func close(_ name: String, text: String) {
        switch name {
        case "message", "reason": setText(\.message, text)
        case "stack-trace": setText(\.trace, text)
        case "output": setText(\.systemOut, text)
        case "test", "error":
            guard let found = current else { return }
            sink.cases.append(found)
            current = nil
        default: break
        }
    }

    private mutating func setText(_ field: WritableKeyPath<ResultTexts, String>, _ text: String) {
        guard current != nil, !text.isEmpty else { return }
        var texts = current?.texts ?? ResultTexts()
        if texts[keyPath: field].isEmpty { texts[keyPath: field] = text }
        current?.texts = texts
    }

    mutating func finish() {}
}
