import Foundation
import Testing

@testable import ExecutionService

/// Fixtures are what the tools wrote; see `Fixtures/README.md`.
@Suite("report formats")
struct ReportFormatTests {
    /// When the fixtures of formats other than JUnit were made.
    static let now = Date(timeIntervalSince1970: 1_795_608_000)

    struct Row: CustomTestStringConvertible, Sendable {
        let file: String
        let format: ReportFormat
        /// Passed, failed, errored, skipped.
        let counts: [Int]
        var testDescription: String { file }

        init(_ file: String, _ format: ReportFormat, _ counts: [Int]) {
            self.file = file
            self.format = format
            self.counts = counts
        }
    }

    static let rows = [
        Row("pytest.xml", .junit, [6, 2, 2, 2]),
        Row("vstest.trx", .trx, [2, 1, 1, 1]),
        Row("nunit2.xml", .nunit, [1, 1, 1, 2]),
        Row("nunit3.xml", .nunit, [2, 1, 1, 1]),
        Row("xunit.xml", .xunit, [1, 2, 1, 1]),
        Row("node.tap", .tap, [2, 2, 0, 1]),
        Row("test-more.tap", .tap, [2, 2, 0, 2]),
        Row("go-test.json", .gotest, [4, 4, 1, 1]),
        Row("ctrf.json", .ctrf, [3, 2, 0, 2]),
        Row("cucumber.json", .cucumber, [3, 1, 1, 1]),
        Row("allure-result.json", .allure, [0, 1, 0, 0]),
        Row("jest.json", .jest, [1, 1, 1, 1]),
        Row("mocha.json", .mocha, [2, 2, 0, 2]),
        Row("dart.json", .dart, [1, 1, 1, 1]),
        Row("rspec.json", .rspec, [1, 2, 0, 2]),
        Row("pytest-report.json", .pytest, [3, 1, 2, 2]),
        Row("ruff.sarif", .sarif, [0, 3, 0, 0]),
        Row("jenkins.xml", .jenkins, [1, 2, 0, 1]),
        Row("jenkins-api.xml", .jenkins, [1, 1, 0, 1]),
        Row("allure-history.jsonl", .allurehistory, [3, 1, 1, 2]),
        Row("reportportal.json", .reportportal, [2, 2, 2, 1]),
    ]

    static func read(_ file: String, pieces: Int = 0) throws -> ReadReport {
        try Report.read(Report.fixture(file), as: nil, pieces: pieces, now: now)
    }

    @Test("every format is told by its content, and all its cases are taken", arguments: rows)
    func counts(row: Row) throws {
        let report = try Self.read(row.file)
        #expect(report.format == row.format)
        #expect(report.counts == row.counts)
        #expect(report.rejected == 0)
        #expect(!report.incomplete || row.file == "pytest.xml")
        #expect(report.cases.allSatisfy { !$0.name.isEmpty })
        #expect(!report.codes.contains("report.unknown_element"), "\(report.warnings)")
    }

