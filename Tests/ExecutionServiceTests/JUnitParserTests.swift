import Foundation
import Primitives
import Testing

@testable import ExecutionService

@Suite("JUnit dialects")
struct JUnitParserTests {
    @Test("pytest: set-up errors, xfail, odd names, captured output")
    func pytest() throws {
        let report = try Report.read(Report.fixture("pytest.xml"))
        #expect(Set(report.cases.map(\.suiteName)) == ["pytest"])
        #expect(report["test_total"]?.outcome == .passed)
        #expect(report["test_discount"]?.outcome == .failed)
        #expect(report["test_discount"]?.texts?.message == "AssertionError: the discount & <nothing> else\nassert 90 == 80")
        #expect(report["test_discount"]?.texts?.trace.contains("test_shop.py:9: AssertionError") == true)
        #expect(report["test_closed"]?.outcome == .skipped)
        #expect(report["test_known_bug"]?.texts?.type == "pytest.xfail")
        #expect(report["test_till"]?.outcome == .errored)
        #expect(report["test_names[x<y>&\"z\"]"]?.outcome == .passed)
        #expect(report["test_empty"]?.className == "test_shop.TestBasket")
        #expect(report.cases.allSatisfy { $0.microseconds != nil && $0.startedAt != nil })
        #expect(!report.incomplete)
    }

    @Test("node: a suite in a suite, a test in none")
    func node() throws {
        let report = try Report.read(Report.fixture("node.xml"))
        #expect(report.cases.map(\.suiteName) == ["basket", "basket", "when full", "basket", "basket", ""])
        #expect(report.cases.map(\.outcome) == [.passed, .failed, .passed, .skipped, .skipped, .failed])
        #expect(report["throws"]?.texts?.message == "no & never <here>")
        #expect(report.warnings.isEmpty)
    }

    @Test("CTest: disabled tests say so in an attribute")
    func ctest() throws {
        let report = try Report.read(Report.fixture("ctest.xml"))
        #expect(report.cases.map(\.outcome) == [.passed, .failed, .skipped, .skipped, .skipped])
        #expect(report["opens"]?.texts?.systemOut == "good morning & <welcome>")
        #expect(report["opens"]?.microseconds == 7781)
    }

    @Test("Swift Testing: no timestamps, a missing time")
    func swiftTesting() throws {
        let report = try Report.read(Report.fixture("swift-testing.xml"))
        #expect(report["closed()"]?.outcome == .skipped)
        #expect(report["closed()"]?.microseconds == nil)
        #expect(report["overflows()"]?.texts?.message == "Expectation failed: (total(2, 2) → 4) == 5 (error): too <much> & more")
        #expect(report.cases.count == 4)
    }

