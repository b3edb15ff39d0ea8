import CReports
import Foundation
import Primitives

/// JUnit XML in any dialect; no schema of it exists (testmoapp/junitxml describes the common form). `JUnitParser+Elements.swift` gives the elements
/// their meaning.
final class JUnitParser: ReportParser, XMLElements {
    let sink: ReportSink

    // What the elements' handlers know.
    var nodes: [Node] = []
    var suites: [SuiteFrame] = []
    var current = ReportedCase()
    var message = ""
    var type = ""
    var text: CapturedText
    var classNames = RepeatedText()
    var files = RepeatedText()
    var hosts = RepeatedText()
    var sawRoot = false

    private(set) var names: JUnitNames
    private var reader: XMLReader?

    /// Where in the report the parser is.
    enum Node {
        case suites, suite, testcase, outcome(Outcome), attempt(Outcome, isRerun: Bool), stackTrace, systemOut, systemErr
        case properties, property(String, String)
    }

    struct SuiteFrame {
        var name = ""
        var file = ""
        var startedAt: Date?
        var host = ""
        /// What the report says of it; no name yet.
        var said = ReportedSuite()
        var isCut = false
    }

    init(sink: ReportSink) {
        self.sink = sink
        text = CapturedText(limit: sink.limits.textBytes)
        names = JUnitNames(dictionary: nil)
        let reader = XMLReader(sink: sink, elements: self)
        names = JUnitNames(dictionary: reader.dictionary)
        self.reader = reader
    }

    var line: Int { reader?.line ?? 0 }
    func skip() { reader?.skip() }
    func passOver(_ name: UnsafePointer<xmlChar>) { reader?.passOver(name) }
    func stop() { reader?.stop() }

    func feed(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
        try reader?.feed(bytes)
    }

    func finish() throws(Fault) -> ReportSummary {
        try reader?.finish()
        guard sawRoot else {
            sink.warn("report.unknown_format", "the file is not JUnit XML and was not taken")
            return ReportSummary(isReport: false, incomplete: true)
        }
        // Of a report that ends too early.
        while !suites.isEmpty { closeSuite() }
        sink.reportUnknown()
        guard let damage = reader?.damage else { return ReportSummary(isReport: true, incomplete: false) }
        let code = nodes.isEmpty ? "report.trailing_content" : damage.isAtEnd ? "report.truncated" : "report.malformed"
        let cutsCase = nodes.contains { if case .testcase = $0 { true } else { false } }
        if code == "report.truncated" {
            let name = Excerpt.of(current.name, limit: 200)
            sink.cut = CutReport(within: !cutsCase ? "" : name.isEmpty ? "a testcase" : "testcase '\(name)'")
        }
        if cutsCase {
            sink.reject(code, line: damage.line, "\(damage.what); what came before was taken")
        } else {
            sink.warn(code, line: damage.line, "\(damage.what); what came before was taken")
        }
        return ReportSummary(isReport: true, incomplete: true)
    }
}
