import Foundation
import Testing

@testable import ExecutionService

@Suite struct AssertionTests {
    static let answer = Answer(
        status: 201, headers: [("Content-Type", "application/json"), ("Via", "a"), ("via", "b"), ("X-Count", " 12 ")],
        body: Data(
            """
            {"id": 7, "big": 9007199254740993, "name": "Ann", "code": "5", "tags": ["a", 2, {"k": 1.0}], "none": null, "ok": true,
             "list": [{"n": 1}, {"n": 2}]}
            """
            .utf8),
        milliseconds: 12.5)

    static func judge(_ assertion: Assertion, _ answer: Answer = answer) throws -> AssertionOutcome {
        try assertion.judge(answer) { Result { () throws(JSONParser.Failure) in try JSONParser.parse(answer.body) } }
    }

    @Test(
        "holds or misses as the rules say",
        arguments: [
            (Assertion(.status, .equals, "201"), true), (Assertion(.status, .equals, "201.0"), true), (Assertion(.status, .equals, "200"), false),
            (Assertion(.status, .notEquals, "500"), true), (Assertion(.status, .lessThan, "300"), true),
            (Assertion(.status, .greaterThan, "201"), false),
            (Assertion(.responseTime, .lessThan, "13"), true), (Assertion(.responseTime, .greaterThan, "12.5"), false),
            (Assertion(.header, "content-TYPE", .equals, "application/json"), true), (Assertion(.header, "content-type", .contains, "json"), true),
            (Assertion(.header, "via", .equals, "a, b"), true), (Assertion(.header, "x-none", .exists), false),
            (Assertion(.header, "x-none", .notExists), true), (Assertion(.header, "x-none", .equals, ""), false),
            (Assertion(.header, "x-none", .notEquals, "x"), true), (Assertion(.header, "x-count", .greaterThan, "11"), true),
            (Assertion(.header, "via", .lessThan, "5"), false),
            (Assertion(.body, .contains, "\"Ann\""), true), (Assertion(.body, .contains, "ann"), false),
            (Assertion(.body, .notContains, "Bob"), true),
            (Assertion(.body, .exists), true), (Assertion(.body, .contains, ""), true),
            (Assertion(.json, "$.id", .equals, "7"), true), (Assertion(.json, "$.id", .equals, "7.0"), true),
            (Assertion(.json, "$.id", .equals, "\"7\""), false),
            (Assertion(.json, "$.big", .equals, "9007199254740993"), true), (Assertion(.json, "$.big", .equals, "9007199254740992"), false),
            (Assertion(.json, "$.name", .equals, "Ann"), true), (Assertion(.json, "$.name", .equals, "\"Ann\""), true),
            (Assertion(.json, "$.code", .equals, "5"), true), (Assertion(.json, "$.name", .contains, "nn"), true),
            (Assertion(.json, "$.tags", .contains, "2"), true), (Assertion(.json, "$.tags", .contains, #"{"k":1}"#), true),
            (Assertion(.json, "$.tags", .contains, "b"), false), (Assertion(.json, "$", .contains, "tags"), true),
            (Assertion(.json, "$.tags", .equals, #"["a", 2, {"k": 1}]"#), true),
            (Assertion(.json, "$.none", .exists), true), (Assertion(.json, "$.none", .equals, "null"), true),
            (Assertion(.json, "$.nowhere", .exists), false),
            (Assertion(.json, "$.nowhere", .notEquals, "1"), true), (Assertion(.json, "$.nowhere", .lessThan, "1"), false),
            (Assertion(.json, "$.ok", .equals, "true"), true), (Assertion(.json, "$.ok", .equals, "1"), false),
            (Assertion(.json, "$.id", .lessThan, "8"), true), (Assertion(.json, "$.code", .lessThan, "8"), false),
            (Assertion(.json, "$.list[*].n", .equals, "[1,2]"), true), (Assertion(.json, "$.list[?@.n == 2].n", .equals, "2"), true),
            (Assertion(.json, "$.list[*].n", .contains, "2"), true),
        ])
    func rules(assertion: Assertion, holds: Bool) throws {
        #expect(try Self.judge(assertion).passed == holds, "\(assertion.words)")
    }

    @Test("an outcome says what was asked and what was found")
    func words() throws {
        let status = try Self.judge(Assertion(.status, .equals, "200"))
        #expect(status == AssertionOutcome(assertion: "status equals 200", passed: false, actual: "201"))
        let json = try Self.judge(Assertion(.json, "$.tags", .notContains, "a"))
        #expect(json == AssertionOutcome(assertion: "json $.tags not contains a", passed: false, actual: #"["a",2,{"k":1}]"#))
        #expect(try Self.judge(Assertion(.header, "x-none", .exists)).actual == "nothing")
        #expect(try Self.judge(Assertion(.responseTime, .lessThan, "1")).actual == "12.5")
    }

    @Test("a body that is not JSON fails every JSON assertion", arguments: Assertion.Comparison.allCases)
    func notJSON(comparison: Assertion.Comparison) throws {
        let page = Answer(status: 200, headers: [], body: Data("<html>".utf8), milliseconds: 1)
        let outcome = try Self.judge(Assertion(.json, "$.a", comparison, "1"), page)
        #expect(!outcome.passed)
        #expect(outcome.actual.hasPrefix("the body is not JSON: line 1"))
    }

    @Test("what was found is cut at 1 KiB")
    func cut() throws {
        let long = Answer(status: 200, headers: [], body: Data(("\"" + String(repeating: "é", count: 5000) + "\"").utf8), milliseconds: 1)
        #expect(try Self.judge(Assertion(.body, .equals, "x"), long).actual.utf8.count <= 1024)
        #expect(try Self.judge(Assertion(.json, "$", .equals, "x"), long).actual.utf8.count <= 1024)
    }

    @Test(
        "an assertion that cannot be used is an error, not a miss",
        arguments: [
            (Assertion(.status, .equals, "ok"), "invalid_assertion"), (Assertion(.status, .contains, "2"), "invalid_assertion"),
            (Assertion(.json, "$.id", .lessThan, "x"), "invalid_assertion"), (Assertion(.json, "id", .exists), "invalid_jsonpath"),
        ])
    func unusable(assertion: Assertion, code: String) {
        let error = #expect(throws: CaseError.self) { try Self.judge(assertion) }
        #expect(error?.code == code)
    }

    // MARK: The case as a whole

    static func verdict(_ assertions: [Assertion], status: Int = 200) -> CaseVerdict {
        let answer = Answer(status: status, headers: [], body: Data("{}".utf8), milliseconds: 1)
        return CaseVerdict(answer, assertions: assertions, exchange: Exchange(method: "GET", url: "http://h/"))
    }

    @Test(
        "without assertions a status from 200 to 399 passes",
        arguments: [(199, false), (200, true), (302, true), (399, true), (400, false), (500, false)])
    func noAssertions(status: Int, passes: Bool) {
        #expect(Self.verdict([], status: status).outcome == (passes ? .passed : .failed))
    }

    @Test("one miss fails the case; the message names the first and counts the rest")
    func miss() {
        let verdict = Self.verdict([Assertion(.status, .equals, "200"), Assertion(.status, .equals, "201"), Assertion(.body, .equals, "x")])
        #expect(verdict.outcome == .failed)
        #expect(verdict.type == "assertion")
        #expect(verdict.message == "status equals 201, found 200 (and 1 more)")
        #expect(verdict.exchange?.assertions.map(\.passed) == [true, false, false])
    }

    @Test("an unusable assertion makes the case errored with its code")
    func errored() {
        let verdict = Self.verdict([Assertion(.json, "$[", .exists)])
        #expect(verdict.outcome == .errored)
        #expect(verdict.type == "invalid_jsonpath")
        #expect(verdict.exchange?.errorCode == "invalid_jsonpath")
    }
}
