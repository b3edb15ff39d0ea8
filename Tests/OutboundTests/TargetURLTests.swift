import Outbound
import Testing

@Suite struct TargetURLTests {
    /// T72, T74 and T10: none of these is a URL here.
    static let notations = [
        // numbers that resolvers take for IPv4
        "http://2130706433/", "http://0x7f000001/", "http://017700000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/",
        "http://127.0.1/", "http://0/", "http://0x0/", "http://00000000/", "http://127.0.0.01/", "http://127.0.0.0x1/", "http://127.0x0.0.1/",
        "http://0x7f.0x0.0x0.0x1/", "http://0X7F.0.0.1/", "http://127.0.0.1.1/", "http://256.0.0.1/", "http://127.0.0.256/", "http://1.2.3/",
        "http://4294967296/", "http://127.0.0.1e0.1/", "http://169.254.43518/", "http://0251.0376.0251.0376/", "http://1.1.1.1.1.1/",
        "http://example.0x1/", "http://example.com.5/", "http://127.0.0.0x/", "http://192.168.0.+1/",
        // dots
        "http://localhost./", "http://127.0.0.1./", "http://example.com./", "http://.example.com/", "http://example..com/", "http://./",
        "http://../", "http://127。0。0。1/", "http://127．0．0．1/", "http://example｡com/",
        // letters that are not what they seem
        "http://①②⑦.⓪.⓪.①/", "http://ⓛocalhost/", "http://ｌocalhost/", "http://exämple.com/", "http://еxample.com/", "http://local\u{AD}host/",
        "http://exam\u{200B}ple.com/",
        // userinfo
        "http://user@example.com/", "http://user:pass@example.com/", "http://example.com@127.0.0.1/", "http://@example.com/",
        "http://:@example.com/", "http://example.com%40127.0.0.1/", "http://a@b@c/",
        // slashes and blanks
        "http:\\\\127.0.0.1\\", "http://example.com\\@127.0.0.1/", "http://127.0.0.1\\.example.com/", "http:/example.com/", "http:example.com",
        "http:///example.com/", "//example.com/", "http://", "http:///", "http://?", "http://#", " http://example.com/", "http://example.com/ ",
        "http://exa mple.com/", "http://example.com/a b", "\thttp://example.com/", "http://exa\tmple.com/", "ht\ntp://example.com/",
        // controls
        "http://example.com/\r\nHost: evil", "http://example.com/\n", "http://example.com/\u{0}", "http://example.com\u{0}.evil.com/",
        "http://example.com/\u{7F}", "http://example.com/?q=\r", "http://example.com/\u{85}", "http://example.com/\u{2028}",
        // percent
        "http://%31%32%37.0.0.1/", "http://127%2e0%2e0%2e1/", "http://example.com%00/", "http://ex%61mple.com/", "http://example.com/%",
        "http://example.com/%zz", "http://example.com/%4",
        // IPv6
        "http://[::1/", "http://::1/", "http://[::1]x/", "http://[::1]:/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/",
        "http://[127.0.0.1]/",
        "http://[]/", "http://[:::1]/", "http://[::g]/", "http://[1:2:3:4:5:6:7:8:9]/", "http://[::ffff:127.1]/", "http://[v1.a]/",
        // ports
        "http://example.com:/", "http://example.com:0/", "http://example.com:65536/", "http://example.com:-80/", "http://example.com:+80/",
        "http://example.com:080/", "http://example.com:80a/", "http://example.com:0x50/", "http://example.com:80:80/", "http://:80/",
        // host names that are none
        "http://-example.com/", "http://example-.com/", "http://exam!ple.com/", "http://exam$ple.com/", "http://a,b/", "http://(a)/", "http://*.a/",
        "http://" + String(repeating: "a", count: 64) + ".com/", "http://" + String(repeating: "a.", count: 130) + "com/",
        // characters that are no part of a URL
        "http://example.com/{{path}}", "http://{{host}}/", "http://example.com/<x>", "http://example.com/\"", "http://example.com/a|b",
        "http://example.com/^", "http://example.com/`",
        // schemes (T74)
        "ftp://example.com/", "file:///etc/passwd", "gopher://example.com:70/_x", "dict://example.com/", "ws://example.com/", "wss://example.com/",
        "javascript:alert(1)", "data:text/plain,x", "ldap://example.com/", "tftp://example.com/", "smb://example.com/", "httpx://example.com/",
        "http+unix://%2fvar%2frun%2fdocker.sock/", "jar:http://example.com!/", "chrome://settings/", "", "http", "example.com", "://example.com/",
        "http://example.com/" + String(repeating: "a", count: 8192),
    ]

