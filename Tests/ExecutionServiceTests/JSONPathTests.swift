import Foundation
import Testing

@testable import ExecutionService

/// The tables of RFC 9535, and the bounds that it leaves to implementations.
@Suite struct JSONPathTests {
    static let store = """
        {"store": {"book": [
            {"category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95},
            {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99},
            {"category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553-21311-3", "price": 8.99},
            {"category": "fiction", "author": "J. R. R. Tolkien", "title": "The Lord of the Rings", "isbn": "0-395-19395-8", "price": 22.99}
        ], "bicycle": {"color": "red", "price": 399}}}
        """
    static let letters = #"["a", "b", "c", "d", "e", "f", "g"]"#
    static let mixed = #"{"o": {"j": 1, "k": 2}, "a": [5, 3, [{"j": 4}, {"k": 6}]]}"#
    static let filtered = """
        {"a": [3, 5, 1, 2, 4, 6, {"b": "j"}, {"b": "k"}, {"b": {}}, {"b": "kilo"}],
         "o": {"p": 1, "q": 2, "r": 3, "s": 5, "t": {"u": 6}}, "e": "f"}
        """

    @Test(
        "selects what the specification's tables say",
        arguments: [
            // 1.5: overview
            (store, "$.store.book[*].author", #"["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"]"#),
            (store, "$..author", #"["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"]"#),
            (store, "$.store..price", #"[8.95,12.99,8.99,22.99,399]"#),
            (store, "$..book[2].title", #"["Moby Dick"]"#),
            (store, "$..book[2].publisher", "[]"),
            (store, "$..book[-1].title", #"["The Lord of the Rings"]"#),
            (store, "$..book[0,1].price", "[8.95,12.99]"),
            (store, "$..book[:2].price", "[8.95,12.99]"),
            (store, "$..book[?@.isbn].price", "[8.99,22.99]"),
            (store, "$..book[?@.price<10].title", #"["Sayings of the Century","Moby Dick"]"#),
            // 2.3.1: names
            (#"{"o": {"j j": {"k.k": 3}}, "'": {"@": 2}}"#, "$.o['j j']['k.k']", "[3]"),
            (#"{"o": {"j j": {"k.k": 3}}, "'": {"@": 2}}"#, #"$.o["j j"]["k.k"]"#, "[3]"),
            (#"{"o": {"j j": {"k.k": 3}}, "'": {"@": 2}}"#, #"$["'"]["@"]"#, "[2]"),
            (#"{"ä": 1}"#, "$.ä", "[1]"),
            (#"{"☺": 1}"#, #"$["\u263A"]"#, "[1]"),
            // 2.3.2: wildcard
            (mixed, "$[*]", #"[{"j":1,"k":2},[5,3,[{"j":4},{"k":6}]]]"#),
            (mixed, "$.o[*, *]", "[1,2,1,2]"),
            (mixed, "$.a[*]", #"[5,3,[{"j":4},{"k":6}]]"#),
            // 2.3.3 and 2.3.4: index and slice
            (letters, "$[1]", #"["b"]"#),
            (letters, "$[-2]", #"["f"]"#),
            (letters, "$[7]", "[]"),
            (letters, "$[1:3]", #"["b","c"]"#),
            (letters, "$[5:]", #"["f","g"]"#),
            (letters, "$[1:5:2]", #"["b","d"]"#),
            (letters, "$[5:1:-2]", #"["f","d"]"#),
            (letters, "$[::-1]", #"["g","f","e","d","c","b","a"]"#),
            (letters, "$[::0]", "[]"),
            (letters, "$[0:2, 5]", #"["a","b","f"]"#),
            // 2.3.5: filters
            (filtered, "$.a[?@.b == 'kilo']", #"[{"b":"kilo"}]"#),
            (filtered, "$.a[?(@.b == 'kilo')]", #"[{"b":"kilo"}]"#),
            (filtered, "$.a[?@>3.5]", "[5,4,6]"),
            (filtered, "$.a[?@.b]", #"[{"b":"j"},{"b":"k"},{"b":{}},{"b":"kilo"}]"#),
            (filtered, "$[?@.*]", #"[[3,5,1,2,4,6,{"b":"j"},{"b":"k"},{"b":{}},{"b":"kilo"}],{"p":1,"q":2,"r":3,"s":5,"t":{"u":6}}]"#),
            (filtered, "$.o[?@<3, ?@<3]", "[1,2,1,2]"),
            (filtered, #"$.a[?@<2 || @.b == "k"]"#, #"[1,{"b":"k"}]"#),
            (filtered, "$.o[?@>1 && @<4]", "[2,3]"),
            (filtered, "$.a[?!@.b && @ > 4]", "[5,6]"),
            (filtered, "$.a[?@ == @]", #"[3,5,1,2,4,6,{"b":"j"},{"b":"k"},{"b":{}},{"b":"kilo"}]"#),
            (filtered, "$.a[?@.b == $.x]", "[3,5,1,2,4,6]"),
            (filtered, "$.a[?@.b >= 'k']", #"[{"b":"k"},{"b":"kilo"}]"#),
            // 2.4: functions
            (filtered, "$.a[?length(@.b) == 4]", #"[{"b":"kilo"}]"#),
            (filtered, "$[?count(@.*) == 5].p", "[1]"),
            (#"[{"c":[1]},{"c":[1,2]}]"#, "$[?value(@.c[*]) == 1]", #"[{"c":[1]}]"#),
            // 2.5: descendants
            (mixed, "$..j", "[1,4]"),
            (mixed, "$..[0]", #"[5,{"j":4}]"#),
            (mixed, "$..*", #"[{"j":1,"k":2},[5,3,[{"j":4},{"k":6}]],1,2,5,3,[{"j":4},{"k":6}],{"j":4},{"k":6},4,6]"#),
            // 2.6: null is a value
            (#"{"a": null, "b": [null], "null": 1}"#, "$.a", "[null]"),
            (#"{"a": null, "b": [null], "null": 1}"#, "$.b[?@==null]", "[null]"),
        ])
    func selects(document: String, path: String, expected: String) throws {
        let found = try JSONPath(path).select(in: JSONParser.parse(document.utf8))
        #expect(String(decoding: JSONValue.array(found).text(limit: 4096), as: UTF8.self) == expected)
    }

    @Test(
        "a text that is not a path is refused and the message says where",
        arguments: [
            "", "store", "$.", "$..", "$[", "$[]", "$.a b", "$ ", " $", "$[01]", "$[-0]", "$[9007199254740992]", "$['a", #"$["\x"]"#, #"$["\ud800"]"#,
            "$[?]", "$[?@.a ==]", "$[?@.* == 1]", "$[?1]", "$[?length(@)]", "$[?length(@.*) == 1]", "$[?count(1) == 1]", "$[?match(@.a, 'x')]",
            "$[?@.a && ]", "$[?(@.a]", "$.1a", "$[1:2:3:4]", "$[?!1 == 1]",
        ])
    func refuses(path: String) {
        let error = #expect(throws: CaseError.self) { try JSONPath(path) }
        #expect(error?.code == "invalid_jsonpath")
        #expect(error?.detail.contains("at character") == true)
    }

    @Test("a path that would walk for ever ends at its step budget", arguments: ["$..*..*..*", "$..[?@..*]", "$[*][*][*][*]", "$[?@ == $]"])
    func stepBudget(path: String) throws {
        var document = "1"
        for _ in 0..<4 { document = "[" + Array(repeating: document, count: 20).joined(separator: ",") + "]" }
        let root = try JSONParser.parse(document.utf8)
        let error = #expect(throws: CaseError.self) { try JSONPath(path).select(in: root) }
        #expect(error?.code == "jsonpath_budget")
    }

    @Test("deep nesting is refused, in the path and in the document")
    func depth() {
        let path = "$[?" + String(repeating: "(", count: 100) + "@" + String(repeating: ")", count: 100) + "]"
        #expect(throws: CaseError.self) { try JSONPath(path) }
        #expect(throws: CaseError.self) { try JSONPath("$" + String(repeating: "[?@", count: 100) + String(repeating: "]", count: 100)) }
        #expect(throws: CaseError.self) { try JSONPath("$" + String(repeating: ".a", count: 600)) }
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(String(repeating: "[", count: 65).utf8) }
        #expect(throws: Never.self) { try JSONParser.parse((String(repeating: "[", count: 64) + String(repeating: "]", count: 64)).utf8) }
    }
}
