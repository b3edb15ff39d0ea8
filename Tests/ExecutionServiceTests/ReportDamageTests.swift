import Foundation
import Primitives
import Testing

@testable import ExecutionService

@Suite("bad reports")
struct ReportDamageTests {
    @Test(
        "any DOCTYPE is refused",
        arguments: [
            "<!DOCTYPE testsuite><testsuite/>",
            "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;&lol;\">]><testsuite name=\"&lol2;\"/>",
            "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><testsuite/>",
            "<!DOCTYPE x PUBLIC \"-//x\" \"http://127.0.0.1:9/x.dtd\"><testsuite/>",
            "<?xml version='1.0'?><!-- c --><!DOCTYPE x [<!ENTITY % p SYSTEM \"http://127.0.0.1:9/p\"> %p;]><testsuite/>",
        ])
    func doctype(xml: String) {
        for pieces in [0, 1] {
            #expect(Report.fault { _ = try Report.read(Array(xml.utf8), pieces: pieces) }?.code == "report.dtd_forbidden")
        }
    }

    @Test("a DOCTYPE after the root has begun is damage, not a declaration")
    func lateDoctype() throws {
        let report = try Report.read("<testsuite><testcase name='a'/><!DOCTYPE x><testcase name='b'/></testsuite>")
        #expect(report.cases.map(\.name) == ["a"])
        #expect(report.codes == ["report.malformed"])
    }

    @Test("XInclude and external references are only unknown elements")
    func include() throws {
        let report = try Report.one("<testcase name='t'/><xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file:///etc/passwd'/>")
        #expect(report.cases.count == 1)
        #expect(report.codes == ["report.unknown_element"])
    }

    @Test("what no tool writes is refused")
    func refusals() {
        let deep = String(repeating: "<testsuite>", count: 101)
        #expect(code(deep) == "report.too_deep")
        let deepUnknown = "<testsuite>" + String(repeating: "<x>", count: 101)
        #expect(code(deepUnknown) == "report.too_deep")
        let attributes = (0..<201).map { "a\($0)=''" }.joined(separator: " ")
        #expect(code("<testsuite \(attributes)/>") == "report.too_many_attributes")
        #expect(code("<testsuite><testcase name='\(String(repeating: "x", count: 1 << 20 + 1))'/></testsuite>") == "report.attribute_too_long")
        #expect(code(Array("<testsuite><testcase name='".utf8) + [0xC3, 0x28] + Array("'/></testsuite>".utf8)) == "report.invalid_utf8")
        #expect(
            code(Array("<testsuite><testcase name='a'><failure>".utf8) + [0xED, 0xA0, 0x80] + Array("</failure></testcase></testsuite>".utf8))
                == "report.invalid_utf8")
    }

    @Test("only UTF-8 and its one-byte relatives are read")
    func encodings() {
        let xml = "<?xml version='1.0' encoding='UTF-16'?><testsuite/>"
        let utf16 = xml.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        #expect(code([0xFF, 0xFE] + utf16) == "report.encoding_unsupported")
        #expect(code(utf16) == "report.encoding_unsupported")
        #expect(code("<?xml version='1.0' encoding='UTF-7'?><testsuite/>") == "report.encoding_unsupported")
        #expect(code("<?xml version='1.0' encoding='UTF-16'?><testsuite/>") != nil)
        #expect(code("<?xml version='1.0' encoding='EBCDIC-CP-US'?><testsuite/>") == "report.encoding_unsupported")
    }

    @Test("a report that is cut off keeps everything complete")
    func truncated() throws {
        let xml = "<testsuites><testsuite name='s'>\n<testcase name='a'/>\n<testcase name='b'><failure message='m'>text"
        let report = try Report.read(xml)
        #expect(report.cases.map(\.name) == ["a"])
        #expect(report.incomplete)
        #expect(report.rejected == 1)
        #expect(report.warnings.map(\.line) == [3])
        #expect(report.codes == ["report.truncated"])
    }

    @Test("cut anywhere, a report is never taken for complete and never loses a complete case")
    func truncatedAnywhere() throws {
        let data = try Array(Report.fixture("surefire.xml"))
        let whole = try Report.read(data)
        let end = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines).utf8.count
        for cut in 5..<end {
            let report = try Report.read(data[..<cut])
            #expect(report.incomplete, "cut at \(cut)")
            #expect(report.cases == Array(whole.cases.prefix(report.cases.count)), "cut at \(cut)")
        }
    }

    @Test("broken XML keeps what came before")
    func malformed() throws {
        let report = try Report.read("<testsuite>\n<testcase name='a'/>\n<testcase name='b'></testsuite>\n<testcase name='c'/>")
        #expect(report.cases.map(\.name) == ["a"])
        #expect(report.codes == ["report.malformed"])
        #expect(report.warnings.first?.line == 3)
        #expect(report.incomplete)
    }

    @Test("a wrong end tag right before bytes that are no UTF-8 is what ends the reading, however the file is cut")
    func malformedBeforeBadUTF8() throws {
        let bytes = Array("<testsuite>\n<testcase name='a'/>\n<testcase name='b'></testsuite>".utf8) + [0xFF] + Array("</testcase>".utf8)
        for pieces in [0, 1, 7] {
            let report = try Report.read(bytes, pieces: pieces)
            #expect(report.cases.map(\.name) == ["a"])
            #expect(report.codes == ["report.malformed"])
        }
    }

    @Test("what follows the root is told")
    func trailing() throws {
        let report = try Report.read("<testsuite><testcase name='a'/></testsuite>\n<testsuite><testcase name='b'/></testsuite>")
        #expect(report.cases.map(\.name) == ["a"])
        #expect(report.codes == ["report.trailing_content"])
        #expect(report.incomplete)
    }

    @Test(
        "what is not JUnit is not taken",
        arguments: ["", " ", "hello", "{\"a\":1}", "<html><body/></html>", "<", "<?xml version='1.0'?>", "TAP version 13\nok 1"])
    func notJUnit(text: String) throws {
        for pieces in [0, 1] {
            let report = try Report.read(Array(text.utf8), pieces: pieces)
            #expect(!report.isReport)
            #expect(report.codes == ["report.unknown_format"])
        }
    }

    @Test(
        "an empty suite is a report without cases",
        arguments: ["<testsuites/>", "<testsuite name='s' tests='7'/>", "<testsuites><testsuite/></testsuites>"])
    func empty(xml: String) throws {
        let report = try Report.read(xml)
        #expect(report.isReport && !report.incomplete && report.cases.isEmpty && report.warnings.isEmpty)
    }

    @Test("at most a thousand warnings are kept")
    func warnings() throws {
        let report = try Report.one(String(repeating: "<testcase name='t' time='x'/>", count: 1500))
        #expect(report.cases.count == 1500)
        #expect(report.warnings.count == 1000)
    }

    private func code(_ xml: String) -> String? { code(Array(xml.utf8)) }

    private func code(_ bytes: [UInt8]) -> String? { Report.fault { _ = try Report.read(bytes) }?.code }
}
