import Foundation
import Primitives

/// `go test -json` (cmd/test2json): one event a line. A test that never ends was running when its package broke; a package that fails although none of
/// its tests did (it did not build, it panicked, its TestMain failed) is a case of its own.
final class GoTestParser: ReportParser, LineDialect {
    let sink: ReportSink
    private var records: LineRecords
    private var running: [Key: Running] = [:]
    private var packages: [String: Package] = [:]
    /// What the compiler said, by import path.
    private var builds: [String: CapturedText] = [:]

    private struct Key: Hashable {
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
        guard running.count < sink.limits.heldCases else {
            return sink.reject("report.too_many_held", line: line, "more than \(sink.limits.heldCases) tests run at once")
        }
        // The same test a second time while it runs: it was rerun after a panic.
        if let lost = running.removeValue(forKey: key) { closeLost(key, lost) }
        running[key] = Running(order: line, startedAt: time(record, line), output: CapturedText(limit: sink.limits.textBytes))
        packages[key.package, default: package()].isOver = false
    }

    private func time(_ record: JSONValue, _ line: Int) -> Date? {
        record["Time"]?.string.flatMap { sink.time($0, line: line) }
    }

    private func package() -> Package { Package(output: CapturedText(limit: sink.limits.textBytes)) }

    private func output(_ key: Key, _ text: String, _ record: JSONValue, _ line: Int) {
        guard !key.test.isEmpty else { return append(text, toPackage: key.package) }
        if running[key] == nil {
            // Output may come before `run`, and after the end; the latter belongs to the package.
            guard !packages[key.package, default: package()].isOver, !Self.isMark(text) else { return }
            return append(text, toPackage: key.package)
        }
        // What the runner prints around a test is no output of the test.
        guard !Self.isMark(text), sink.hold(text.utf8.count) else { return }
        running[key]?.output.append(text)
        running[key]?.heldBytes += text.utf8.count
    }

    private func append(_ text: String, toPackage name: String) {
        guard sink.hold(text.utf8.count) else { return }
        packages[name, default: package()].output.append(text)
        packages[name]?.heldBytes += text.utf8.count
    }

    private static func isMark(_ text: String) -> Bool {
        text.hasPrefix("=== ") || text.drop { $0 == " " }.hasPrefix("--- PASS") || text.drop { $0 == " " }.hasPrefix("--- FAIL")
            || text.drop { $0 == " " }.hasPrefix("--- SKIP")
    }

    private func append(_ text: String, toBuild path: String) {
        guard sink.hold(text.utf8.count) else { return }
        builds[path, default: CapturedText(limit: sink.limits.textBytes)].append(text)
    }

    // MARK: - Ends

    private func close(_ key: Key, _ record: JSONValue, _ line: Int) {
        guard !key.test.isEmpty else { return closePackage(key.package, record, line) }
        var test = running.removeValue(forKey: key)
        sink.release(test?.heldBytes ?? 0)
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
            packages[key.package, default: package()].failures += 1
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
        let words = test.output.take()
        sink.release(test.heldBytes)
        found.texts = ResultTexts(message: "the test did not end", trace: words)
        packages[key.package, default: package()].failures += 1
        sink.cases.append(found)
    }

    /// - Returns: how many were running.
    @discardableResult
    private func closeLost(of name: String) -> Int {
        let lost = running.filter { $0.key.package == name }.sorted { $0.value.order < $1.value.order }
        for (key, test) in lost {
            running[key] = nil
            closeLost(key, test)
        }
        return lost.count
    }

    private func closePackage(_ name: String, _ record: JSONValue, _ line: Int) {
        closeLost(of: name)
        var package = packages[name] ?? package()
        defer {
            sink.release(package.heldBytes)
            package.heldBytes = 0
            package.isOver = true
            package.output = CapturedText(limit: sink.limits.textBytes)
            package.failures = 0
            packages[name] = package
        }
        guard record.text("Action") == "fail", package.failures == 0 else { return }
        var found = ReportedCase()
        found.suiteName = sink.name(name)
        found.name = "(package)"
        found.outcome = .errored
        found.microseconds = record["Elapsed"]?.double.flatMap { sink.microseconds($0, line: line) }
        let path = record.text("FailedBuild")
        let build = builds[path]?.take() ?? builds.keys.first { $0.hasPrefix(name + " ") }.flatMap { builds[$0]?.take() } ?? ""
        let words = [build, package.output.take()].filter { !$0.isEmpty }.joined(separator: "\n")
        found.texts = ResultTexts(message: Self.message(words), trace: sink.text(words))
        sink.cases.append(found)
    }

    func end() -> Bool {
        let names = Set(running.keys.map(\.package)).sorted()
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
