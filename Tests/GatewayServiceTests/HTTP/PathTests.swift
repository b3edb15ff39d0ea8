import Primitives
import Testing

@testable import GatewayService

@Suite("Paths and queries")
struct PathTests {
    private static let templates = [
        "/", "/healthz", "/api/v1/runs/{run}", "/api/v1/runs/{run}:cancel", "/api/v1/runs/{run}:finish", "/api/v1/runs/{run}/events",
        "/api/v1/projects",
        "/api/v1/projects/{project}", "/api/v1/projects/{project}/runs", "/api/v1/projects/special/runs", "/assets/{name}",
    ]
    private static let trie: PathTrie<String> = templates.reduce(into: PathTrie()) { trie, template in trie.update(template) { $0 = template } }

    @Test(
        "a path finds its template and its parameters",
        arguments: [
            ("/", "/", ""), ("/healthz", "/healthz", ""), ("/api/v1/runs/run_1", "/api/v1/runs/{run}", "run=run_1"),
            ("/api/v1/runs/run_1:cancel", "/api/v1/runs/{run}:cancel", "run=run_1"),
            ("/api/v1/runs/run_1:finish", "/api/v1/runs/{run}:finish", "run=run_1"),
            ("/api/v1/runs/run_1/events", "/api/v1/runs/{run}/events", "run=run_1"),
            ("/api/v1/projects/a%2Fb/runs", "/api/v1/projects/{project}/runs", "project=a%2Fb"),
            ("/api/v1/projects/special/runs", "/api/v1/projects/special/runs", ""),
            ("/api/v1/projects/special", "/api/v1/projects/{project}", "project=special"),
        ])
    func found(path: String, template: String, parameters: String) throws {
        let match = try #require(Self.trie.find(path))
        #expect(match.value == template)
        #expect(match.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: ",") == parameters)
    }

    @Test(
        "what fits no template is not found",
        arguments: [
            "", "healthz", "/healthz/", "//", "/api/v1/runs", "/api/v1/runs/", "/api/v1/runs/run_1:explode", "/api/v1/runs/:cancel",
            "/api/v1/runs/run_1:",
            "/api/v1/runs/run_1/events/x", "/API/v1/projects", "/api/v1/projects/", "/assets/", "*",
        ])
    func notFound(path: String) {
        #expect(Self.trie.find(path) == nil)
    }

    @Test(
        "queries are decoded, as forms are",
        arguments: [
            ("/x", []), ("/x?", []), ("/x?a=1&b=2", ["a=1", "b=2"]), ("/x?a=%C3%A9+b", ["a=é b"]), ("/x?a", ["a="]), ("/x?a=b=c", ["a=b=c"]),
            ("/x?a=1&&b=2", ["a=1", "b=2"]), ("/x?a=1&a=2", ["a=1", "a=2"]), ("/x?a=1#f", ["a=1"]),
        ])
    func query(target: String, expected: [String]) throws {
        #expect(try RequestTarget(target).query().map { "\($0.name)=\($0.value)" } == expected)
    }

    @Test(
        "broken escapes, NUL and what is not UTF-8 are refused", arguments: ["/x?a=%", "/x?a=%4", "/x?a=%zz", "/x?a=%00", "/x?a=%FF", "/x?%C0%80=1"])
    func malformed(target: String) {
        #expect(throws: Fault.queryMalformed) { try RequestTarget(target).query() }
    }

    @Test("more than 100 parameters are refused")
    func tooMany() {
        let target = "/x?" + (0...100).map { "p\($0)=1" }.joined(separator: "&")
        #expect(throws: Fault.queryTooMany(100)) { try RequestTarget(target).query() }
    }

    @Test(
        "a key in a query is noticed",
        arguments: [
            ("/x?api_key=asy_pat_abc", true), ("/x?asy_ci_1", true), ("/x?k=asy%5Fpat_1", true), ("/x?name=easy", false), ("/asy_pat_", false),
            ("/x", false),
        ])
    func key(target: String, expected: Bool) {
        #expect(RequestTarget(target).holdsKey == expected)
    }

    @Test("what is encoded is decoded", arguments: ["plain", "a b/c?d&e=f", "é😀", "~-._", "%"])
    func encoding(text: String) {
        #expect(PercentEncoding.decode(Substring(PercentEncoding.encode(text)), plusIsSpace: true) == text)
    }
}
