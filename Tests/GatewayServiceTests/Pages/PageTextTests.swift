import CommonAPI
import ExecutionAPI
import Foundation
import SwiftProtobuf
import Testing
import ValidationAPI

@testable import GatewayService

@Suite("Words and figures on pages")
struct PageTextTests {
    @Test(
        "durations have two units at most",
        arguments: [
            (0, "0 µs"), (999, "999 µs"), (1_000, "1 ms"), (1_250, "1.2 ms"), (9_999, "9.9 ms"), (12_410, "12 ms"), (999_499, "999 ms"),
            (999_999, "999 ms"), (1_000_000, "1 s"),
            (59_999_000, "59.9 s"), (60_000_000, "1 min 0 s"), (734_000_000, "12 min 14 s"), (3_600_000_000, "1 h 0 min"),
            (90_000_000_000, "1 d 1 h"), (-5, "0 µs"),
        ] as [(Int64, String)])
    func durations(microseconds: Int64, expected: String) {
        #expect(DurationText.of(microseconds: microseconds) == expected)
    }

    @Test(
        "times are told from now, with the exact time in UTC",
        arguments: [
            (0, "just now"), (4, "just now"), (59, "59 s ago"), (60, "1 min ago"), (3_599, "59 min ago"), (7_200, "2 h ago"), (172_800, "2 d ago"),
            (-900, "in 15 min"),
            (2_592_000, "2026-01-30"),
        ] as [(Double, String)])
    func moments(secondsAgo: Double, expected: String) {
        let now = PageFixtures().now
        let moment = Moment(now.addingTimeInterval(-secondsAgo), now: now)
        #expect(moment.relative == expected)
        #expect(moment.absolute.hasSuffix(" UTC"))
        #expect(Moment(now, now: now).absolute == "2026-03-01 12:00:00 UTC")
        #expect(Moment(now, now: now).iso == "2026-03-01T12:00:00Z")
    }

    @Test(
        "a pass rate is not rounded to all or nothing",
        arguments: [
            (1.0, "100 %"), (0.99999, "99.9 %"), (0.975, "97.5 %"), (0.5, "50 %"), (0.00001, "0.1 %"), (0.0, "0 %"),
        ])
    func percents(share: Double, expected: String) {
        #expect(NumberText.percent(share) == expected)
    }