    static let plain: [(String, String)] = [
        ("http://example.com", "http://example.com/"), ("HTTP://EXAMPLE.com/Path", "http://example.com/Path"),
        ("https://example.com:443/", "https://example.com/"), ("http://example.com:443/", "http://example.com:443/"),
        ("https://example.com:8443/a?b=c#d", "https://example.com:8443/a?b=c"), ("http://example.com?x=1", "http://example.com/?x=1"),
        ("http://example.com#f", "http://example.com/"), ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
        ("http://[::1]:8080/", "http://[::1]:8080/"), ("http://[0:0::0:1]/", "http://[::1]/"),
        ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
        ("http://localhost:3000/", "http://localhost:3000/"), ("http://my_host.example/", "http://my_host.example/"),
        ("http://example.com/a/../b//c/%2e%2e", "http://example.com/a/../b//c/%2e%2e"),
        ("http://a.example/?u=http://b@c/", "http://a.example/?u=http://b@c/"),
        ("http://1.example.com/", "http://1.example.com/"), ("http://0xdeadbeef.example.com/", "http://0xdeadbeef.example.com/"),
        ("http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]/"),
    ]

    @Test("the table has the size that was asked for")
    func size() {
        #expect(Self.notations.count >= 80)
    }

    @Test("an odd notation is refused", arguments: notations)
    func refused(text: String) {
        let error = #expect(throws: OutboundError.self) { try TargetURL(text) }
        #expect(error?.code == "invalid_request")
    }

    @Test("a plain URL is read and printed in one form", arguments: plain)
    func accepted(text: String, expected: String) throws {
        let url = try TargetURL(text)
        #expect(url.description == expected)
        #expect(try TargetURL(url.description) == url)
    }

    @Test(
        "a reference is resolved as RFC 3986 says",
        arguments: [
            ("/x", "http://a.example:8080/x"), ("x", "http://a.example:8080/b/x"), ("./x", "http://a.example:8080/b/x"),
            ("../x", "http://a.example:8080/x"),
            ("../../../x", "http://a.example:8080/x"), ("x/..", "http://a.example:8080/b/"), ("?y=2", "http://a.example:8080/b/c?y=2"),
            ("#f", "http://a.example:8080/b/c?q=1"), ("", "http://a.example:8080/b/c?q=1"), ("//o.example/z", "http://o.example/z"),
            ("https://o.example", "https://o.example/"), ("/a/./b/../c", "http://a.example:8080/a/c"), ("/a b", "http://a.example:8080/a%20b"),
            ("/ü", "http://a.example:8080/%C3%BC"), ("/x?to=http://y/../z", "http://a.example:8080/x?to=http://y/../z"),
        ])
    func resolves(reference: String, expected: String) throws {
        #expect(try TargetURL("http://a.example:8080/b/c?q=1").resolving(reference).description == expected)
    }

    @Test(
        "a reference to something else is refused",
        arguments: [
            "ftp://x/", "file:///etc/passwd", "javascript:alert(1)", "//user@x/", "//127.1/", "http://ü.example/", "//[::1", "\\\\x", "/\r\nx",
            "http:x",
        ])
    func refusesReference(reference: String) throws {
        let url = try TargetURL("http://a.example/")
        #expect(throws: OutboundError.self) { try url.resolving(reference) }
    }
}
