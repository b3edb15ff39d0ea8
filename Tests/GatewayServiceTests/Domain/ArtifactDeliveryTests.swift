import Testing

@testable import GatewayService

@Suite("How artifacts are given out")
struct ArtifactDeliveryTests {
    @Test(
        "one range of bytes is understood, everything else means the whole",
        arguments: [
            (nil, .whole), ("bytes=0-0", .part(0..<1)), ("bytes=0-", .part(0..<100)), ("bytes=10-19", .part(10..<20)),
            ("bytes=90-1000", .part(90..<100)),
            ("bytes=-10", .part(90..<100)), ("bytes=-1000", .part(0..<100)), (" Bytes = 1 - 2 ", .part(1..<3)),
            ("bytes=100-", .unsatisfiable), ("bytes=-0", .unsatisfiable), ("bytes=99999999999999999999-", .unsatisfiable),
            ("bytes=0-99999999999999999999", .part(0..<100)), ("bytes=-99999999999999999999", .part(0..<100)),
            ("bytes=0-1,5-6", .whole), ("bytes=2-1", .whole), ("bytes=-", .whole), ("bytes=", .whole), ("bytes=a-b", .whole), ("items=0-1", .whole),
            ("bytes=+1-2", .whole), ("bytes=1--2", .whole), ("", .whole),
        ] as [(String?, ByteRange)])
    func ranges(header: String?, expected: ByteRange) {
        #expect(ByteRange(header, length: 100) == expected)
    }

    @Test("of nothing there is no part")
    func empty() {
        #expect(ByteRange("bytes=0-", length: 0) == .unsatisfiable && ByteRange("bytes=-5", length: 0) == .unsatisfiable)
        #expect(ByteRange(nil, length: 0) == .whole)
    }

    @Test(
        "only what a browser cannot run is displayed or named",
        arguments: [
            ("image/png", "image/png", "inline"), ("image/webp", "image/webp", "inline"), ("audio/wav", "audio/wav", "inline"),
            ("video/mp4", "video/mp4", "inline"), ("text/plain", "text/plain; charset=utf-8", "attachment"),
            ("application/zip", "application/zip", "attachment"), ("text/html", "application/octet-stream", "attachment"),
            ("image/svg+xml", "application/octet-stream", "attachment"), ("application/xml", "application/octet-stream", "attachment"),
            ("text/javascript", "application/octet-stream", "attachment"), ("application/octet-stream", "application/octet-stream", "attachment"),
        ])
    func types(stored: String, served: String, disposition: String) {
        let delivery = ArtifactDelivery(mediaType: stored, name: "a")
        #expect(delivery.contentType == served && delivery.disposition.hasPrefix(disposition + ";"))
    }

    @Test(
        "a name on its way out is a file's name and nothing else (T89)",
        arguments: [
            ("shot.png", #"filename="shot.png""#), ("/ci/work/shot.png", #"filename="shot.png""#), (#"C:\work\shot.png"#, #"filename="shot.png""#),
            ("../../etc/passwd", #"filename="passwd""#), ("..", #"filename="artifact""#), ("", #"filename="artifact""#),
            ("///", #"filename="artifact""#),
            ("a\r\nSet-Cookie: x=1", #"filename="aSet-Cookie: x=1""#), ("invoice\u{202E}gnp.exe", #"filename="invoicegnp.exe""#),
            ("a\u{2066}b\u{200F}c\u{FEFF}", #"filename="abc""#), (#"a"b;c%d.txt"#, #"filename="a_b_c_d.txt"; filename*=UTF-8''a%22b%3Bc%25d.txt"#),
            ("späte Tests.log", #"filename="sp_te Tests.log"; filename*=UTF-8''sp%C3%A4te%20Tests.log"#),
            ("日本.png", #"filename="__.png"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.png"#),
        ])
    func names(name: String, expected: String) {
        #expect(ArtifactDelivery(mediaType: "text/plain", name: name).disposition == "attachment; " + expected)
    }

    @Test("a name of 4 KiB is cut to what file systems take")
    func long() {
        let name = ArtifactDelivery.fileName(String(repeating: "ä", count: 2_048))
        #expect(name.utf8.count == 200 && name.allSatisfy { $0 == "ä" })
    }
}
