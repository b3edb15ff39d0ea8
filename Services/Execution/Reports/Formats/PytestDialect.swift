import Foundation

/// pytest-json-report: tests by their node id, each with set-up, call and teardown. Durations are seconds.
struct PytestDialect: JSONDialect {
    static let format = ReportFormat.pytest
    static let paths: [JSONRecords.Path] = [["tests", "*"], ["collectors", "*"]]

    private static let testMembers: Set = [
        "nodeid", "lineno", "outcome", "keywords", "setup", "call", "teardown", "metadata",
    ]
    private static let collectorMembers: Set = [
        "nodeid", "outcome", "result", "longrepr",
    ]

    private let sink: ReportSink

    init(sink: ReportSink) { self.sink = sink }

    mutating func take(_ record: JSONValue, path: Int, line: Int) {
        if path == 0 { takeTest(record, line) } else { takeCollector(record, line) }
    }

    /// The parts of `tests/test_shop.py::TestBasket::test_adds[1-2]` as pytest's own JUnit names them, so that both reports mean the same test.
    static func identity(_ nodeID: String) -> (file: String, className: String, name: String) {
        // Parameters may hold any text, `::` too.
        let head = nodeID.prefix { $0 != "[" }
        var parts = head.components(separatedBy: "::")
        let parameters = nodeID.dropFirst(head.count)
        let name = (parts.count > 1 ? parts.removeLast() : "") + parameters
        let file = parts.removeFirst()
        let module = (file.hasSuffix(".py") ? String(file.dropLast(3)) : file).replacing("/", with: ".")
        return (file, ([module] + parts).joined(separator: "."), name)
    }

    private func takeTest(_ record: JSONValue, _ line: Int) {
        record.list(unknownOf: "a test", known: Self.testMembers, in: sink)
        let identity = Self.identity(record.text("nodeid"))
        var found = ReportedCase()
        found.suiteName = "pytest"
        found.className = sink.name(identity.className, line: line)
        found.name = sink.name(identity.name.isEmpty ? identity.className : identity.name, line: line)
        guard !found.name.isEmpty else { return sink.reject("case.name_missing", line: line, "a test has no node id and was not taken") }
        found.file = sink.name(identity.file, line: line)
        // Counts from 0.
        found.line = record["lineno"]?.int.flatMap { Int32(exactly: $0 &+ 1) }
        found.outcome =
            switch record.text("outcome") {
            case "passed", "xpassed", "rerun": .passed
            case "failed": .failed
            case "skipped", "xfailed": .skipped
            default: .errored
            }
        let stages = ["setup", "call", "teardown"].compactMap { record[$0] }
        let seconds = stages.compactMap { $0["duration"]?.double }
        if !seconds.isEmpty { found.microseconds = sink.microseconds(seconds.reduce(0, +), line: line) }
        var texts = ResultTexts()
        if let stage = stages.first(where: { !["passed", ""].contains($0.text("outcome")) }) {
            let long = stage["longrepr"]?.words(limit: sink.limits.textBytes) ?? ""
            let crash = stage["crash"]?.text("message") ?? ""
            texts.message = sink.text(crash.isEmpty ? long.split(separator: "\n").last.map(String.init) ?? "" : crash, line: line)
            texts.trace = sink.text(long, line: line)
        }
        texts.systemOut = sink.text(stages.map { $0.text("stdout") }.filter { !$0.isEmpty }.joined(separator: "\n"), line: line)
        texts.systemErr = sink.text(stages.map { $0.text("stderr") }.filter { !$0.isEmpty }.joined(separator: "\n"), line: line)
        if !texts.isEmpty { found.texts = texts }
        sink.cases.append(found)
    }

    /// A file that could not be imported has no tests: a case of its own, as in pytest's JUnit.
    private func takeCollector(_ record: JSONValue, _ line: Int) {
        record.list(unknownOf: "a collector", known: Self.collectorMembers, in: sink)
        guard ["failed", "error"].contains(record.text("outcome")) else { return }
        let identity = Self.identity(record.text("nodeid"))
        var found = ReportedCase()
        found.suiteName = "pytest"
        found.name = sink.name(identity.className.isEmpty ? "(collection)" : identity.className, line: line)
        found.file = sink.name(identity.file, line: line)
        found.outcome = .errored
        found.texts = ResultTexts(
            message: "collection failure", trace: sink.text(record["longrepr"]?.words(limit: sink.limits.textBytes) ?? "", line: line))
        sink.cases.append(found)
    }

    mutating func finish() {}
}
