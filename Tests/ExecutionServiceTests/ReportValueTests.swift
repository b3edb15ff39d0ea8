import Foundation
import Testing

@testable import ExecutionService

@Suite("values of a report")
struct ReportValueTests {
    @Test(
        "durations are read in every tool's spelling",
        arguments: [
            ("0", 0), ("0.", 0), ("1", 1_000_000), ("0.001", 1000), ("0.0000014", 1), ("0.0000015", 2), ("12.3456789", 12_345_679),
            ("0,123", 123_000), ("1,234.5", 1_234_500_000), ("1.234,5", 1_234_500_000), ("1,234,567", 1_234_567_000_000),
            ("1,234,567.25", 1_234_567_250_000), ("1.5e-05", 15), ("2E3", 2_000_000_000), (" 0.5 ", 500_000), ("+1.5", 1_500_000), ("-0.0", 0),
            ("1000000000", 1_000_000_000_000_000),
        ] as [(String, Int64)])
    func duration(text: String, microseconds: Int64) {
        #expect(read(text) == .microseconds(microseconds))
    }

    @Test(
        "impossible durations are invalid",
        arguments: [
            "-1", "-0.001", "NaN", "nan", "Inf", "-inf", "1e300", "1000000001", "1.2.3,4,5", "abc", "0x10", "1 2", "1s",
            String(repeating: "9", count: 80),
        ])
    func invalidDuration(text: String) {
        #expect(read(text) == .invalid)
    }

    @Test("an empty duration is none", arguments: ["", "  "])
    func noDuration(text: String) {
        #expect(read(text) == .absent)
    }

    @Test(
        "timestamps are read with and without zones",
        arguments: [
            ("2026-11-21T09:06:29", 1_795_251_989.0), ("2026-11-21T09:06:29Z", 1_795_251_989), ("2026-11-21 09:06:29", 1_795_251_989),
            ("2026-11-21T09:06:29.25+00:00", 1_795_251_989.25), ("2026-11-21T10:06:29+0100", 1_795_251_989),
            ("2026-11-21T04:06:29-05", 1_795_251_989),
            ("2024-02-29T00:00:00Z", 1_709_164_800), ("1969-12-31T23:59:59Z", -1),
        ])
    func timestamp(text: String, seconds: Double) {
        #expect(time(text) == Date(timeIntervalSince1970: seconds))
    }

    @Test(
        "what is no timestamp is not read",
        arguments: [
            "", "yesterday", "2026-13-01T00:00:00", "2026-11-21", "2026-11-21T25:00:00", "2026-11-21T09:06:29+99:00", "Sat Nov 21 09:06:29 2026",
        ])
    func invalidTimestamp(text: String) {
        #expect(time(text) == nil)
    }

    private func read(_ text: String) -> ReportSeconds.Reading { Array(text.utf8).withUnsafeBufferPointer { ReportSeconds.read($0) } }

    private func time(_ text: String) -> Date? { Array(text.utf8).withUnsafeBufferPointer { ReportTime.read($0) } }
}
