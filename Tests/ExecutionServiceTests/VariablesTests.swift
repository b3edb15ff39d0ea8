import Primitives
import Testing

@testable import ExecutionService

@Suite struct VariablesTests {
    static let variables = Variables(["host": "example.org", "a.b-c_1": "x", "loop": "{{host}}", "empty": ""])

    @Test(
        "replaces names and leaves everything else alone",
        arguments: [
            ("", ""), ("plain", "plain"), ("http://{{host}}/", "http://example.org/"), ("{{ host }}", "example.org"),
            ("{{a.b-c_1}}{{host}}", "xexample.org"),
            ("{{{host}}}", "{example.org}"), ("{{empty}}", ""), ("{{host", "{{host"), ("{host}", "{host}"), ("{{}}", "{{}}"), ("{{7*7}}", "{{7*7}}"),
            ("{{host|upper}}", "{{host|upper}}"), ("{{#if x}}", "{{#if x}}"), (#"{"a":{"b":{}}}"#, #"{"a":{"b":{}}}"#),
            ("é{{host}}é", "éexample.orgé"),
        ])
    func fills(template: String, expected: String) throws {
        #expect(try Self.variables.fill(template, limit: 100, what: "the URL") == expected)
    }

    @Test("a value is not looked into: no recursion, no evaluation")
    func noRecursion() throws {
        #expect(try Self.variables.fill("{{loop}}", limit: 100, what: "the URL") == "{{host}}")
    }

    @Test("an unknown name is an error that names it")
    func unknown() {
        let error = #expect(throws: CaseError.self) { try Self.variables.fill("{{host}}/{{some.token}}", limit: 100, what: "the header x-key") }
        #expect(error?.code == "unknown_variable")
        #expect(error?.detail.contains("some.token") == true)
        #expect(error?.detail.contains("the header x-key") == true)
    }

    @Test("a result that grows beyond its limit is an error")
    func bounded() {
        let large = Variables(["v": String(repeating: "x", count: Variables.maxValueBytes)])
        let error = #expect(throws: CaseError.self) { try large.fill(String(repeating: "{{v}}", count: 100_000), limit: 1 << 20, what: "the body") }
        #expect(error?.code == "request_too_large")
    }

    @Test("the run's variables win over the case's, and those over the suite's")
    func precedence() {
        let merged = Variables(suite: ["a": "suite", "b": "suite", "c": "suite"], case: ["b": "case", "c": "case"], run: ["c": "run"])
        #expect(merged.values == ["a": "suite", "b": "case", "c": "run"])
    }

    @Test("a case keeps only the variables that it names")
    func used() {
        #expect(Self.variables.used(in: ["{{host}}", "{{nothing}}"]).values == ["host": "example.org"])
    }

    @Test(
        "names and values of a run's variables are checked",
        arguments: [["1a": ""], ["": ""], ["a b": ""], ["a": "\0"], ["a": String(repeating: "x", count: 16_385)]])
    func checked(variables: [String: String]) {
        let fault = #expect(throws: Fault.self) { try Variables.check(variables, at: "/variables") }
        #expect(fault?.code == "request.invalid")
    }

    @Test("a case is filled in as a whole")
    func filledCase() throws {
        let plain = HTTPCase(
            method: "POST", url: "http://{{host}}/", headers: [.init(name: "x", value: "{{t}}")], body: "{{t}}", variables: ["host": "h", "t": "v"],
            assertions: [], timeout: 1000, followRedirects: false)
        let filled = try plain.filled()
        #expect(filled.url == "http://h/")
        #expect(filled.headers == [.init(name: "x", value: "v")])
        #expect(filled.body == "v")
    }
}
