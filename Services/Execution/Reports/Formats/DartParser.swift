import Foundation
import Primitives

/// Dart's and Flutter's `--reporter json` (dart-lang/test, "JSON Reporter Protocol"): one event a line, times in milliseconds since the start.
final class DartParser: ReportParser, LineDialect {
    let sink: ReportSink
    private var records: LineRecords
    private var suites: [Int: String] = [:]
    private var groups: [Int: String] = [:]
    private var tests: [Int: Test] = [:]
    private var sawDone = false

    private struct Test {
        var found: ReportedCase
        let startMilliseconds: Double
        var output: CapturedText
        var errors: [(message: String, trace: String)] = []
        var heldBytes = 0
    }

    init(sink: ReportSink) {
        self.sink = sink
        records = LineRecords(sink)
    }

    func feed(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
        records.feed(bytes, to: self)
    }

    func finish() throws(Fault) -> ReportSummary {
        records.finish(self)
    }

    func take(_ record: JSONValue, line: Int) {
        switch record.text("type") {
        case "suite":
            if let suite = record["suite"], let id = suite["id"]?.int { keep(sink.name(suite.text("path")), id, in: &suites) }
        case "group":
            if let group = record["group"], let id = group["id"]?.int { keep(sink.name(group.text("name")), id, in: &groups) }
        case "testStart": start(record, line)
        case "print":
            guard let id = record["testID"]?.int, hold(record.text("message").utf8.count, of: id) else { return }
            tests[id]?.output.append(record.text("message") + "\n")
        case "error": error(record, line)
        case "testDone": done(record, line)
        case "done":
            sawDone = true
        case "start", "allSuites", "debug": break
        case let type: sink.passOver(type.isEmpty ? "an event without a type" : "the event \(type)")
        }
    }

    /// Names of suites and groups are kept until the end of the file.
    private func keep(_ name: String, _ id: Int, in names: inout [Int: String]) {
        guard names.count < sink.limits.heldCases, sink.hold(name.utf8.count) else { return }
        names[id] = name
    }

    /// Flutter's own events are arrays of one object.
    func takeOther(_ line: Substring) -> Bool { line.hasPrefix("[{") && line.hasSuffix("}]") }

    private func start(_ record: JSONValue, _ line: Int) {
        guard let test = record["test"], let id = test["id"]?.int else { return sink.passOver("a testStart without a test") }
        // An id that comes again begins another test; of the first there is no end.
        if var lost = tests.removeValue(forKey: id) { closeLost(&lost, line) }
        var found = ReportedCase()
        let full = test.text("name")
        // A group's name holds those of the groups around it, and a test's name that of its group.
        let group =
            (test["groupIDs"]?.elements ?? []).compactMap(\.int).compactMap { groups[$0] }.last { !$0.isEmpty && full.hasPrefix($0 + " ") } ?? ""
        found.suiteName = sink.name(group, line: line)
        found.name = sink.name(group.isEmpty ? full : String(full.dropFirst(group.count + 1)), line: line)
        found.file = sink.name(test["suiteID"]?.int.flatMap { suites[$0] } ?? "", line: line)
        let at = test["root_line"] ?? test["line"]
        found.line = at?.int.flatMap { Int32(exactly: $0) }
        if test["metadata"]?["skip"]?.bool == true, let reason = test["metadata"]?.text("skipReason"), !reason.isEmpty {
            found.texts = ResultTexts(message: sink.text(reason, line: line))
        }
        let count = found.name.utf8.count + (found.texts?.byteCount ?? 0)
        guard tests.count < sink.limits.heldCases, sink.hold(count) else {
            return sink.reject("report.too_many_held", line: line, "too many tests run at once, or they are too much to be held")
        }
        tests[id] = Test(
            found: found, startMilliseconds: record["time"]?.double ?? 0, output: CapturedText(limit: sink.limits.textBytes), heldBytes: count)
    }

    private func error(_ record: JSONValue, _ line: Int) {
        let (message, trace) = (record.text("error"), record.text("stackTrace"))
        guard let id = record["testID"]?.int, tests[id]?.errors.count ?? 10 < 10, hold(message.utf8.count + trace.utf8.count, of: id) else { return }
        tests[id]?.errors.append((message, trace))
    }

    private func hold(_ count: Int, of id: Int) -> Bool {
        guard tests[id] != nil, sink.hold(count) else { return false }
        tests[id]?.heldBytes += count
        return true
    }

    private func done(_ record: JSONValue, _ line: Int) {
        guard let id = record["testID"]?.int, var test = tests.removeValue(forKey: id) else { return sink.passOver("a testDone without its start") }
        let result = record.text("result")
        // Hidden ones load files or set groups up; they count only when they break.
        guard record["hidden"]?.bool != true || result != "success" else { return }
        test.found.outcome =
            record["skipped"]?.bool == true ? .skipped : result == "success" ? .passed : result == "failure" ? .failed : .errored
        if let end = record["time"]?.double { test.found.microseconds = sink.microseconds((end - test.startMilliseconds) / 1000, line: line) }
        close(&test, line)
    }

    private func close(_ test: inout Test, _ line: Int) {
        sink.release(test.heldBytes)
        var texts = test.found.texts ?? ResultTexts()
        if let first = test.errors.first {
            texts.message = sink.text(first.message, line: line)
            let others = test.errors.dropFirst().flatMap { [$0.message, $0.trace] }
            texts.trace = sink.text(([first.trace] + others).filter { !$0.isEmpty }.joined(separator: "\n"), line: line)
        }
        texts.systemOut = test.output.take()
        if !texts.isEmpty { test.found.texts = texts }
        if test.found.name.isEmpty { test.found.name = "(no name)" }
        sink.cases.append(test.found)
    }

    private func closeLost(_ test: inout Test, _ line: Int) {
        test.found.outcome = .errored
        test.errors.insert(("the test did not end", ""), at: 0)
        close(&test, line)
    }

    func end() -> Bool {
        for (_, var test) in tests.sorted(by: { $0.key < $1.key }) {
            closeLost(&test, 0)
        }
        let isCut = !tests.isEmpty || !sawDone
        if isCut, tests.isEmpty { sink.cut = CutReport() }
        if isCut { sink.warn("report.truncated", "the report has no end: \(tests.count) tests were running, and are taken as errors") }
        tests = [:]
        return isCut
    }
}
