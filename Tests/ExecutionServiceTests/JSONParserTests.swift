import Foundation
import Testing

@testable import ExecutionService

@Suite struct JSONParserTests {
    @Test(
        "reads what RFC 8259 allows, keeping order and large integers",
        arguments: [
            ("null", "null"), (" [ ] ", "[]"), ("{\"b\":1,\"a\":[true,false]}", "{\"b\":1,\"a\":[true,false]}"),
            ("9007199254740993", "9007199254740993"),
            ("1.50", "1.5"), ("1e2", "100"), ("-0.5E-1", "-0.05"), ("18446744073709551616", "1.8446744073709552e+19"), ("\u{FEFF}1", "1"),
            (#""\u00e9\n\ud83d\ude00\/""#, #""é\n😀/""#), (#""\ud800x""#, "\"\u{FFFD}x\""), (#""\u0001""#, #""\u0001""#),
        ])
    func reads(text: String, written: String) throws {
        #expect(try String(decoding: JSONParser.parse(text.utf8).text(limit: 1000), as: UTF8.self) == written)
    }

    @Test(
        "refuses everything else",
        arguments: [
            "", "nul", "[1,]", "[1 2]", "{a:1}", "{\"a\" 1}", "{\"a\":1,}", "01", "1.", ".5", "+1", "1e", "--1", "\"a", "\"\t\"", #""\x""#, #""\u12"#,
            "1 2", "1e999",
            "NaN", "'a'", "// x\n1",
        ])
    func refuses(text: String) {
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(text.utf8) }
    }

    @Test("bytes that are not UTF-8 are refused and the line is named")
    func encoding() {
        let error = #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(Data("[\n\"".utf8) + Data([0xFF]) + Data("\"]".utf8)) }
        #expect(error?.detail == "line 2: a string is not UTF-8")
    }

    @Test("equality is by value, code point and name, not by spelling or order")
    func equality() throws {
        func value(_ text: String) throws -> JSONValue { try JSONParser.parse(text.utf8) }
        #expect(try value(#"{"a":1,"b":[2.0]}"#).equals(value(#"{"b":[2],"a":1.0}"#)))
        #expect(try !value("1").equals(value("true")))
        #expect(try !value("9007199254740993").equals(value("9007199254740992")))
        #expect(try !value("\"e\u{301}\"").equals(value("\"é\"")))
        #expect(try !value(#"{"a":1}"#).equals(value(#"{"a":1,"b":2}"#)))
    }

    @Test("an excerpt never ends inside a character and never holds NUL")
    func excerpt() {
        #expect(Excerpt.of("aé", limit: 2) == "a")
        #expect(Excerpt.of("aé", limit: 3) == "aé")
        #expect(Excerpt.of("😀😀", limit: 7) == "😀")
        #expect(Excerpt.of([0x61, 0x00, 0xFF], limit: 10) == "a\u{FFFD}\u{FFFD}")
    }
}
