import Contract
import Foundation
import Primitives
import TestSupport
import Testing

@testable import GatewayService

@Suite("Bodies against their contract")
struct ShapeCheckTests {
    private let members = [
        Shape.Member("name", Shape(.text, .init(isRequired: true, minLength: 2, maxLength: 4))),
        Shape.Member("count", Shape(.number, .init(minimum: 1, maximum: 64))),
        Shape.Member("isOn", Shape(.boolean)),
        Shape.Member("mood", Shape(.choice(["GLAD", "SAD"]))),
        Shape.Member("list", Shape(.list(Shape(.text, .init(maxLength: 3))), .init(minItems: 1, maxItems: 2))),
        Shape.Member("map", Shape(.map(Shape(.text, .init(maxLength: 3))), .init(maxItems: 2))),
        Shape.Member("inner", Shape(.object([Shape.Member("deep", Shape(.list(Shape(.object([Shape.Member("x", Shape(.number))])))))]))),
        Shape.Member("free", Shape(.any)),
    ]

    @Test(
        "what fits passes",
        arguments: [
            #"{"name":"ab"}"#, #" { "name" : "äöü\u00e9" , "count" : 64 } "#, #"{"name":"ab","count":1e1,"isOn":false,"mood":"SAD"}"#,
            #"{"name":"ab","list":["a","b"],"map":{"k\"":"v"},"inner":{"deep":[{"x":-1},{}]}}"#,
            #"{"name":"😀😀😀😀","free":{"a":[1,"]}",{"b":"\\\""}]}}"#, #"{"free":true,"name":"ab"}"#,
        ])
    func fits(json: String) throws {
        try ShapeCheck.check(Array(json.utf8), against: members)
    }

    @Test(
        "what does not is refused at its place",
        arguments: [
            ("{}", "/name", "required"), (#"{"name":""}"#, "/name", "required"), (#"{"name":"a"}"#, "/name", "length"),
            (#"{"name":"abcde"}"#, "/name", "too_long"), (#"{"name":"\u0061bcde"}"#, "/name", "too_long"), (#"{"name":7}"#, "/name", "invalid"),
            (#"{"name":null}"#, "/name", "null"), (#"{"name":"ab","count":65}"#, "/count", "out_of_range"),
            (#"{"name":"ab","count":"5"}"#, "/count", "invalid"), (#"{"name":"ab","isOn":"true"}"#, "/isOn", "invalid"),
            (#"{"name":"ab","mood":"glad"}"#, "/mood", "invalid"), (#"{"name":"ab","mood":1}"#, "/mood", "invalid"),
            (#"{"name":"ab","list":[]}"#, "/list", "too_few"), (#"{"name":"ab","list":["a","b","c"]}"#, "/list", "too_many"),
            (#"{"name":"ab","list":["a","long"]}"#, "/list/1", "too_long"), (#"{"name":"ab","list":{}}"#, "/list", "invalid"),
            (#"{"name":"ab","map":{"k/":"long"}}"#, "/map/k~1", "too_long"), (#"{"name":"ab","map":{"a":"","b":"","c":""}}"#, "/map", "too_many"),
            (#"{"name":"ab","inner":{"deep":[{},{"x":true}]}}"#, "/inner/deep/1/x", "invalid"),
            (#"{"name":"ab","inner":{"deep":[{"y":1}]}}"#, "/inner/deep/0/y", "unknown_field"),
            (#"{"name":"ab","iner":{}}"#, "/iner", "unknown_field"), (#"{"name":"ab","is_on":true}"#, "/is_on", "unknown_field"),
        ])
    func refused(json: String, pointer: String, code: String) {
        do {
            try ShapeCheck.check(Array(json.utf8), against: members)
            Issue.record("\(json) passes")
        } catch {
            #expect(error.fields.first?.pointer == pointer && error.fields.first?.code == code, "\(error)")
        }
    }

    @Test("well-formed JSON of any kind is read to its end")
    func random() {
        var random = SystemRandomNumberGenerator()
        func value(_ depth: Int) -> String {
            switch Int.random(in: 0..<(depth > 3 ? 5 : 7), using: &random) {
            case 0: "null"
            case 1: "true"
            case 2: "-12.5e-1"
            case 3: "\"a\\\"]}\\u00e9,:\""
            case 4: "\"\""
            case 5: "[" + (0..<Int.random(in: 0...3)).map { _ in value(depth + 1) }.joined(separator: " , ") + " ]"
            default:
                "{ "
                    + (0..<Int.random(in: 0...3)).map {
                        "\"\(["name", "list", "map", "inner", "free"].randomElement()!)\($0)\" : " + value(depth + 1)
                    }
                    .joined(separator: ",") + "}"
            }
        }
        for _ in 0..<2_000 {
            let json = #"{"free":\#(value(0)),"name":"ab"}"#
            #expect(throws: Never.self) { try ShapeCheck.check(Array(json.utf8), against: members) }
            try? ShapeCheck.check(Array(#"{"inner":\#(value(0)),"list":\#(value(0)),"name":"ab"}"#.utf8), against: members)
        }
    }
}
