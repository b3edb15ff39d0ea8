import Foundation
import Primitives
import Testing

@testable import ExecutionService

/// Reports that nobody's tool writes: none may stop the process, and none may make a parser hold more than its limits.
@Suite("reports without measure")
struct ReportBoundTests {
    /// Files that `deploy/test --fuzz` found something with, in a folder of the target's name.
    static let inputs: [String] = {
        let folder = Bundle.module.bundleURL.appending(path: "Fixtures/Fuzz")
        let walk = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])
        return (walk?.compactMap { $0 as? URL } ?? [])
            .filter { (try? $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true }
            .map { $0.pathComponents.suffix(2).joined(separator: "/") }.sorted()
    }()

    @Test("what fuzzing found is read, and the same however it is cut", arguments: inputs)
    func found(file: String) throws {
        let data = try Report.fixture("Fuzz/\(file)")
        let format = ReportFormat(rawValue: String(file.prefix { $0 != "/" }))
        for limits in [
            IngestLimits(), IngestLimits(nameBytes: 32, textBytes: 128, recordBytes: 1 << 10, lineBytes: 256, heldCases: 4, heldBytes: 512),
        ] {
            let whole = Result { try Report.read(data, as: format, limits: limits) }
            for size in [1, 7, 64] {
                let pieces = Result { try Report.read(data, as: format, pieces: size, limits: limits) }
                switch (whole, pieces) {
                case (.success(let one), .success(let other)):
                    #expect(one.cases == other.cases && one.rejected == other.rejected && one.codes.sorted() == other.codes.sorted(), "\(size)")
                case (.failure(let one), .failure(let other)): #expect((one as? Fault)?.code == (other as? Fault)?.code, "\(size)")
                default: Issue.record("in pieces of \(size): \(pieces), as a whole: \(whole)")
                }
            }
        }
    }

    @Test(
        "numbers at the end of their range are no crash",
        arguments: [
            ("trx", "<TestRun><Results><UnitTestResult testName='a' duration='9223372036854775807:00:00'/></Results></TestRun>"),
            ("trx", "<TestRun><Results><UnitTestResult testName='a' duration='00:9223372036854775807:00'/></Results></TestRun>"),
            ("pytest", #"{"tests":[{"nodeid":"a.py::b","lineno":9223372036854775807,"outcome":"passed"}]}"#),
            ("cucumber", #"[{"uri":"a","elements":[{"name":"s","line":-9223372036854775808,"steps":[{"result":{"duration":1e308}}]}]}]"#),
            (
                "dart",
                #"{"type":"testStart","time":-1e308,"test":{"id":1,"name":"a","line":9223372036854775807}}"# + "\n"
                    + #"{"type":"testDone","time":1e308,"testID":1,"result":"success"}"#
            ),
            ("tap", "1..9223372036854775807\nok 9223372036854775807 - a # time=\(String(repeating: "9", count: 400))ms\n"),
            ("ctrf", #"{"results":{"tests":[{"name":"a","status":"passed","duration":1e308,"start":-1e308,"line":1e14}]}}"#),
            ("allure", #"{"name":"a","status":"passed","start":1e308,"stop":-1e308}"#),
        ])
    func ranges(format: String, text: String) throws {
        let report = try Report.read(Array(text.utf8), as: ReportFormat(rawValue: format))
        #expect(report.cases.count == 1)
        #expect(report.cases[0].microseconds.map { $0 >= 0 } ?? true)
    }

    @Test("TAP: points of a subtest that is named by its sum are its cases, however the file is cut")
    func subtests() throws {
        let tap = "    ok 1 - a\n        ok 1 - deep\n        1..1\n    ok 2 - inner\n    1..2\nok 1 - outer\n1..1\n"
        for pieces in [0, 1, 5] {
            let report = try Report.read(Array(tap.utf8), as: .tap, pieces: pieces)
            #expect(report.cases.map { "\($0.suiteName)/\($0.name)" } == ["inner/deep", "outer/a"])
        }
    }

    @Test(
        "what has no end is not held without one",
        arguments: [
            ("tap", "ok {\n"), ("tap", "not ok\n  ---\n  a\n"), ("tap", "not ok\nnoise\n"), ("tap", "    ok\n"),
            ("tap", String(repeating: " ", count: 800) + "ok\n"),
            ("gotest", #"{"Action":"pass","Package":"#), ("gotest", #"{"Action":"build-output","Output":"","ImportPath":"#),
            ("gotest", #"{"Action":"run","Test":"a","Package":"#), ("dart", #"{"type":"group","group":{"name":"#),
        ])
    func endless(format: String, line: String) throws {
        let limits = IngestLimits(textBytes: 1_000, heldCases: 50, heldBytes: 1_000)
        let parser = try #require(ReportFormat(rawValue: format)).parser(ReportSink(file: "", limits: limits, now: Report.now))
        for number in 0..<5_000 {
            // A name that has not been before.
            let name = "\"\(number) \(String(repeating: "x", count: 100))\""
            let whole = format == "tap" ? line : line + name + (format == "dart" ? ",\"id\":\(number)}}\n" : "}\n")
            // What is said of one point goes on; everything else begins again and again.
            let goesOn = number > 0 && line.hasPrefix("not ok")
            let bytes = Array((goesOn ? "  and so on\n" : whole).utf8)
            try bytes.withUnsafeBufferPointer { buffer throws(Fault) in try parser.feed(buffer) }
            parser.sink.cases.removeAll(keepingCapacity: true)
        }
        #expect(Self.size(of: parser) < 200_000, "\(Self.size(of: parser)) bytes are held")
    }

    /// What the texts and collections of a value come to, in bytes, those of the sink left out.
    private static func size(of value: Any) -> Int {
        switch value {
        case is ReportSink: return 0
        case let text as String: return text.utf8.count + 16
        case let bytes as [UInt8]: return bytes.count
        default:
            let mirror = Mirror(reflecting: value)
            return mirror.children.reduce(8) { $0 + size(of: $1.value) }
        }
    }

    @Test("a record of JSON has so many values at most")
    func values() throws {
        let many = "{\"name\":\"a\",\"status\":\"passed\",\"x\":[" + String(repeating: "1,", count: JSONParser.maxValues) + "1]}"
        let report = try Report.read(Array(many.utf8), as: .allure)
        #expect(report.cases.isEmpty && report.codes == ["report.record_invalid"])
    }
}
