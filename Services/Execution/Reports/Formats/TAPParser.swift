import Foundation
import Primitives

/// The Test Anything Protocol, versions 12 to 14 (testanything.org): test points, plans, directives, YAML diagnostics, subtests.
///
/// Points inside of a subtest are cases whose suite is the subtest. The point that closes a subtest is its sum and no case, unless it failed though
/// nothing in it did.
final class TAPParser: ReportParser {
    let sink: ReportSink
    private var lines: LineReader
    private var levels = [Level()]
    /// A point waits for the diagnostics behind it.
    private var pending: Pending?
    private var yaml: KeptLines?
    private var yamlIndent = 0
    private var bailedOut = false
    private var isIncomplete = false
    private var noise = 0
    /// `# Subtest: name` by its depth. It stands where its parent's points stand, or already where its own do.
    private var subtestNames: [Int: String] = [:]
    /// Points that opened a buffered subtest, `ok 1 - name {`, as long as that is open.
    private var buffered: [(depth: Int, point: Point)] = []
    /// Cases of all levels that wait for the name of their subtest.
    private var unnamed = 0

    /// One nesting of points.
    private struct Level {
        var name = ""
        var planned: Int?
        var seen = 0
        var failed = 0
        /// Cases of a subtest that nothing has named yet: the point that sums it up does.
        var unnamed: [ReportedCase] = []
        var heldBytes = 0
    }

    private struct Pending {
        var found: ReportedCase
        let depth: Int
        var comments: KeptLines
        var yaml: KeptLines
    }

    init(sink: ReportSink) {
        self.sink = sink
        lines = LineReader(limit: sink.limits.lineBytes)
    }

    func feed(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
        lines.feed(bytes) { take($0, $1) }
    }

    func finish() throws(Fault) -> ReportSummary {
        lines.finish { take($0, $1) }
        flush()
        while levels.count > 1 { closeLevel() }
        check(levels[0])
        if noise > 0 { sink.warn("report.lines_passed_over", "\(noise) lines are no TAP and were passed over") }
        sink.reportUnknown()
        return ReportSummary(isReport: true, incomplete: isIncomplete || bailedOut)
    }

    // MARK: - Lines