    @Test(
        "large numbers are grouped",
        arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (-1_234, "−1,234")] as [(Int64, String)])
    func numbers(number: Int64, expected: String) {
        #expect(NumberText.grouped(number) == expected)
    }

    @Test(
        "sizes have a unit",
        arguments: [(1, "1 byte"), (1_023, "1,023 bytes"), (1_024, "1.0 KiB"), (18_211, "17.8 KiB"), (5 << 30, "5.0 GiB")] as [(Int64, String)])
    func sizes(bytes: Int64, expected: String) {
        #expect(NumberText.bytes(bytes) == expected)
    }

    @Test("a bar is full, in order, and shows a single failure among many")
    func bars() {
        let bar = CountsBar(PageFixtures().counts(100_000, 1, 0, 0))
        #expect(bar.segments.map(\.css) == ["passed", "failed", "errored", "skipped", "pending"])
        #expect(bar.segments[1].width > 1.4)
        #expect(abs(bar.segments.reduce(0) { $0 + $1.width } - 100) < 0.1)
        #expect(bar.summary == "100,000 passed, 1 failed")
        #expect(CountsBar(PBCounts()).summary == "No tests")
        #expect(CountsBar(PBCounts()).segments.allSatisfy { $0.width == 0 })
    }

    @Test("the phases of an exchange fill its bar, the rest being the transfer")
    func phases() {
        let view = ExchangeView(PageFixtures().httpResult.http)
        #expect(view.phases.map(\.label) == ["DNS", "Connect", "TLS", "First byte", "Transfer"])
        #expect(view.phases.map(\.text) == ["4.2 ms", "18 ms", "41 ms", "102 ms", "19 ms"])
        #expect(abs(view.phases.reduce(0) { $0 + $1.width } - 100) < 0.1)
        #expect(!ExchangeView(PBHTTPExchange()).hasPhases)
        let reused = ExchangeView(
            .with {
                $0.firstByteUs = 900; $0.totalUs = 1_000
            })
        #expect(reused.phases.map(\.label) == ["First byte", "Transfer"])
        #expect(reused.phases.map(\.css) == ["phase-3", "phase-4"])
    }

    @Test(
        "terminal colours are taken out",
        arguments: [
            ("\u{1B}[31mred\u{1B}[0m", "red"), ("\u{1B}[1;38;5;196mx", "x"), ("\u{1B}]8;;https://a\u{07}link\u{1B}]8;;\u{07}", "link"),
            ("\u{1B}(Bx", "Bx"), ("\u{1B}", ""), ("plain", "plain"),
            ("a\u{1B}[", "a"),
        ])
    func terminal(text: String, expected: String) {
        #expect(text.withoutTerminalColours == expected)
    }

    @Test("addresses leave out what is empty and escape the rest")
    func addresses() {
        #expect(PageAddress.of("/runs/x", [("outcome", ""), ("q", "a&b c")], fragment: "results") == "/runs/x?q=a%26b%20c#results")
        #expect(PageAddress.result("res/../x?y") == "/results/res%2F..%2Fx%3Fy")
    }

    @Test("failures are grouped by category, the most frequent first")
    func groups() {
        let fixtures = PageFixtures()
        let groups = FailureGroup.all(fixtures.validation, failures: fixtures.failures.data)
        #expect(groups.map(\.category) == ["Assertion", "Timeout", "Network"])
        #expect(groups.map(\.severity) == ["medium", "high", "critical"])
        #expect(groups[0].shown.map(\.tests.count) == [2], "both say the same")
        #expect(FailureGroup.all(.init(), failures: fixtures.failures.data).count == 3)
        let many = FailureGroup.all(
            .with {
                $0.categories = [
                    .with {
                        $0.category = .timeout; $0.count = 500
                    }
                ]
            },
            failures: (0..<20).map { index in
                var failure = fixtures.failures.data[2]
                failure.message = "\(String(repeating: "very ", count: index))slow"
                return failure
            })
        #expect(many[0].shown.count == FailureGroup.shownAtOnce)
        #expect(many[0].more.count == 12)
        #expect(many[0].unlisted == "480 further are in the list of results below.")
    }

    @Test("a group is called what was reported, and what its failures have in common once they say different things")
    func groupTitles() {
        var group = PBFailureGroup.with {
            $0.errorType = "SSLError"
            $0.template = "expected : < <*> > ( request <*> ) , twice"
            $0.sampleMessage = "\n\u{1B}[31mexpected: <1> (request 7), twice\u{1B}[0m\nsecond line"
        }
        #expect(GroupText.title(group) == "SSLError: expected: <1> (request 7), twice")
        group.sampleMessage = "PKIX path validation failed"
        #expect(GroupText.title(group) == "SSLError: expected: <<*>> (request <*>), twice")
        group.template = "SSLError again"
        #expect(GroupText.title(group) == "SSLError again")
    }

    @Test("failures that differ in numbers and ids only are one thing to read, with the way to their group when they have one")
    func causes() {
        let failures = (0..<5).map { index in
            PBFailure.with {
                $0.result = "res_\(index)"
                $0.project = "prj_1"
                $0.testName = "test \(index)"
                $0.rule = "server-error.5xx"
                $0.message = index == 3 ? "connection refused" : "\n503 from https://prices/v\(index)?id=9f\(index)a\nsecond line"
                $0.group = index == 3 ? "" : "grp_\(index == 4 ? 2 : 1)"
            }
        }
        let causes = FailureCause.all(failures)
        #expect(causes.map(\.message) == ["503 from https://prices/v0?id=9f0a", "connection refused"])
        #expect(causes.map { $0.tests.map(\.name) + $0.more.map(\.name) } == [["test 0", "test 1", "test 2", "test 4"], ["test 3"]])
        #expect(causes[0].moreLabel == "1 more test")
        #expect(causes.map(\.groupPath) == [nil, nil])
        #expect(causes.map(\.several) == ["2 failure groups", nil])
        #expect(FailureCause.all(Array(failures.prefix(3)))[0].groupPath == "/projects/prj_1/failures/grp_1")
    }
}
