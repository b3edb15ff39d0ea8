import Contract
import Testing

@Suite("Path templates and request fields")
struct ContractValueTests {
    @Test(
        "a path has the form of a template or not",
        arguments: [
            ("/api/v1/runs", "/api/v1/runs", [:]), ("/api/v1/runs", "/api/v1/runs/", nil), ("/api/v1/runs", "/api/v1/Runs", nil),
            ("/api/v1/runs", "api/v1/runs", nil), ("/runs/{run}", "/runs/run_1", ["run": "run_1"]), ("/runs/{run}", "/runs/", nil),
            ("/runs/{run}", "/runs/a/b", nil), ("/runs/{run}", "/runs/a%2Fb", ["run": "a/b"]), ("/runs/{run}", "/runs/%zz", nil),
            ("/runs/{run}", "/runs/%ff", nil), ("/runs/{run}", "/runs/a:cancel", nil), ("/runs/{run}", "/runs/a%3Ab", ["run": "a:b"]),
            ("/runs/{run}:cancel", "/runs/a:cancel", ["run": "a"]), ("/runs/{run}:cancel", "/runs/:cancel", nil),
            ("/runs/{run}:cancel", "/runs/a", nil), ("/runs/{run}:cancel", "/runs/a:b:cancel", nil),
            ("/projects/{project}/runs/{run}", "/projects/p/runs/r", ["project": "p", "run": "r"]), ("/runs:search", "/runs:search", [:]),
        ] as [(PathTemplate, String, [String: String]?)])
    func match(template: PathTemplate, path: String, values: [String: String]?) {
        #expect(template.match(path) == values)
    }

    @Test(
        "a template reads back as it was written",
        arguments: ["/runs", "/runs/{run}", "/runs/{run}:cancel", "/a/{b}/c/{d_e}:f-g", "/runs:search"])
    func description(text: String) throws {
        #expect(try PathTemplate(text).description == text)
    }

    @Test(
        "a malformed template is refused",
        arguments: [
            "", "runs", "/", "/runs/", "//runs", "/runs/{", "/runs/{}", "/runs/{Run}", "/{a}:b/c", "/{a}{b}", "/x{a}", "/{a}/{a}", "/a b", "/a?b",
        ])
    func malformed(text: String) {
        #expect(throws: PathTemplate.Malformed.self) { try PathTemplate(text) }
    }

    @Test("parameters come from left to right")
    func parameters() {
        #expect(PathTemplate("/a/{first}/b/{second}:do").parameters == ["first", "second"])
    }

    @Test(
        "the text of a parameter becomes the JSON of its field's type, or nothing",
        arguments: [
            (.text, #"a "b" \ü"#, #""a \"b\" \\ü""#), (.text, "", #""""#), (.boolean, "true", "true"), (.boolean, "1", nil),
            (.int32, "2147483647", "2147483647"), (.int32, "2147483648", nil), (.int32, "1.0", nil), (.int32, "", nil),
            (.int64, "-9223372036854775808", "-9223372036854775808"), (.uint32, "-1", nil), (.uint64, "18446744073709551615", "18446744073709551615"),
            (.number, "1.5", "1.5"), (.number, "nan", nil), (.number, "1e999", nil), (.timestamp, "2026-03-01T00:00:00Z", #""2026-03-01T00:00:00Z""#),
            (.timestamp, "2026-12-31T23:30:00.5-14:00", #""2027-01-01T13:30:00.500Z""#),
            (.timestamp, "2026-03-01T00:00:00+23:59", #""2026-02-28T00:01:00Z""#), (.timestamp, "soon+14:00", #""soon+14:00""#),
            (.choice(["FAILED"]), "FAILED", #""FAILED""#), (.choice(["FAILED"]), "failed", #""FAILED""#), (.choice(["FAILED"]), "LOST", nil),
            (.structure, "{}", nil),
        ] as [(RequestField.Kind, String, String?)])
    func literal(kind: RequestField.Kind, text: String, json: String?) {
        #expect(RequestField("x", kind, in: .query).jsonLiteral(for: text) == json)
    }
}
