import Foundation
import Primitives

/// `go test -json` (cmd/test2json): one event a line. A test that never ends was running when its package broke; a package that fails although none of
/// its tests did (it did not build, it panicked, its TestMain failed) is a case of its own.
final class GoTestParser: ReportParser, LineDialect {
    private static let known: Set = [
        "Time", "Action", "Package", "Test", "Elapsed", "Output", "OutputType", "FailedBuild", "ImportPath", "Key", "Value", "Path",
    ]

    let sink: ReportSink
    private var records: LineRecords
    private var packages: [String: Package] = [:]
    /// Tests of all packages that have begun and not ended.
    private var running = 0
    /// What the compiler said, by import path; and the first such path of a package, `example.com/shop [example.com/shop.test]`.
    private var builds: [String: CapturedText] = [:]
    private var buildPaths: [String: String] = [:]

    private struct Key {
        let package: String
        let test: String
    }

    private struct Running {
        let order: Int
        let startedAt: Date?
        var output: CapturedText
        var heldBytes = 0
    }

    private struct Package {
        var output: CapturedText
        var heldBytes = 0
        var failures = 0
        var isOver = false
        var tests: [String: Running] = [:]
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
        record.list(unknownOf: "an event", known: Self.known, in: sink)
        let key = Key(package: record.text("Package"), test: record.text("Test"))
        switch record.text("Action") {
        case "run": if !key.test.isEmpty { begin(key, record, line) }
        case "output": output(key, record.text("Output"), record, line)
        case "build-output": append(record.text("Output"), toBuild: record.text("ImportPath"))
        case "pass", "fail", "skip", "bench": close(key, record, line)
        case "start", "pause", "cont", "build-fail", "attr", "artifacts": break
        case let action: sink.passOver(action.isEmpty ? "an event without an action" : "the action \(action)")
        }
    }

    /// Before Go 1.24 a package that does not build has no events, only this line: `FAIL⇥example.com/shop [build failed]`.
    func takeOther(_ line: Substring) -> Bool {
        let parts = line.split(separator: "\t")
        guard parts.count > 1, parts[0] == "FAIL", let end = parts[1].range(of: " ["), parts[1].hasSuffix("failed]") else {
            // A package without tests has no events either.
            return parts.first == "?   " || parts.first == "ok  "
        }
        var found = ReportedCase()
        found.suiteName = sink.name(String(parts[1][..<end.lowerBound]))
        found.name = "(package)"
        found.outcome = .errored
        found.texts = ResultTexts(message: sink.text(String(parts[1][end.lowerBound...].dropFirst())))
        sink.cases.append(found)
        return true
    }

    private func begin(_ key: Key, _ record: JSONValue, _ line: Int) {
        // The same test a second time while it runs: it was rerun after a panic.
        if let lost = end(key) { closeLost(key, lost) }
        guard running < sink.limits.heldCases, know(key.package), sink.hold(key.test.utf8.count) else {
            return sink.reject("report.too_many_held", line: line, "too many tests run at once, or they are too much to be held")
        }
        running += 1
        packages[key.package]?.tests[key.test] = Running(
            order: line, startedAt: time(record, line), output: CapturedText(limit: sink.limits.textBytes), heldBytes: key.test.utf8.count)
        packages[key.package]?.isOver = false
    }

    private func time(_ record: JSONValue, _ line: Int) -> Date? {
        record["Time"]?.string.flatMap { sink.time($0, line: line) }
    }

    /// Makes an entry for a package that has none.
    /// - Returns: `false` when there is no room.
    private func know(_ name: String) -> Bool {
        if packages[name] != nil { return true }
        guard packages.count < sink.limits.heldCases, sink.hold(name.utf8.count) else { return false }
        packages[name] = Package(output: CapturedText(limit: sink.limits.textBytes))
        return true
    }

    /// Takes a test from those that run.
    private func end(_ key: Key) -> Running? {
        guard let test = packages[key.package]?.tests.removeValue(forKey: key.test) else { return nil }
        running -= 1
        sink.release(test.heldBytes)
        return test
    }

    private func output(_ key: Key, _ text: String, _ record: JSONValue, _ line: Int) {
        guard !key.test.isEmpty else { return append(text, toPackage: key.package) }
        if packages[key.package]?.tests[key.test] == nil {
            // Output may come before `run`, and after the end; the latter belongs to the package.
            guard packages[key.package]?.isOver != true, !Self.isMark(text) else { return }
            return append(text, toPackage: key.package)
        }
        // What the runner prints around a test is no output of the test.
        guard !Self.isMark(text), sink.hold(text.utf8.count) else { return }
        packages[key.package]?.tests[key.test]?.output.append(text)
        packages[key.package]?.tests[key.test]?.heldBytes += text.utf8.count
    }

