import Primitives
import Testing

@testable import GatewayService

@Suite("Strict JSON")
struct JSONLintTests {
    private func code(_ text: String) -> String? {
        do throws(Fault) {
            try JSONLint.check(Array(text.utf8))
            return nil
        } catch {
            return "\(error.code) \(error.fields.first?.pointer ?? "-")"
        }
    }

    @Test(
        "what is JSON passes",
        arguments: [
            "{}", "[]", "null", "true", "0", "-0", "1e10", "-1.5E-3", #""""#, #"{"a":{"a":1}}"#, #"[1,2,{"b":[]}]"#, " \t\r\n{ \"a\" : [ 1 , 2 ] } ",
            #""\u00e9\ud83d\ude00\n\/""#, "\"é😀\"", "9223372036854775807", "-9223372036854775808",
        ])
    func valid(text: String) {
        #expect(code(text) == nil)
    }

    @Test(
        "what is not is refused with the place",
        arguments: [
            ("", "request.malformed_json "), ("{", "request.malformed_json "), ("{} {}", "request.malformed_json "),
            (#"{"a":}"#, "request.malformed_json /a"), (#"{"a":1,}"#, "request.malformed_json "), ("[1,]", "request.malformed_json /1"),
            ("01", "request.malformed_json "), ("1.", "request.malformed_json "), ("+1", "request.malformed_json "),
            ("NaN", "request.malformed_json "),
            ("Infinity", "request.malformed_json "), ("'a'", "request.malformed_json "), (#""a"#, "request.malformed_json "),
            ("\"a\tb\"", "request.malformed_json "), (#""\x""#, "request.malformed_json "), (#""\u12""#, "request.malformed_json "),
            (#"{"a":1,"a":2}"#, "request.duplicate_key /a"), (#"{"a":{"b":1,"\u0062":2}}"#, "request.duplicate_key /a/b"),
            (#"[{"x~/y":1,"x~/y":1}]"#, "request.duplicate_key /0/x~0~1y"), (#"{"a":["\ud800"]}"#, "request.lone_surrogate /a/0"),
            (#""\udc00""#, "request.lone_surrogate "), (#""\ud800\u0041""#, "request.lone_surrogate "), (#"{"n":"a\u0000b"}"#, "request.nul /n"),
            (#"{"n":9223372036854775808}"#, "request.number_out_of_range /n"), ("1e400", "request.number_out_of_range "),
            ("-9223372036854775809", "request.number_out_of_range "),
        ])
    func invalid(text: String, expected: String) {
        #expect(code(text) == expected)
    }

    @Test(
        "bytes that are not UTF-8 are refused",
        arguments: [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22]] as [[UInt8]])
    func encoding(bytes: [UInt8]) {
        #expect(throws: Fault.self) { try JSONLint.check(bytes) }
    }

    @Test("64 levels pass, 65 do not")
    func depth() {
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(code(nested(65)) == nil)
        #expect(code(nested(66))?.hasPrefix("request.too_deep") == true)
        #expect(code(nested(100_000))?.hasPrefix("request.too_deep") == true)
    }

    @Test("100,000 values pass, more do not")
    func elements() {
        func list(_ count: Int) -> String { "[" + Array(repeating: "1", count: count).joined(separator: ",") + "]" }
        #expect(code(list(99_999)) == nil)
        #expect(code(list(100_000))?.hasPrefix("request.too_many_elements") == true)
    }

    @Test("the members of an object are told with the place of their values")
    func members() throws {
        let bytes = Array(#"{ "a" : [1, 2] , "b":{"c":3} }"#.utf8)
        let members = try JSONLint.check(bytes)
        #expect(members.map(\.name) == ["a", "b"])
        #expect(members.map { String(decoding: bytes[$0.value], as: UTF8.self) } == ["[1, 2]", #"{"c":3}"#])
    }

    @Test("random damage never crashes it")
    func fuzz() {
        var random = SystemRandomNumberGenerator()
        let seed = Array(#"{"name":"x\u00e9","list":[1,2.5e3,-7,true,null,{"k":"\ud83d\ude00"}],"deep":[[[[{}]]]]}"#.utf8)
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8(ascii: "{"), at: index)
                }
            }
            _ = try? JSONLint.check(bytes)
        }
        #expect(throws: Never.self) { try JSONLint.check(seed) }
    }
}
