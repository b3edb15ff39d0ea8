import Testing

@testable import GatewayService

@Suite("Return paths")
struct ReturnPathTests {
    @Test(
        "paths of ours are kept",
        arguments: [
            "/", "/projects/demo", "/runs/run_01h?outcome=FAILED&q=a%20b", "/runs/run_01h#results", "/deliveries?state=FAILED", "/projects/a%2Fb",
            "/a//b", "/a/../b",
            "/?x=https://evil.example", "/a?next=//evil.example", "/%2F%2Fevil.example", "/%5Cevil.example", "/:80", "/@evil.example",
            "/javascript:alert(1)",
        ])
    func kept(path: String) {
        #expect(ReturnPath(path).text == path)
    }

    @Test(
        "everything else leads to the first page",
        arguments: [
            "", " ", "//evil.example", "///evil.example", "////evil.example", "//evil.example/%2F..", "/\\evil.example", "/\\/evil.example",
            "\\\\evil.example", "\\/evil.example",
            "/a\\b", "https://evil.example", "HTTPS://evil.example", "http:evil.example", "https:/evil.example", "https:///evil.example",
            "javascript:alert(1)", "JavaScript:alert(1)",
            "data:text/html,x", "evil.example", "@evil.example", ".", "..", "../", "./", "?x", "#x", " /projects", "\t/projects", "\n//evil.example",
            "/\t/evil.example", "/\n/evil.example",
            "/\r/evil.example", "/\u{0}/evil.example", "/a b", "/a\r\nSet-Cookie: x=y", "/\u{2215}evil.example", "/ümlaut", "/\u{A0}x", "/\u{7F}x",
            "\u{FEFF}/x", "/sign-in", "/sign-in?return_to=/",
            "/sign-out", "/sign-out#x", "/api/v1/me", "ftp://evil.example", "//evil.example@127.0.0.1/", "//", "/\\",
        ])
    func refused(path: String) {
        #expect(ReturnPath(path).text == "/")
    }

    @Test("nothing, and too much, lead to the first page")
    func extremes() {
        #expect(ReturnPath(nil).text == "/")
        #expect(ReturnPath("/" + String(repeating: "a", count: ReturnPath.maxLength - 1)).text.count == ReturnPath.maxLength)
        #expect(ReturnPath("/" + String(repeating: "a", count: ReturnPath.maxLength)).text == "/")
    }
}