    @Test("Surefire: flaky is passed, rerun is failed, commas in numbers, own counts")
    func surefire() throws {
        let report = try Report.read(Report.fixture("surefire.xml"))
        #expect(report.cases.map(\.outcome) == [.passed, .passed, .failed, .failed])
        #expect(report["opens"]?.microseconds == 123_000)
        #expect(report["flaky"]?.texts == nil)
        #expect(report["flaky"]?.extras?.attempts.map(\.outcome) == [.failed, .errored])
        #expect(report["flaky"]?.extras?.attempts.map(\.message) == ["first time", ""])
        #expect(report["flaky"]?.tries == 3)
        #expect(report["broken"]?.texts?.message == "always")
        #expect(report["broken"]?.texts?.trace == "java.lang.AssertionError: always\n\tat shop.TillTest.broken(TillTest.java:20)")
        #expect(report["broken"]?.extras?.attempts == [.init(outcome: .failed, message: "again", type: "java.lang.AssertionError", trace: "again")])
        #expect(report["broken"]?.texts?.systemOut == "printed <by> the test")
        #expect(report["onlyReruns"]?.texts?.message == "once more")
        #expect(report.warnings.isEmpty)
        #expect(
            report.suites == [
                .init(
                    name: "shop.TillTest", file: "report.xml", properties: [.init(name: "java.version", value: "21")], systemOut: "of the suite")
            ])
    }

    @Test("PHPUnit: the innermost suite names the test, not a path")
    func phpunit() throws {
        let report = try Report.read(Report.fixture("phpunit.xml"))
        #expect(report.cases.map(\.suiteName) == ["Shop\\BasketTest", "Shop\\BasketTest::testAdds", "Shop\\BasketTest::testAdds"])
        #expect(report.cases.map(\.line) == [11, 20, 20])
        #expect(report.cases.allSatisfy { $0.file == "/home/ci/shop/tests/BasketTest.php" && $0.className == "Shop.BasketTest" })
        #expect(report.cases[2].outcome == .errored)
        #expect(report.cases[2].texts?.trace == "Shop\\BasketTest::testAdds\nTypeError: no & never")
    }

    @Test("GoogleTest: suppressed tests are skipped")
    func googletest() throws {
        let report = try Report.read(Report.fixture("googletest.xml"))
        #expect(report.cases.map(\.outcome) == [.passed, .skipped, .failed])
        #expect(report.cases[1].microseconds == 0)
        #expect(report.cases[0].startedAt == Date(timeIntervalSince1970: 1_795_251_552.345))
        #expect(report.warnings.isEmpty)
    }

    @Test(
        "however a report is cut into pieces, it reads the same",
        arguments: ["pytest.xml", "node.xml", "ctest.xml", "swift-testing.xml", "surefire.xml", "phpunit.xml", "googletest.xml"])
    func pieces(name: String) throws {
        let data = try Report.fixture(name)
        let whole = try Report.read(data)
        for size in [1, 2, 3, 7, 64, 1000] {
            #expect(try Report.read(data, pieces: size) == whole, "pieces of \(size)")
        }
    }

    @Test("a report that is split at any byte reads the same")
    func splits() throws {
        let data = try Array(Report.fixture("surefire.xml"))
        let whole = try Report.read(data)
        for split in 1..<data.count {
            let parser = JUnitParser(sink: ReportSink(file: "report.xml", now: Report.now))
            try data[..<split].withUnsafeBufferPointer { buffer throws(Fault) in try parser.feed(buffer) }
            try data[split...].withUnsafeBufferPointer { buffer throws(Fault) in try parser.feed(buffer) }
            _ = try parser.finish()
            #expect(parser.sink.cases == whole.cases, "split at \(split)")
        }
    }

    @Test(
        "the heaviest of several outcomes stands",
        arguments: [
            ("<skipped/>", Outcome.skipped), ("<error/>", .errored), ("<failure/>", .failed), ("<skipped/><error/>", .errored),
            ("<error/><failure/>", .failed), ("<failure/><error/>", .failed), ("<failure/><skipped/>", .failed), ("", .passed),
            ("<flakyError/>", .passed), ("<rerunError/>", .errored),
        ])
    func severalOutcomes(children: String, outcome: Outcome) throws {
        let report = try Report.one("<testcase name='t'>\(children)</testcase>")
        #expect(report.cases.map(\.outcome) == [outcome])
    }

    @Test("the words of the lighter outcome are kept")
    func wordsOfBoth() throws {
        let report = try Report.one("<testcase name='t'><error message='e'>E</error><failure message='f' type='F'>text</failure></testcase>")
        #expect(report.cases[0].texts == ResultTexts(message: "f", type: "F", trace: "E\n\ne\n\ntext"))
    }

    @Test("cases that share their name all stay, and a missing class name is empty")
    func duplicates() throws {
        let report = try Report.one("<testcase name='t'/><testcase name='t'/><testcase name='t'><failure/></testcase>")
        #expect(report.cases.count == 3)
        #expect(report.cases.allSatisfy { $0.className.isEmpty && $0.suiteName == "s" })
    }

    @Test("a case without a name is called by its class, one without either is taken with a warning")
    func namelessCases() throws {
        let report = try Report.one("<testcase/>\n<testcase name='' classname='C'/>")
        #expect(report.cases.map(\.name) == ["(no name)", "C"])
        #expect(report.rejected == 0)
        #expect(report.codes == ["case.name_missing"])
    }

    @Test("impossible times become none, with a warning each", arguments: ["-1", "NaN", "Inf", "1e300", "fast"])
    func times(text: String) throws {
        let report = try Report.one("<testcase name='t' time='\(text)'/>")
        #expect(report.cases[0].microseconds == nil)
        #expect(report.codes == ["case.time_invalid"])
    }

    @Test("long names are cut at a character, with a warning")
    func longNames() throws {
        let report = try Report.one("<testcase name='\(String(repeating: "é", count: 4000))'/>")
        #expect(report.cases[0].name == String(repeating: "é", count: 2048))
        #expect(report.codes == ["case.name_cut"])
    }

    @Test("timestamps far away are moved to 24 hours from now")
    func timestamps() throws {
        let report = try Report.read(
            "<testsuites><testsuite timestamp='2020-01-01T00:00:00'><testcase name='a'/></testsuite><testsuite timestamp='2099-01-01T00:00:00Z'><testcase name='b'/></testsuite><testsuite timestamp='today'><testcase name='c'/></testsuite></testsuites>"
        )
        #expect(report.cases.map(\.startedAt) == [Report.now - 86_400, Report.now + 86_400, nil])
        #expect(report.codes == ["suite.timestamp_clamped", "suite.timestamp_clamped", "suite.timestamp_invalid"])
    }

    @Test("unknown elements earn one warning per name, with their number")
    func unknownElements() throws {
        let report = try Report.one("<testcase name='t'><foo><failure/></foo><foo/><bar/></testcase><baz/>")
        #expect(report.cases.map(\.outcome) == [.passed])
        #expect(report.codes == Array(repeating: "report.unknown_element", count: 3))
        #expect(report.warnings.contains { $0.detail.contains("<foo>") && $0.detail.contains("2 times") })
    }

    @Test("ampersands and references in attributes are what they stand for")
    func references() throws {
        let report = try Report.one("<testcase name='a &amp; b &#38; c &lt;d&gt; &quot; &apos; &#8594; &amp;lt; &amp;#38;'/>")
        #expect(report.cases[0].name == "a & b & c <d> \" ' → &lt; &#38;")
    }

    @Test("characters that XML forbids are replaced, whole or as references, and the rest is read")
    func forbiddenCharacters() throws {
        let report = try Report.one(
            "<testcase name='a\u{1b}[31m'><failure message='x&#27;y'>red \u{1b}[0m &#x0; \u{8}end &nbsp;</failure></testcase><testcase name='b'/>")
        #expect(report.cases.map(\.name) == ["a?[31m", "b"])
        #expect(report.cases[0].texts?.trace.hasPrefix("red ?[0m") == true)
        #expect(report.codes == ["report.invalid_character"])
        #expect(!report.incomplete)
    }

    @Test("white space and a byte order mark before the declaration do no harm")
    func beginnings() throws {
        let xml = "<?xml version='1.0' encoding='utf-8'?>\n<testsuite><testcase name='t' time='x'/></testsuite>"
        #expect(try Report.read("\n\n  " + xml).warnings.map(\.line) == [4])
        #expect(try Report.read([0xEF, 0xBB, 0xBF] + Array(xml.utf8)).cases.count == 1)
        #expect(try Report.read([0xEF, 0xBB, 0xBF] + Array(xml.utf8), pieces: 1).cases.count == 1)
    }

    @Test("Latin-1 is converted when it is declared")
    func latin1() throws {
        let xml =
            Array("<?xml version='1.0' encoding='ISO-8859-1'?><testsuite><testcase name='Gr".utf8) + [0xF6, 0xDF] + Array("e'/></testsuite>".utf8)
        #expect(try Report.read(xml).cases.map(\.name) == ["Größe"])
        #expect(try Report.read(xml, pieces: 1).cases.map(\.name) == ["Größe"])
    }

    @Test("long texts keep their beginning, with a warning")
    func longTexts() throws {
        let report = try Report.one(
            "<testcase name='t'><system-out>\(String(repeating: "x", count: 70_000))</system-out><failure><![CDATA[\(String(repeating: "ü", count: 40_000))]]></failure></testcase>"
        )
        #expect(report.cases[0].texts?.systemOut.utf8.count == 65_536)
        #expect(report.cases[0].texts?.trace == String(repeating: "ü", count: 32_768))
        #expect(report.codes == ["case.text_cut", "case.text_cut"])
    }
}