    @Test("however a file is cut into pieces, the cases are the same", arguments: rows)
    func pieces(row: Row) throws {
        let whole = try Self.read(row.file)
        for size in [1, 7, 4096] { #expect(try Self.read(row.file, pieces: size) == whole) }
    }

    @Test("a file that breaks off anywhere keeps cases that the whole one has, and says so", arguments: rows)
    func cut(row: Row) throws {
        let data = try Report.fixture(row.file)
        let whole = try Self.read(row.file)
        for end in stride(from: data.count / 8, to: data.count - 2, by: max(1, data.count / 60)) {
            let part = try Report.read(data.prefix(end), as: row.format, now: Self.now)
            #expect(part.cases.count <= whole.cases.count + 1, "cut at \(end)")
            // TAP can end after any line; then the plan tells, if there was one.
            #expect(part.incomplete || row.format == .tap, "cut at \(end)")
            if part.incomplete { #expect(!part.codes.isEmpty, "cut at \(end)") }
        }
    }

    @Test("damage in any byte never crashes and never makes cases from nothing", arguments: rows)
    func damage(row: Row) throws {
        let data = Array(try Report.fixture(row.file))
        let whole = try Self.read(row.file).cases.count
        var random = SystemRandomNumberGenerator()
        for _ in 0..<60 {
            var bytes = data
            for _ in 0..<4 { bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
            guard let report = try? Report.read(bytes, as: nil, now: Self.now) else { continue }
            #expect(report.cases.count <= whole * 2 + 4)
        }
    }

    // MARK: - What each says

    @Test("TRX: classes from behind the results, rows instead of their sum, outputs, files")
    func trx() throws {
        let report = try Self.read("vstest.trx")
        #expect(Set(report.cases.map(\.className)) == ["Shop.BasketTests"])
        #expect(Set(report.cases.map(\.suiteName)) == ["Shop.Tests.dll"])
        #expect(report.cases.map(\.name) == ["Adds", "Discounts", "Rows (1)", "Rows (2)", "Till"])
        #expect(report["Adds"]?.microseconds == 1235)
        #expect(report["Discounts"]?.texts?.message == "Assert.AreEqual failed. Expected:<4>. Actual:<3>.")
        #expect(report["Discounts"]?.texts?.systemErr == "beep")
        #expect(report["Discounts"]?.extras?.attachments.map(\.path) == ["ci/till.png"])
        #expect(report["Rows (2)"]?.outcome == .errored)
        #expect(report.codes == ["report.run_message"])
    }

    @Test(
        "TRX: time spans", arguments: [("00:00:01.5", 1_500_000), ("1.02:03:04", 93_784_000_000), ("", nil), ("1:2", nil), ("-1:00:00", nil)])
    func timeSpan(text: String, expected: Int64?) {
        #expect(TRXDialect.microseconds(text) == expected)
    }

    @Test("NUnit 2 and 3 name the same test alike")
    func nunit() throws {
        let (two, three) = (try Self.read("nunit2.xml"), try Self.read("nunit3.xml"))
        for name in ["Adds", "Discounts", "Rows(1.5,\"a.b\")", "Till"] {
            #expect(two[name]?.className == "Shop.BasketTests" && three[name]?.className == "Shop.BasketTests")
            #expect(two[name]?.suiteName == "Shop.Tests.dll" && three[name]?.suiteName == "Shop.Tests.dll")
        }
        #expect(two["Discounts"]?.microseconds == 16_000)
        #expect(three["Discounts"]?.texts?.message == "  Expected: 4\n  But was:  3")
        #expect(three["Discounts"]?.extras?.attachments.map(\.path) == ["/home/ci/shop/till.png"])
        #expect(three["Adds"]?.extras?.properties == [.init(name: "Category", value: "fast")])
        #expect(three["Adds"]?.startedAt == Date(timeIntervalSince1970: 1_795_608_000))
    }

    @Test("xUnit.net: the class is no part of the name; what breaks outside of tests is a case")
    func xunit() throws {
        let report = try Self.read("xunit.xml")
        #expect(report.cases.map(\.name) == ["Shop.Tests", "Adds", "Discounts", "Rows(n: 2, text: \"a.b\")", "Till is open"])
        #expect(report["Shop.Tests"]?.texts?.message == "the till is stuck")
        #expect(report["Discounts"]?.texts?.type == "Xunit.Sdk.EqualException")
        #expect(report["Till is open"]?.texts?.message == "no till")
    }

    @Test("TAP: points of subtests are the cases, with their diagnostics")
    func tap() throws {
        let report = try Self.read("node.tap")
        #expect(report.cases.map(\.name) == ["adds", "discounts", "refuses more", "opens", "closes"])
        #expect(report.cases.map(\.suiteName) == ["basket", "basket", "basket > when full", "", ""])
        #expect(report["discounts"]?.texts?.message == "3 == 4")
        #expect(report["discounts"]?.texts?.type == "AssertionError")
        #expect(report["adds"]?.microseconds.map { $0 > 100 && $0 < 10_000 } == true)
        #expect(report["refuses more"]?.texts?.message == "no till")
        let perl = try Self.read("test-more.tap")
        #expect(perl.cases.map(\.name) == ["adds", "discounts", "test 3", "to be written", "refuses more", "says why # not a comment"])
        #expect(perl["says why # not a comment"]?.suiteName == "when full")
        #expect(perl["discounts"]?.texts?.trace.contains("expected: '4'") == true)
    }

    @Test(
        "TAP: plans, bail-outs and buffered subtests",
        arguments: [
            ("1..2\nok\nok\n", 2, [String]()), ("1..3\nok 1\nok 2\n", 2, ["report.plan_missed"]), ("ok 1 - a\n", 1, ["report.no_plan"]),
            ("1..0 # SKIP no till\n", 0, ["report.skipped_all"]), ("1..3\nok 1\nBail out! no stock\n", 1, ["report.bail_out"]),
            ("1..1\nok 1 - s {\n    1..2\n    ok 1 - a\n    ok 2 - b\n}\n", 2, []), ("1..1\nnoise\nok 1\n", 1, ["report.lines_passed_over"]),
        ])
    func tapPlans(text: String, count: Int, codes: [String]) throws {
        let report = try Report.read(Array(text.utf8), as: nil, now: Self.now)
        #expect(report.cases.count == count)
        #expect(report.codes == codes)
    }

    @Test("go test: subtests, panics, packages that do not build")
    func gotest() throws {
        let report = try Self.read("go-test.json")
        #expect(report["TestDiscounts"]?.suiteName == "example.com/shop")
        #expect(report["TestDiscounts"]?.texts?.message == "till_test.go:4: half price")
        #expect(report["TestRows/b_c"]?.outcome == .failed)
        #expect(report["TestPanics"]?.texts?.trace.contains("panic: out of stock") == true)
        #expect(report["(package)"]?.suiteName == "example.com/shop/nobuild")
        #expect(report["(package)"]?.texts?.message == "[build failed]")
        #expect(report["TestSlow"]?.microseconds == 20_000)
    }

    @Test("go test: a test without an end is an error")
    func gotestLost() throws {
        let lines = [#"{"Action":"run","Package":"p","Test":"TestA"}"#, #"{"Action":"output","Package":"p","Test":"TestA","Output":"half\n"}"#]
        let cut = try Report.read(Array(lines.joined(separator: "\n").utf8), as: nil, now: Self.now)
        #expect(cut.incomplete && cut.cases.map(\.outcome) == [.errored])
        let ended = try Report.read(
            Array((lines + [#"{"Action":"fail","Package":"p","Elapsed":1}"#]).joined(separator: "\n").utf8), as: nil, now: Self.now)
        #expect(!ended.incomplete && ended.cases.map(\.outcome) == [.errored] && ended.cases[0].texts?.trace == "half")
    }

    @Test("CTRF: retries are attempts")
    func ctrf() throws {
        let json = """
            {"reportFormat":"CTRF","results":{"tool":{"name":"t"},"summary":{},"tests":[{"name":"a","status":"passed","duration":12,"suite":["s","t"],\
            "flaky":true,"retries":1,"retryAttempts":[{"attempt":1,"status":"failed","message":"no","duration":3}],"tags":["fast"],\
            "attachments":[{"name":"shot","contentType":"image/png","path":"a.png"}]}]}}
            """
        let found = try Report.read(Array(json.utf8), as: nil, now: Self.now).cases[0]
        #expect(found.suiteName == "s > t" && found.microseconds == 12_000 && found.tries == 2)
        #expect(found.extras?.attempts == [.init(outcome: .failed, microseconds: 3000, message: "no")])
        #expect(found.extras?.attachments == [.init(path: "a.png", type: "image/png")])
        #expect(found.extras?.properties == [.init(name: "tag", value: "fast")])
    }

    @Test("Cucumber: the first step that did not pass judges the scenario, the background belongs to it")
    func cucumber() throws {
        let report = try Self.read("cucumber.json")
        #expect(Set(report.cases.map(\.suiteName)) == ["basket"])
        #expect(report["discounts"]?.outcome == .failed)
        #expect(report["discounts"]?.texts?.message == "expected 3, got 2 (RuntimeError)")
        #expect(report["unknown"]?.outcome == .errored)
        #expect(report["later"]?.outcome == .skipped)
        #expect(report["discounts"]?.texts?.trace.contains("passed: Given an empty basket") == true)
        #expect(report["discounts"]?.extras?.properties.map(\.value) == ["@shop", "@slow"])
    }

    @Test("pytest's JSON and its JUnit name the same test alike")
    func pytest() throws {
        let report = try Self.read("pytest-report.json")
        #expect(report["test_adds"]?.className == "test_shop.TestBasket")
        #expect(report["test_discount"]?.texts?.message.hasPrefix("AssertionError: the discount & <nothing> else") == true)
        #expect(report["test_discount"]?.texts?.systemOut == "half price & <more>\n")
        #expect(report["test_names[a::b]"]?.className == "test_shop")
        #expect(report["test_stock"]?.outcome == .errored)
        #expect(report["test_broken"]?.texts?.message == "collection failure")
    }

    @Test("RSpec, Mocha and Jest: suites are what stands before the title")
    func titles() throws {
        let rspec = try Self.read("rspec.json")
        #expect(rspec["refuses more"]?.suiteName == "basket when full")
        #expect(rspec["raises"]?.texts?.type == "TypeError")
        let mocha = try Self.read("mocha.json")
        #expect(mocha["waits"]?.suiteName == "basket when full")
        #expect(mocha["discounts"]?.texts?.message.hasPrefix("no & never <here>") == true)
        let jest = try Self.read("jest.json")
        #expect(jest["refuses more"]?.suiteName == "basket > when full")
        #expect(jest["refuses more"]?.tries == 2)
        #expect(jest["/home/ci/shop/till.test.js"]?.outcome == .errored)
    }

    @Test("Dart: groups, hidden tests, reasons, prints")
    func dart() throws {
        let report = try Self.read("dart.json")
        #expect(report.cases.map(\.name) == ["adds", "discounts", "till", "raises"])
        #expect(Set(report.cases.map(\.suiteName)) == ["basket"] && Set(report.cases.map(\.file)) == ["test/basket_test.dart"])
        #expect(report["adds"]?.texts?.systemOut == "good morning")
        #expect(report["adds"]?.microseconds == 15_000)
        #expect(report["till"]?.texts?.message == "no till")
        #expect(report.codes.isEmpty)
    }

    @Test("SARIF: a finding is named by rule, file and message, so that it is the same in the next run")
    func sarif() throws {
        let found = try Self.read("ruff.sarif").cases[0]
        #expect(found.suiteName == "ruff" && found.className == "F401")
        #expect(found.line != nil && !found.file.isEmpty)
    }

    @Test(
        "what is no report is told apart",
        arguments: [
            "", " ", "hello", "{\"a\":1}", "[]", "[1,2]", "<html><body/></html>", "<", "<?xml version='1.0'?>", "{", "ok computer",
            "PASS\nok  \texample.com/shop\t0.1s\n",
        ])
    func unknown(text: String) throws {
        for pieces in [0, 1] {
            let report = try Report.read(Array(text.utf8), as: nil, pieces: pieces, now: Self.now)
            #expect(report.format == nil || text == "ok computer")
            #expect(report.isReport == (report.format != nil))
        }
    }

    @Test("a report of nothing but beginnings is bounded in what is held of it")
    func held() throws {
        var limits = IngestLimits()
        limits.heldBytes = 1_000
        limits.heldCases = 5
        let go = (0..<8).map { test in
            #"{"Action":"run","Package":"p","Test":"T\#(test)"}"# + "\n"
                + #"{"Action":"output","Package":"p","Test":"T\#(test)","Output":"\#(String(repeating: "x", count: 400))\n"}"# + "\n"
        }
        let report = try Report.read(Array(go.joined().utf8), as: nil, limits: limits, now: Self.now)
        #expect(report.cases.count == 5 && report.rejected == 3)
        #expect(report.cases.map { $0.texts?.trace.isEmpty ?? true } == [false, false, true, true, true])
        #expect(report.codes.count { $0 == "case.text_cut" } == 1)
    }

    @Test("a file in tiny pieces is looked at no more often than one in large ones")
    func tinyPieces() throws {
        // Nothing tells until the end: looking at every byte anew would take minutes.
        let text = "{\"a\":\"" + String(repeating: "x", count: 60_000) + "\"}"
        let started = ContinuousClock.now
        _ = try Report.read(Array(text.utf8), as: nil, pieces: 1, now: Self.now)
        #expect(ContinuousClock.now - started < .seconds(10))
    }
}
