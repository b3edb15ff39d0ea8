import Testing

@testable import CommandLineClient

@Suite struct ProxyChoiceTests {
    @Test(
        "a proxy is taken from the variables that curl reads",
        arguments: [
            ("https://assay.example.com", ["HTTPS_PROXY": "http://proxy:3128"], "proxy:3128"),
            ("https://assay.example.com", ["https_proxy": "proxy:3128", "HTTPS_PROXY": "other:1"], "proxy:3128"),
            ("https://assay.example.com", ["HTTP_PROXY": "http://proxy:3128"], nil),
            ("http://assay.example.com", ["HTTP_PROXY": "http://proxy"], "proxy:80"),
            ("https://assay.example.com", ["HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "localhost, .example.com"], nil),
            ("https://assay.example.com", ["HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "ample.com"], "proxy:3128"),
            ("https://assay.example.com", ["HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"], nil),
            ("https://assay.example.com", [:], nil),
        ] as [(String, [String: String], String?)])
    func choice(url: String, environment: [String: String], expected: String?) {
        #expect(ProxyChoice.proxy(for: url, environment: environment).map { "\($0.host):\($0.port)" } == expected)
    }

    @Test("a proxy may ask for a name and a password")
    func credentials() {
        let proxy = ProxyChoice.proxy(for: "https://x", environment: ["HTTPS_PROXY": "http://ann:secret@proxy:3128"])
        #expect(proxy == ProxyChoice.Proxy(host: "proxy", port: 3128, user: "ann", password: "secret"))
    }
}