    private func take(_ line: LineReader.Line, _ number: Int) {
        guard case .text(let bytes) = line else {
            return sink.reject("report.line_too_long", line: number, "a line is longer than \(sink.limits.lineBytes >> 20) MiB")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let indent = text.prefix { $0 == " " }.count
        let words = text.dropFirst(indent)
        if yaml != nil {
            if indent == yamlIndent, words.trimmingCharacters(in: .whitespaces) == "..." { return closeYAML() }
            // A block that is left without its end is over with the next line that stands further out.
            if indent < yamlIndent, !words.isEmpty {
                closeYAML()
            } else {
                yaml?.append(String(text.dropFirst(yamlIndent)))
                return
            }
        }
        if words.isEmpty { return }
        if words == "---" || words.hasPrefix("--- "), let waiting = pending, indent > waiting.depth * 4 - 4 {
            yaml = KeptLines(limit: sink.limits.textBytes)
            yamlIndent = indent
            return
        }
        // What stands further in than any tool nests is indented output.
        guard indent / 4 <= sink.limits.depth, let statement = Statement(words) else {
            if pending != nil { pending?.comments.append(String(words)) } else { noise += 1 }
            return
        }
        take(statement, depth: indent / 4, number)
    }

    private func take(_ statement: Statement, depth: Int, _ number: Int) {
        switch statement {
        case .comment(let text):
            // Other comments belong to the point before them.
            if text.hasPrefix("Subtest:") {
                flush()
                subtestNames[depth] = text.dropFirst(8).trimmingCharacters(in: .whitespaces)
            } else if pending != nil {
                pending?.comments.append(text)
            }
        case .version, .pragma: break
        case .bailOut(let reason):
            flush()
            bailedOut = true
            sink.warn("report.bail_out", line: number, "the tests were given up\(reason.isEmpty ? "" : ": \(Excerpt.of(reason, limit: 500))")")
        case .plan(let count, let reason):
            enter(depth)
            levels[levels.count - 1].planned = count
            if count == 0, !reason.isEmpty {
                sink.warn("report.skipped_all", line: number, "all tests are skipped: \(Excerpt.of(reason, limit: 500))")
            }
        case .closeBuffered: if levels.count > 1 { finishBuffered(number) }
        case .point(let point): take(point, depth: depth, number)
        }
    }

    /// Brings the levels to `depth`: deeper opens a subtest, shallower ends those that are deeper.
    private func enter(_ depth: Int) {
        while levels.count - 1 > depth { closeLevel() }
        while levels.count - 1 < depth {
            let depth = levels.count
            levels.append(Level(name: subtestNames[depth - 1] ?? subtestNames[depth] ?? ""))
        }
    }

    private func take(_ point: Point, depth: Int, _ number: Int) {
        flush()
        if point.opensBuffered, depth < sink.limits.depth {
            enter(depth)
            buffered.append((depth, point))
            levels.append(Level(name: point.description))
            return
        }
        // A subtest stands before the point that sums it up.
        let closed = closeLevels(to: depth, naming: point)
        enter(depth)
        record(point, summing: closed, number)
    }

    private func finishBuffered(_ number: Int) {
        flush()
        guard let opener = buffered.popLast() else { return }
        record(opener.point, summing: closeLevels(to: opener.depth, naming: opener.point), number)
    }

    private func record(_ point: Point, summing closed: Level?, _ number: Int) {
        levels[levels.count - 1].seen += 1
        for depth in subtestNames.keys where depth >= levels.count - 1 { subtestNames[depth] = nil }
        let outcome = point.outcome
        if outcome == .failed { levels[levels.count - 1].failed += 1 }
        // Its points are the cases.
        if let closed, closed.seen > 0, outcome != .failed || closed.failed > 0 { return }
        var found = ReportedCase()
        found.suiteName = sink.name(levels.dropFirst().map(\.name).filter { !$0.isEmpty }.joined(separator: " > "), line: number)
        found.name = sink.name(point.description.isEmpty ? "test \(point.number ?? levels[levels.count - 1].seen)" : point.description, line: number)
        found.outcome = outcome
        found.microseconds = point.milliseconds.flatMap { sink.microseconds($0 / 1000, line: number) }
        if !point.reason.isEmpty { found.texts = ResultTexts(message: sink.text(point.reason, line: number)) }
        let none = KeptLines(limit: sink.limits.textBytes)
        pending = Pending(found: found, depth: levels.count, comments: none, yaml: none)
    }

    // MARK: - Ends

    private func closeYAML() {
        if let yaml { pending?.yaml = yaml }
        yaml = nil
    }

    /// The point that waited is complete.
    private func flush() {
        if yaml != nil { closeYAML() }
        guard var done = pending else { return }
        pending = nil
        if done.yaml.isCut || done.comments.isCut {
            sink.warn("case.text_cut", "what is said of a point was cut to \(sink.limits.textBytes) bytes; the raw report has all of it")
        }
        if !done.yaml.lines.isEmpty { read(done.yaml.lines, into: &done.found) }
        let comments = done.comments.lines.joined(separator: "\n")
        if !comments.isEmpty, done.found.outcome == .failed {
            var texts = done.found.texts ?? ResultTexts()
            texts.trace = sink.text([texts.trace, comments].filter { !$0.isEmpty }.joined(separator: "\n"))
            if texts.message.isEmpty { texts.message = sink.text(done.comments.lines.first { !$0.isEmpty } ?? "") }
            done.found.texts = texts
        }
        deliver(done.found, of: done.depth - 1)
    }

    /// Cases go to the sink, from where they may be taken at any moment; those of a subtest without a name wait for it as long as there is room.
    private func deliver(_ found: ReportedCase, of level: Int) {
        let count = found.name.utf8.count + (found.texts?.byteCount ?? 0)
        guard level > 0, found.suiteName.isEmpty, unnamed < sink.limits.heldCases, sink.hold(count) else { return sink.cases.append(found) }
        unnamed += 1
        levels[level].unnamed.append(found)
        levels[level].heldBytes += count
    }

    /// The few keys that tools agree on; the whole block is kept as the trace of what failed.
    private func read(_ yaml: [String], into found: inout ReportedCase) {
        var texts = found.texts ?? ResultTexts()
        for (index, line) in yaml.enumerated() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let key = line[..<colon].trimmingCharacters(in: .whitespaces)
            var value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            if ["|", "|-", ">", ">-"].contains(value) {
                let indent = line.prefix { $0 == " " }.count
                value = yaml[(index + 1)...].prefix { $0.isEmpty || $0.prefix { $0 == " " }.count > indent }
                    .map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
            }
            if value.count > 1, let quote = value.first, quote == "'" || quote == "\"", value.last == quote {
                value = String(value.dropFirst().dropLast())
            }
            switch key {
            case "duration_ms": if found.microseconds == nil { found.microseconds = Double(value).flatMap { sink.microseconds($0 / 1000) } }
            case "message", "error": if texts.message.isEmpty { texts.message = sink.text(value) }
            case "name" where value.hasSuffix("Error"): texts.type = sink.name(value)
            default: break
            }
        }
        if found.outcome == .failed { texts.trace = sink.text(yaml.joined(separator: "\n")) }
        if !texts.isEmpty { found.texts = texts }
    }

    /// Ends the levels below `depth`.
    /// - Returns: the outermost of them, which `point` sums up.
    private func closeLevels(to depth: Int, naming point: Point) -> Level? {
        var closed: Level?
        while levels.count - 1 > depth { closed = closeLevel(name: levels.count - 2 == depth ? point.description : "") }
        return closed
    }

    /// - Parameter name: for the cases that have waited for one.
    @discardableResult
    private func closeLevel(name: String = "") -> Level {
        flush()
        let level = levels.removeLast()
        while let opener = buffered.last, opener.depth >= levels.count - 1 { buffered.removeLast() }
        check(level)
        let name = level.unnamed.isEmpty ? "" : sink.name(name)
        for var found in level.unnamed {
            found.suiteName = name
            sink.cases.append(found)
        }
        unnamed -= level.unnamed.count
        sink.release(level.heldBytes)
        return level
    }

    private func check(_ level: Level) {
        let what = level.name.isEmpty ? "" : " of \(Excerpt.of(level.name, limit: 200))"
        guard let planned = level.planned else {
            if !bailedOut {
                isIncomplete = true
                sink.warn("report.no_plan", "the tests\(what) have no plan; whether all ran is not known")
            }
            return
        }
        if planned != level.seen, !bailedOut {
            isIncomplete = true
            if level.seen < planned { sink.cut = CutReport() }
            sink.warn("report.plan_missed", "\(planned) tests\(what) were planned, \(level.seen) were found")
        }
    }
}
