import Foundation
import Primitives

/// What a parser hands on: cases that are complete, and the account of everything that it could not take or did not know.
///
/// The bounds that hold for every format are kept here: lengths of names and texts, durations that can be, times that are near now.
final class ReportSink {
    let file: String
    let limits: IngestLimits
    /// Timestamps of the report are held against it.
    let now: Date

    /// Who feeds the parser takes them out.
    var cases: [ReportedCase] = []
    /// Those that say something of themselves; taken out like the cases.
    var suites: [ReportedSuite] = []
    private(set) var log = WarningLog()
    /// Test records that could not be taken; each has a warning.
    private(set) var rejected = 0
    /// The report ends too early and no case of it says so.
    var cut: CutReport?
    private var unknown: [String: Int] = [:]
    private var heldBytes = 0
    private var isHeldFull = false

    init(file: String, limits: IngestLimits = .init(), now: Date) {
        self.file = file
        self.limits = limits
        self.now = now
    }

    /// - Parameter line: counts from 1; 0 when it is about the whole file.
    func warn(_ code: String, line: Int = 0, _ detail: @autoclosure () -> String) {
        log.add(code, file: file, line: line, detail())
    }

    func reject(_ code: String, line: Int = 0, _ detail: @autoclosure () -> String) {
        rejected += 1
        warn(code, line: line, detail())
    }

    /// Something of the format that is not known: counted by name, of which a hundred are told apart.
    func passOver(_ name: String) {
        let known = Excerpt.of(name, limit: 100)
        if unknown[known] != nil || unknown.count < 100 { unknown[known, default: 0] += 1 }
    }

    /// Lists what was passed over. Called once, at the end.
    func reportUnknown() {
        for (name, count) in unknown.sorted(by: { $0.key < $1.key }) {
            warn("report.unknown_element", "\(name) is not known and was passed over, \(count) times")
        }
        unknown = [:]
    }

    /// - Parameter isCut: the report says more of the suite than there was room for.
    func add(_ suite: ReportedSuite, isCut: Bool, line: Int) {
        guard !suite.isEmpty else { return }
        suites.append(suite)
        if isCut {
            warn("suite.cut", line: line, "what is said of a suite is more than \(limits.suiteBytes >> 10) KiB; the raw report has all of it")
        }
    }

    // MARK: - What is held

    /// Asked before text is kept of a case that is not complete yet: a report of nothing but beginnings must not fill the memory.
    /// - Returns: `false`, with one warning for the file, when there is no room for so many bytes.
    func hold(_ count: Int) -> Bool {
        guard heldBytes + count <= limits.heldBytes else {
            if !isHeldFull {
                warn("case.text_cut", "texts of unfinished cases are more than \(limits.heldBytes >> 20) MiB; the raw report has all of them")
            }
            isHeldFull = true
            return false
        }
        heldBytes += count
        return true
    }

    func release(_ count: Int) { heldBytes -= count }

    // MARK: - Values

    /// Of suites, classes, tests, files and types.
    func name(_ text: String, line: Int = 0) -> String {
        cut(text, to: limits.nameBytes, "case.name_cut", "a name", line)
    }

    func text(_ text: String, line: Int = 0) -> String {
        cut(text, to: limits.textBytes, "case.text_cut", "a text", line)
    }

    private func cut(_ text: String, to limit: Int, _ code: String, _ what: String, _ line: Int) -> String {
        let count = text.utf8.count
        guard count > limit else { return text.utf8.contains(0) ? Excerpt.of(text, limit: limit) : text }
        warn(code, line: line, "\(what) of \(count) bytes was cut to \(limit)")
        return Excerpt.of(text, limit: limit)
    }

    /// - Returns: `nil`, with a warning, for what no test can have taken.
    func microseconds(_ seconds: Double, line: Int = 0) -> Int64? {
        guard seconds >= 0, seconds <= ReportSeconds.limit else {
            warn("case.time_invalid", line: line, "the time \(seconds) s is not a duration; it was left out")
            return nil
        }
        return Int64((seconds * 1_000_000).rounded())
    }

    /// Decimal seconds in any locale's writing.
    func microseconds(_ text: UnsafeBufferPointer<UInt8>, line: Int) -> Int64? {
        switch ReportSeconds.read(text) {
        case .absent: return nil
        case .microseconds(let micros): return micros
        case .invalid:
            warn("case.time_invalid", line: line, "the time \(Excerpt.of(text, limit: 40)) is not a duration; it was left out")
            return nil
        }
    }

    /// ISO 8601.
    /// - Returns: at most a day from now; `nil`, with a warning, for what cannot be read.
    func time(_ text: UnsafeBufferPointer<UInt8>, line: Int) -> Date? {
        guard !text.isEmpty else { return nil }
        guard let time = ReportTime.read(text) else {
            warn("suite.timestamp_invalid", line: line, "the timestamp \(Excerpt.of(text, limit: 40)) cannot be read; it was left out")
            return nil
        }
        return near(time, line: line) { Excerpt.of(text, limit: 40) }
    }

    func time(milliseconds: Double, line: Int = 0) -> Date? {
        guard milliseconds.isFinite, abs(milliseconds) < 1e16 else {
            warn("suite.timestamp_invalid", line: line, "the timestamp \(milliseconds) cannot be read; it was left out")
            return nil
        }
        return near(Date(timeIntervalSince1970: milliseconds / 1000), line: line) { "\(milliseconds)" }
    }

    private func near(_ time: Date, line: Int, _ text: () -> String) -> Date {
        let nearest = min(max(time, now - ReportTime.tolerance), now + ReportTime.tolerance)
        if nearest != time {
            warn("suite.timestamp_clamped", line: line, "the timestamp \(text()) is more than 24 hours away and was moved")
        }
        return nearest
    }
}

extension ReportSink {
    func microseconds(_ text: String, line: Int) -> Int64? {
        var text = text
        return text.withUTF8 { microseconds($0, line: line) }
    }

    func time(_ text: String, line: Int) -> Date? {
        var text = text
        return text.withUTF8 { time($0, line: line) }
    }
}
