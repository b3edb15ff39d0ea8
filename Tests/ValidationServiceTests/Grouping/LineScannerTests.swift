import Testing

@testable import ValidationService

@Suite struct LineScannerTests {
    @Test(
        "what is volatile is masked, what is said stays",
        arguments: [
            ("took 17.7 GB in 900 ms", "took <*> in <*>"), ("lifetime <1 sec", "lifetime <*>"), ("lifetime 00:31", "lifetime <*>"),
            ("at 2024-01-02T03:04:05.678Z", "at <*>"), ("Sat Sep 17 07:49:04 PDT 2005 up", "<*> up"), ("We sat on May", "We sat on May"),
            ("host 10.0.0.1:443, then [fe80:0:0:1]:80", "host <*> , then [ <*> ] : <*>"), ("mac FF:F2:9F:15:7B:E0", "mac <*>"),
            ("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "id <*>"), ("sha a64f992 ok", "sha <*> ok"), ("0xdeadbeef", "<*>"),
            ("blk_-1608999687919862906", "<*>"), ("attempt_201706092018_0025_m_000001_1180", "<*>"),
            ("worker12 of node-7", "worker# of node-#"), ("ssh2 via HTTP/1.1", "ssh# via <*>"),
            ("open /etc/httpd/conf/x.conf", "open <*>"), ("open C:\\temp\\x.txt", "open <*>"), ("read/write failed", "read/write failed"),
            ("see https://a.b/c?d=e&f=g.", "see <*>"), ("GET /v2/servers?all=True&since=2 HTTP", "GET <*> HTTP"),
            ("mail bob@example.com", "mail <*>"), ("to db.example.com:5432", "to <*>"),
            ("java.lang.NullPointerException", "java.lang.NullPointerException"),
            ("port=22 name=alice empty= next=1", "port = <*> name = alice empty = <*> next = <*>"),
            ("tag=\"View Lock\", ws=Source{1 a}", "tag = <*> , ws = <*>"), ("Skipping Token{a64f u0 x} now", "Skipping <*> now"),
            ("expected: <1> but was: <2>", "expected : < <*> > but was : < <*> >"), ("assert 3 == 4", "assert <*> == <*>"),
            ("Expected \"a b c\" to equal 'd'", "Expected \" <*> \" to equal ' <*> '"), ("service 'db' down", "service ' db ' down"),
            ("can't, user's", "can't , user's"), ("is True or null", "is <*> or <*>"), ("depth......0", "depth . <*>"),
            ("[1, 2, 3] and [4]", "[ <*> ] and [ <*> ]"), ("a >= b, c != d", "a >= b , c != d"), ("-----", "-"), ("", ""),
        ])
    func masks(line: String, signature: String) {
        #expect(LineScanner.signature(of: line) == signature)
    }

    @Test("a scanner may be used again: a line's signature does not depend on the one before")
    func again() {
        var scanner = LineScanner()
        scanner.scan("a long line before = 1")
        scanner.scan("short")
        #expect(scanner.signature == "short")
        #expect(scanner.id == Signature(origin: "", text: "short").id)
    }

    @Test("whatever bytes come, the signature stays within its bounds")
    func bounded() {
        var chance = Chance(7)
        var scanner = LineScanner()
        let alphabet = Array("a1 =:\"'{}()[]<>.,/\\@#-_!?Z9x;|`\u{e9}\n%".utf8) + [0, 0xFF, 0xC3]
        for _ in 0..<3000 {
            let line = (0..<Int.random(in: 0..<400, using: &chance)).map { _ in alphabet.randomElement(using: &chance)! }
            line.withUnsafeBufferPointer { scanner.scan($0) }
            #expect(scanner.signature.split(separator: " ").count <= LineScanner.maxTokens)
        }
        for worst in ["=", "= ", "\"", "a{", "a=b(", "1 ", "x:", "/", "f:f", "a@", "'a"] {
            scanner.scan(String(repeating: worst, count: 100_000))
            #expect(scanner.signature.utf8.count <= LineScanner.maxBytes + 4 * LineScanner.maxTokens)
        }
    }

    @Test("the hash is MurmurHash3_x64_128, and an id survives being stored as a UUID")
    func identity() {
        // Reference value of the published implementation for this text and seed 0, but for the six bits of RFC 9562.
        let id = SignatureID(hashing: "The quick brown fox jumps over the lazy dog")
        let (high, low): (UInt64, UInt64) = (0xe34b_bc7b_bc07_1b6c, 0x7a43_3ca9_c49a_9347)
        #expect((id.high ^ high) & 0xFFFF_FFFF_FFFF_0FFF == UInt64(0))
        #expect((id.low ^ low) & 0x3FFF_FFFF_FFFF_FFFF == UInt64(0))
        #expect(SignatureID(uuid: id.uuid) == id)
        #expect(id.description.hasPrefix("grp_"))
    }
}
