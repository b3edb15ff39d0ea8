import ExecutionAPI
import Foundation
import Primitives
import TestSupport
import Testing

@testable import ExecutionService

@Suite("what reports say of whole suites")
struct ReportedSuiteTests {
    @Test("properties and output stay with the suite they stand in, also of all suites and of suites in suites; those of cases do not")
    func nested() throws {
        let report = try Report.read(
            """
            <testsuites><properties><property name="all" value="1"/></properties>
            <testsuite name="outer"><properties><property name="seed">17</property><property name="seed" value="18"/></properties>
            <testsuite name="inner"><system-err>first</system-err><testcase name="t"><properties><property name="mine" value="x"/></properties>
            <system-out>of the case</system-out></testcase><system-err>second</system-err></testsuite>
            <testsuite name="silent"><testcase name="u"/></testsuite>
            </testsuite></testsuites>
            """)
        #expect(report.suites.map(\.name) == ["inner", "outer", ""])
        #expect(report.suites[0].systemErr == "first\n\nsecond" && report.suites[0].properties.isEmpty)
        #expect(report.suites[1].properties == [.init(name: "seed", value: "17"), .init(name: "seed", value: "18")])
        #expect(report.suites[2].properties == [.init(name: "all", value: "1")])
        #expect(report.cases[0].extras?.properties == [.init(name: "mine", value: "x")])
        #expect(report.cases[0].texts?.systemOut == "of the case")
        #expect(report.warnings.isEmpty)
    }

    @Test("a report that is cut off keeps what it said of the suites that are open")
    func cutOff() throws {
        let report = try Report.read("<testsuite name=\"s\"><properties><property name=\"a\" value=\"b\"/></properties><testcase name=\"t\"/><testc")
        #expect(report.suites.map(\.properties) == [[.init(name: "a", value: "b")]])
        #expect(report.incomplete)
    }

    @Test("what is too much is cut, and said to be", arguments: [20, 200])
    func bounds(count: Int) throws {
        let properties = (0..<count).map { "<property name=\"p\($0)\" value=\"\(String(repeating: "x", count: 90))\"/>" }.joined()
        let xml =
            "<testsuite name=\"s\"><properties>\(properties)</properties><system-out>\(String(repeating: "y", count: 2000))</system-out></testsuite>"
        let report = try Report.read(xml, limits: IngestLimits(suiteBytes: 4 << 10))
        let suite = try #require(report.suites.first)
        #expect(suite.byteCount <= 4 << 10)
        #expect(count == 20 ? suite.properties.count == 20 : suite.byteCount > 4000)
        #expect(report.codes == (count == 20 ? [] : ["suite.cut"]))
        #expect(suite.systemOut.count == (count == 20 ? 2000 : 0) || suite.systemOut.hasSuffix("y"))
    }

    @Test("NUnit's properties, categories and output of suites are kept")
    func nunit() throws {
        let report = try Report.read(Report.fixture("nunit3.xml"), as: .nunit)
        #expect(report.suites.contains { $0.properties == [.init(name: "_PID", value: "4711")] && $0.name.hasSuffix("Shop.Tests.dll") })
    }

    @Test("an upload keeps the first thousand suites that say anything, in batches too, and says how many there were")
    func many() throws {
        let reader = UploadReader(project: .new(), limits: IngestLimits(suites: 5), now: Report.now)
        let suite = { (index: Int) in "<testsuite name=\"s\(index)\"><system-out>o</system-out><testcase name=\"t\"/></testsuite>" }
        var kept: [(Int, String)] = []
        for file in 0..<2 {
            try reader.take(.file(name: "r\(file).xml", encoding: ""))
            try reader.take(.data(Data("<testsuites>\((0..<4).map(suite).joined())</testsuites>".utf8)))
            while try reader.step() {}
            try reader.take(.end)
            let batch = reader.takeBatch()
            kept += batch.suites.enumerated().map { (batch.firstSuite + $0.offset, $0.element.file + " " + $0.element.name) }
        }
        try reader.finish()
        #expect(kept.map(\.0) == Array(0..<5))
        #expect(kept.map(\.1) == ["r0.xml s0", "r0.xml s1", "r0.xml s2", "r0.xml s3", "r1.xml s0"])
        #expect(reader.log.warnings.contains { $0.code == "upload.suites_cut" && $0.detail.hasPrefix("8 suites") })
    }

    @Test(
        "members of JSON reports that no format has are listed by name and count; those that are known are not",
        arguments: [
            (
                ReportFormat.ctrf, #"{"results": {"tests": [{"name": "a", "status": "passed", "duration": 1, "mood": "good", "extra": {"x": 1}}]}}"#,
                "mood of a test"
            ),
            (
                .cucumber, #"[{"name": "f", "uri": "f.feature", "elements": [{"name": "s", "type": "scenario", "steps": [], "mood": 1}]}]"#,
                "mood of a scenario"
            ),
            (.mocha, #"{"stats": {}, "passes": [{"title": "a", "fullTitle": "b a", "speed": "fast", "mood": 1}]}"#, "mood of a test"),
            (.allure, #"{"uuid": "1", "name": "a", "status": "passed", "mood": {}}"#, "mood of a result"),
            (.gotest, #"{"Action": "pass", "Package": "p", "Test": "T", "Mood": 1}"#, "Mood of an event"),
        ])
    func unknownMembers(format: ReportFormat, json: String, expected: String) throws {
        let report = try Report.read(Array(json.utf8), as: format)
        #expect(report.cases.count == 1)
        let unknown = report.warnings.filter { $0.code == "report.unknown_element" }
        #expect(unknown.map(\.detail) == ["the member \(expected) is not known and was passed over, 1 times"])
    }
}
