import Foundation
import Testing

@testable import ExecutionService

/// What other systems keep of past runs.
@Suite("formats of histories")
struct HistoryFormatTests {
    private func read(_ file: String, as format: ReportFormat? = nil) throws -> ReadReport {
        try Report.read(Report.fixture(file), as: format, now: ReportFormatTests.now)
    }

    @Test("Jenkins: names as in JUnit, failures without a text, properties, stages, output of suites")
    func jenkins() throws {
        let report = try read("jenkins.xml")
        #expect(report.cases.map(\.suiteName) == ["shop.BasketTest", "shop.BasketTest", "shop.BasketTest", "pytest"])
        #expect(report.cases.map(\.name) == ["adds", "discounts", "till", "test_empty[a.b]"])
        #expect(report["adds"]?.extras?.properties == [.init(name: "team", value: "checkout"), .init(name: "stage", value: "Test / unit")])
        #expect(report["adds"]?.texts?.systemOut == "one & two")
        #expect(report["adds"]?.startedAt == Date(timeIntervalSince1970: 1_795_597_200))
        #expect(report["discounts"]?.startedAt == Date(timeIntervalSince1970: 1_795_597_200.5))
        #expect(report["discounts"]?.microseconds == 250_000)
        #expect(report["discounts"]?.texts?.message == "expected: <4> but was: <3>")
        #expect(report["discounts"]?.texts?.trace.contains("BasketTest.java:31") == true)
        #expect(report["till"]?.texts?.message == "no till in this shop")
        #expect(report["test_empty[a.b]"]?.outcome == .failed && report["test_empty[a.b]"]?.className == "tests.test_stock")
        let suite = try #require(report.suites.first)
        #expect(suite.name == "shop.BasketTest" && suite.systemErr == "SLF4J: no binder")
        #expect(suite.properties == [.init(name: "java.version", value: "21.0.4")])
        #expect(report.codes == ["report.invalid_character"])
    }

    @Test("Jenkins' interface says the same, with the suite's name behind its cases")
    func jenkinsInterface() throws {
        let (kept, asked) = (try read("jenkins.xml"), try read("jenkins-api.xml"))
        for name in ["adds", "discounts", "till"] {
            #expect(asked[name]?.suiteName == "shop.BasketTest" && asked[name]?.className == kept[name]?.className)
            #expect(asked[name]?.outcome == kept[name]?.outcome && asked[name]?.microseconds == kept[name]?.microseconds)
        }
        #expect(asked.codes.isEmpty)
    }

    @Test("Jenkins' interface: cases whose suite has lost its name are no tests of another suite")
    func jenkinsCut() throws {
        let text = String(decoding: try Report.fixture("jenkins-api.xml"), as: UTF8.self)
        let end = try #require(text.range(of: "<enclosingBlockName>"))
        let report = try Report.read(Array(text[..<end.lowerBound].utf8), as: nil, now: ReportFormatTests.now)
        #expect(report.cases.isEmpty && report.rejected == 3 && report.incomplete)
    }

    @Test(
        "a root of the name result is Jenkins' own only where suites follow",
        arguments: [
            ("<result><suites/></result>", true), ("<result plugin='junit@1'>\n <suites>", true), ("<result/>", false), ("<result><suit", false),
        ])
    func root(text: String, isJenkins: Bool) throws {
        for pieces in [0, 1] {
            let report = try Report.read(Array(text.utf8), as: nil, pieces: pieces, now: ReportFormatTests.now)
            #expect((report.format == .jenkins) == isJenkins)
        }
    }

    @Test("a line of Allure's history names its tests as the results that it was made from")
    func allure() throws {
        let history = try read("allure-history.jsonl")
        let result = try #require(try read("allure-result.json").cases.first)
        let found = try #require(history[result.name])
        #expect(found.suiteName == result.suiteName && found.className == result.className && found.outcome == result.outcome)
        #expect(found.microseconds == result.microseconds && found.startedAt == result.startedAt)
        #expect(found.texts?.message == result.texts?.message)
        #expect(history.codes.isEmpty)
    }

    @Test("ReportPortal: leaves are tests, hooks only when they break, what has parameters is told apart")
    func reportportal() throws {
        let report = try read("reportportal.json")
        #expect(report.cases.map(\.name) == ["adds", "discounts", "till", "rows[1]", "rows[2]", "test_opens", "tearDown"])
        #expect(report["adds"]?.suiteName == "shop.BasketTest" && report["adds"]?.className == "shop.BasketTest")
        #expect(report["adds"]?.extras?.properties == [.init(name: "team", value: "checkout")])
        #expect(report["adds"]?.microseconds == 12_000)
        #expect(report["discounts"]?.microseconds == 250_000 && report["discounts"]?.tries == 2)
        #expect(report["discounts"]?.texts?.message == "the voucher counts twice")
        #expect(report["rows[2]"]?.outcome == .failed && report["rows[2]"]?.extras?.properties == [.init(name: "parameter.n", value: "2")])
        #expect(report["test_opens"]?.className == "tests.test_till.TestTill" && report["test_opens"]?.file == "tests/test_till.py")
        #expect(report["test_opens"]?.outcome == .errored && report["tearDown"]?.outcome == .errored)
        #expect(report.codes.isEmpty)
    }

    @Test("a page of ReportPortal's launches is no report")
    func launches() throws {
        let page = #"{"content":[{"id":501,"uuid":"u","name":"shop unit","number":7,"status":"PASSED"}],"page":{"number":1}}"#
        let report = try Report.read(Array(page.utf8), as: nil, now: ReportFormatTests.now)
        #expect(!report.isReport && report.codes == ["report.unknown_format"])
    }
}
