import Foundation
import Testing

@testable import ExecutionService

@Suite("What an artifact is")
struct ArtifactKindTests {
    /// Headers of pictures, as small as they can be.
    static func png(_ width: UInt32, _ height: UInt32) -> [UInt8] {
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8) + big(width) + big(height) + [8, 6, 0, 0, 0]
    }

    static func gif(_ width: UInt16, _ height: UInt16) -> [UInt8] {
        Array("GIF89a".utf8) + [UInt8(width & 255), UInt8(width >> 8), UInt8(height & 255), UInt8(height >> 8), 0, 0, 0]
    }

    /// - Parameter metadata: bytes of a segment before the frame.
    static func jpeg(_ width: UInt16, _ height: UInt16, metadata: Int = 20) -> [UInt8] {
        let length = UInt16(metadata + 2)
        let segment: [UInt8] = [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)] + [UInt8](repeating: 0xC0, count: metadata)
        let frame: [UInt8] = [0xFF, 0xFF, 0xC2, 0, 17, 8, UInt8(height >> 8), UInt8(height & 255), UInt8(width >> 8), UInt8(width & 255), 3]
        return [0xFF, 0xD8] + segment + segment + frame
    }

    static func webp(_ chunk: String, _ body: [UInt8]) -> [UInt8] {
        Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WEBP\(chunk)".utf8) + [0, 0, 0, 0] + body
    }

    private static func big(_ number: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(number >> $0 & 255) } }

    @Test(
        "the size of a picture is read from its header",
        arguments: [
            ("image/png", png(1280, 720), 1280, 720), ("image/gif", gif(300, 2), 300, 2), ("image/jpeg", jpeg(4000, 3000), 4000, 3000),
            ("image/jpeg", jpeg(640, 480, metadata: 60_000), 640, 480),
            ("image/webp", webp("VP8 ", [0, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0xE0, 0x01]), 640, 480),
            ("image/webp", webp("VP8L", [0x2F, 0x7F, 0xC2, 0x77, 0x00]), 640, 480),
            ("image/webp", webp("VP8X", [0, 0, 0, 0, 0x7F, 0x02, 0, 0xDF, 0x01, 0]), 640, 480),
        ] as [(String, [UInt8], Int32, Int32)])
    func size(type: String, head: [UInt8], width: Int32, height: Int32) {
        #expect(ArtifactKind(claimed: type, head: head) == ArtifactKind(mediaType: type, size: PixelSize(width: width, height: height)))
    }

    @Test(
        "a picture that says it has more than 40 million pixels is too large, however few bytes it has",
        arguments: [
            (png(100_000, 100_000), true), (png(8_000, 5_000), false), (png(8_000, 5_001), true), (jpeg(65_535, 65_535), true),
            (gif(65_535, 65_535), true), (png(.max, .max), true),
        ])
    func pixels(head: [UInt8], isTooLarge: Bool) throws {
        let size = try #require(ArtifactKind(claimed: "", head: head).size)
        #expect(size.isTooLarge == isTooLarge)
    }

    @Test(
        "claim and content must agree, or the file is nothing that anybody displays",
        arguments: [
            ("image/png", png(1, 1), "image/png"), ("", png(1, 1), "image/png"), ("application/octet-stream", gif(1, 1), "image/gif"),
            ("IMAGE/PNG; q=1", png(1, 1), "image/png"),
            // Another picture, no picture, half a picture, one without size.
            ("image/gif", png(1, 1), "application/octet-stream"), ("image/png", Array("hello".utf8), "application/octet-stream"),
            ("image/png", Array(png(1, 1).prefix(12)), "application/octet-stream"), ("image/png", png(0, 1), "application/octet-stream"),
            ("image/jpeg", Array(jpeg(1, 1).prefix(30)), "application/octet-stream"),
            // Two things at once.
            ("text/html", gif(1, 1), "application/octet-stream"),
            ("image/gif", gif(1, 1) + Array("=1;/*<ScRiPt>alert(1)</script>*/".utf8), "application/octet-stream"),
            ("image/png", png(1, 1) + Array("<svg onload=alert(1)>".utf8), "application/octet-stream"),
            // Text is what it says; what is none is not.
            ("text/html", Array("<html>".utf8), "text/html"), ("image/svg+xml", Array("<svg/>".utf8), "image/svg+xml"),
            ("application/json", Array("{\"é\": 1}".utf8), "application/json"), ("text/plain", [0xC3], "text/plain"),
            ("text/plain", [0x68, 0, 0x69], "application/octet-stream"), ("text/plain", [0xFF, 0xFE, 0x41, 0x42, 0x43], "application/octet-stream"),
            ("text/plain; charset=utf-8", Array("\u{1B}[31mred".utf8), "text/plain"), ("", Array("log".utf8), "text/plain"),
            ("", Array("<html>".utf8), "application/octet-stream"), ("", [], "text/plain"),
            ("text/x-unheard-of", Array("x".utf8), "application/octet-stream"),
            // Recordings and archives.
            ("audio/wav", Array("RIFF0000WAVEfmt ".utf8), "audio/wav"), ("audio/mpeg", Array("ID3".utf8), "audio/mpeg"),
            ("video/webm", [0x1A, 0x45, 0xDF, 0xA3], "application/octet-stream"),
            ("video/mp4", Array("0000ftypisom".utf8), "application/octet-stream"),
            ("audio/ogg", Array("OggS".utf8), "application/octet-stream"), ("video/mp4", Array("RIFF0000WAVE".utf8), "application/octet-stream"),
            ("application/zip", [0x50, 0x4B, 3, 4], "application/zip"), ("text/html", [0x50, 0x4B, 3, 4], "application/octet-stream"),
        ] as [(String, [UInt8], String)])
    func types(claimed: String, head: [UInt8], expected: String) {
        #expect(ArtifactKind(claimed: claimed, head: head).mediaType == expected)
    }

    @Test("a header that is cut off anywhere, or is nonsense, is no picture and no crash")
    func damage() {
        for whole in [Self.png(5, 5), Self.gif(5, 5), Self.jpeg(5, 5), Self.webp("VP8L", [0x2F, 1, 2, 3, 4])] {
            for count in 0..<whole.count { _ = ArtifactKind(claimed: "", head: Array(whole.prefix(count))) }
            for index in whole.indices {
                var bent = whole
                bent[index] = 0xFF
                _ = ArtifactKind(claimed: "image/jpeg", head: bent)
            }
        }
        #expect(ArtifactKind(claimed: "image/jpeg", head: [0xFF, 0xD8] + [UInt8](repeating: 0xFF, count: 70_000)).size == nil)
        #expect(ArtifactKind(claimed: "image/jpeg", head: [0xFF, 0xD8, 0xFF, 0xE0, 0, 0]).mediaType == ArtifactKind.unknown)
    }
}