    private func append(_ text: String, toPackage name: String) {
        guard know(name), sink.hold(text.utf8.count) else { return }
        packages[name]?.output.append(text)
        packages[name]?.heldBytes += text.utf8.count
    }

    private static func isMark(_ text: String) -> Bool {
        text.hasPrefix("=== ") || text.drop { $0 == " " }.hasPrefix("--- PASS") || text.drop { $0 == " " }.hasPrefix("--- FAIL")
            || text.drop { $0 == " " }.hasPrefix("--- SKIP")
    }

    private func append(_ text: String, toBuild path: String) {
        let isNew = builds[path] == nil
        guard builds.count < sink.limits.heldCases, sink.hold(text.utf8.count + (isNew ? path.utf8.count : 0)) else { return }
        builds[path, default: CapturedText(limit: sink.limits.textBytes)].append(text)
        let package = String(path.prefix { $0 != " " })
        if isNew, package != path, buildPaths[package] == nil { buildPaths[package] = path }
    }

    // MARK: - Ends

    private func close(_ key: Key, _ record: JSONValue, _ line: Int) {
        guard !key.test.isEmpty else { return closePackage(key.package, record, line) }
        var test = end(key)
        var found = ReportedCase()
        (found.suiteName, found.className, found.name) = names(key)
        found.startedAt = test?.startedAt
        found.microseconds = record["Elapsed"]?.double.flatMap { sink.microseconds($0, line: line) }
        found.outcome =
            switch record.text("Action") {
            case "fail": .failed
            case "skip": .skipped
            default: .passed
            }
        let words = test?.output.take() ?? ""
        if found.outcome == .failed {
            if know(key.package) { packages[key.package]?.failures += 1 }
            found.texts = ResultTexts(message: Self.message(words), trace: words)
        } else if found.outcome == .skipped, !words.isEmpty {
            found.texts = ResultTexts(message: Self.message(words))
        }
        sink.cases.append(found)
    }

    private func names(_ key: Key) -> (String, String, String) {
        (sink.name(key.package), "", sink.name(key.test))
    }

    /// The first line that says something: `till_test.go:12: want 3, got 4` without its indentation.
    private static func message(_ output: String) -> String {
        output.split(separator: "\n").lazy.map { $0.trimmingCharacters(in: .whitespaces) }.first { !$0.isEmpty } ?? ""
    }

    private func closeLost(_ key: Key, _ test: Running) {
        var test = test
        var found = ReportedCase()
        (found.suiteName, found.className, found.name) = names(key)
        found.startedAt = test.startedAt
        found.outcome = .errored
        found.texts = ResultTexts(message: "the test did not end", trace: test.output.take())
        packages[key.package]?.failures += 1
        sink.cases.append(found)
    }

    /// - Returns: how many were running.
    @discardableResult
    private func closeLost(of name: String) -> Int {
        let lost = (packages[name]?.tests ?? [:]).sorted { $0.value.order < $1.value.order }
        for (test, _) in lost {
            let key = Key(package: name, test: test)
            if let running = end(key) { closeLost(key, running) }
        }
        return lost.count
    }

    private func closePackage(_ name: String, _ record: JSONValue, _ line: Int) {
        closeLost(of: name)
        let isKnown = know(name)
        var package = packages[name] ?? Package(output: CapturedText(limit: sink.limits.textBytes))
        sink.release(package.heldBytes)
        if isKnown { packages[name] = Package(output: CapturedText(limit: sink.limits.textBytes), isOver: true) }
        guard record.text("Action") == "fail", package.failures == 0 else { return }
        var found = ReportedCase()
        found.suiteName = sink.name(name)
        found.name = "(package)"
        found.outcome = .errored
        found.microseconds = record["Elapsed"]?.double.flatMap { sink.microseconds($0, line: line) }
        let path = record.text("FailedBuild")
        let build = builds[path]?.take() ?? buildPaths[name].flatMap { builds[$0]?.take() } ?? ""
        let words = [build, package.output.take()].filter { !$0.isEmpty }.joined(separator: "\n")
        found.texts = ResultTexts(message: Self.message(words), trace: sink.text(words))
        sink.cases.append(found)
    }

    func end() -> Bool {
        let names = packages.filter { !$0.value.tests.isEmpty }.keys.sorted()
        var lost = 0
        for name in names { lost += closeLost(of: name) }
        guard lost > 0 else { return false }
        sink.warn("report.truncated", "\(lost) tests have no end; they are taken as errors")
        return true
    }
}

extension CapturedText {
    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }
}
