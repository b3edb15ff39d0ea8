import Foundation
import Logging
import Primitives
import Synchronization
import Testing

@testable import ServiceKit

@Suite struct JSONLogTests {
    /// Lines as they would reach standard output.
    final class Lines: Sendable {
        private let bytes = Mutex<[UInt8]>([])

        var logger: Logger {
            var handler = JSONLogHandler(label: "execution", service: "execution") { [self] line in
                let line = line
                bytes.withLock { $0 += line }
            }
            handler.logLevel = .trace
            return Logger(label: "execution") { _ in handler }
        }

        var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }

        func only() throws -> [String: Any] {
            let lines = text.split(separator: "\n")
            #expect(lines.count == 1 && text.hasSuffix("\n"))
            return try #require(try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any])
        }
    }

    @Test(
        "no text can leave its line, add a field or reach a terminal",
        arguments: [
            "a\nb", "a\r\n{\"level\":\"info\",\"message\":\"forged\"}", "\u{1B}[31mred\u{1B}[0m", "\0", "\u{7F}\u{9B}31m", "\"}{\\", "\u{2028}x",
            "日本語 ü 👩‍👩‍👧", "",
        ])
    func injection(text: String) throws {
        let lines = Lines()
        lines.logger.info("\(text)", metadata: ["key": "\(text)", "\(text)k": ["\(text)", ["nested": "\(text)"]]])
        let line = try lines.only()
        #expect(line["message"] as? String == text && line["key"] as? String == text && line["level"] as? String == "info")
        for scalar in lines.text.dropLast().unicodeScalars { #expect(scalar.value >= 0x20 && !(0x7F..<0xA0).contains(scalar.value)) }
    }

    @Test("a value ends after 8 KiB, also where the limit falls into a character")
    func cap() throws {
        let lines = Lines()
        lines.logger.info("m", metadata: ["long": "\(String(repeating: "ä", count: 100_000))"])
        let value = try #require(try lines.only()["long"] as? String)
        #expect(value == String(repeating: "ä", count: 4096) + "…")
    }

    @Test("a line says when, how bad, which service, and for which request")
    func fields() async throws {
        let lines = Lines()
        let trace = Trace.start()
        let context = CallContext(caller: nil, requestID: "req_1", trace: trace)
        CallContext.$current.withValue(context) { lines.logger.warning("hello", metadata: ["level": "forged", "n": "\(3)"]) }
        let line = try lines.only()
        #expect(line["service"] as? String == "execution" && line["level"] as? String == "warning" && line["message"] as? String == "hello")
        #expect(line["request_id"] as? String == "req_1" && line["trace_id"] as? String == trace.traceID && line["level_"] as? String == "forged")
        let time = try #require(line["time"] as? String)
        #expect(try Date(time, strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true)).timeIntervalSinceNow > -60)
    }

    @Test("time has milliseconds and is in UTC", arguments: [(0.0, "1970-01-01T00:00:00.000Z"), (1_772_000_000.0625, "2026-02-25T06:13:20.062Z")])
    func time(seconds: Double, expected: String) {
        #expect(JSONLogHandler.timestamp(Date(timeIntervalSince1970: seconds)) == expected)
    }

    @Test("a secret prints as stars")
    func secret() throws {
        let lines = Lines()
        lines.logger.error("\(Secret("canary-1"))", metadata: ["s": "\(Secret("canary-2"))", "t": .stringConvertible(Secret("canary-3"))])
        #expect(!lines.text.contains("canary"))
        #expect(try lines.only()["t"] as? String == "***")
    }
}
