import Primitives
import Testing

@testable import ExecutionService

@Suite struct AllowedHostTests {
    @Test(
        "a host is an origin, and is stored in one notation",
        arguments: [
            ("api.example.com", "https://api.example.com"), ("API.Example.com", "https://api.example.com"),
            ("https://api.example.com:443", "https://api.example.com"), ("https://api.example.com/", "https://api.example.com"),
            ("api.example.com:8443", "https://api.example.com:8443"), ("http://10.0.0.5:8080", "http://10.0.0.5:8080"),
            ("http://127.0.0.1", "http://127.0.0.1"), ("https://[::1]:9", "https://[::1]:9"), ("*.example.com", "https://*.example.com"),
            ("http://*.example.com:81", "http://*.example.com:81"),
        ])
    func notation(entry: String, stored: String) throws {
        #expect(try AllowedHost.list([entry, stored]).map(\.text) == [stored])
    }

    @Test(
        "what is no host is refused at its place",
        arguments: [
            "", "*", "*.com", "*.*.example.com", "a.*.example.com", "*example.com", "https://api.example.com/v1", "https://api.example.com?x",
            "ftp://example.com",
            "user@example.com", "exa mple.com", "*.10.0.0.1", "{{host}}",
        ])
    func refused(entry: String) {
        let fault = #expect(throws: Fault.self) { try AllowedHost.list(["example.com", entry]) }
        #expect(fault?.code == "request.invalid" && fault?.fields.first?.pointer == "/hosts/1", "\(String(describing: fault))")
    }

    @Test(
        "only the same scheme, host and port are allowed, and below a name all of its kind",
        arguments: [
            ("api.example.com", "https://api.example.com", true), ("api.example.com", "http://api.example.com", false),
            ("api.example.com", "https://api.example.com:8443", false), ("api.example.com", "https://api.example.com.evil.net", false),
            ("api.example.com", "https://evilapi.example.com", false), ("*.example.com", "https://a.example.com", true),
            ("*.example.com", "https://a.b.example.com", true), ("*.example.com", "https://example.com", false),
            ("*.example.com", "https://.example.com", false), ("*.example.com", "https://evilexample.com", false),
            ("*.example.com", "http://a.example.com", false), ("*.example.com", "https://a.example.com:8443", false),
            ("*.example.com:8443", "https://a.example.com:8443", true),
        ])
    func allows(entry: String, origin: String, expected: Bool) throws {
        #expect(try AllowedHost.list([entry])[0].allows(origin) == expected)
    }
}
