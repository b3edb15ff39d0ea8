import Foundation
import Testing

@testable import ValidationService

@Suite("what lines of logs say")
struct LogDigestTests {
    @Test(
        "a line's level stands where loggers write it, and not in a name or a sentence",
        arguments: [
            ("2026-03-01T10:00:00Z ERROR connection refused", LogLevel.error), ("10:00:00.123 [main] WARN  c.acme.Shop - slow", .warn),
            ("[error] no such file", .error), ("time=10:00 level=warning msg=\"slow\"", .warn), ("{\"level\":\"fatal\",\"msg\":\"x\"}", .fatal),
            ("INFO: started", .info), ("error: cannot find symbol", .error), ("E0102 10:00:00.000000 1 main.go:1] x", .error),
            ("I0102 10:00:00.000000 1 main.go:1] x", .info), ("CRITICAL disk full", .fatal), ("DEBUG x", .debug), ("TRACE x", .trace),
            ("no error was found", .unknown), ("ERROR_CODE is 5", .unknown), ("error-handler started", .unknown), ("plain words", .unknown),
            ("", .unknown),
        ])
    func levels(line: String, level: LogLevel) {
        let bytes = Array(line.utf8)
        #expect(bytes.withUnsafeBufferPointer { LogLevel(of: $0) } == level)
    }

    @Test("colours, what moves a cursor and what was written over are no part of a line")
    func cleaning() {
        func cleaned(_ line: String) -> String? {
            var buffer: [UInt8] = []
            let isText = Array(line.utf8).withUnsafeBufferPointer { LogLine.cleaned($0, into: &buffer) }
            return isText ? String(decoding: buffer, as: UTF8.self) : nil
        }
        #expect(cleaned("\u{1B}[31mERROR\u{1B}[0m x") == "ERROR x")
        #expect(cleaned("10 %\r50 %\rdone\r") == "done")
        #expect(cleaned("\u{1B}]0;title\u{07}x\ty  ") == "x y")
        #expect(cleaned("\u{1B}") == "" && cleaned("\u{1B}[") == "" && cleaned("a\u{1B}(") == "a")
        #expect(cleaned("a\0b") == nil)
        #expect(cleaned(String(repeating: "x", count: 5000))?.count == LogBounds.line)
    }

    @Test(
        "what shows a secret by its form is masked, and nothing else",
        arguments: [
            ("password=hunter2 user=ann", "password=*** user=ann"), ("PGPASSWORD: 'hunter 2' x", "PGPASSWORD: '***' x"),
            ("{\"api_key\":\"abc\",\"a\":1}", "{\"api_key\":\"***\",\"a\":1}"),
            ("GET https://ann:pw@example.com/x", "GET https://ann:***@example.com/x"),
            ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"), ("sent Bearer abcdefghijkl", "sent Bearer ***"),
            ("key AKIAIOSFODNN7EXAMPLE used", "key *** used"), ("token=a&b=c", "token=***&b=c"),
            (#"body="{\"password\":\"hunter2\",\"a\":1}""#, #"body="{\"password\":\"***\",\"a\":1}""#),
            ("password => \"hunter2\" x", "password => \"***\" x"), ("secret := abc x", "secret := *** x"), ("token==abc", "token==***"),
            ("Cookie: theme=dark; session=deadbeef", "Cookie: ***"), ("Authorization: Token abc, x=1", "Authorization: ***"),
            ("{\"authorization\":\"ApiKey abc\",\"a\":1}", "{\"authorization\":\"***\",\"a\":1}"),
            ("sent Bearer ab/cdef~ghijkl", "sent Bearer ***"), ("docker login --password hunter2 -u ann", "docker login --password *** -u ann"),
        ])
    func secrets(line: String, masked: String) {
        #expect(LineSecrets.masked(Array(line.utf8)) == masked)
    }

    @Test("a line without a secret stays as it is", arguments: ["the token is gone", "https://example.com:80/x", "eyes", "", "akia", "password"])
    func harmless(line: String) {
        #expect(LineSecrets.masked(Array(line.utf8)) == nil)
    }

    @Test("lines that differ in values are one, with the first as a sample; a secret is in neither")
    func digest() throws {
        let log = """
            10:00:01 INFO request 17 took 5 ms

            10:00:02 INFO request 18 took 9 ms
            10:00:03 ERROR login failed password=first
            10:00:04 ERROR login failed password=second
            --------
            """
        let digest = LogDigest(Array(log.utf8))
        #expect(digest.lines == 5 && digest.wordless == 1 && digest.found.map(\.lines) == [2, 2] && digest.found.map(\.level) == [.info, .error])
        #expect(digest.found[0].sample == "10:00:01 INFO request 17 took 5 ms")
        let all = digest.found.map { $0.sample + $0.signature.text }.joined()
        #expect(!all.contains("first") && !all.contains("second"))
    }

    private static let bearer = "ghp_" + String(repeating: "a", count: 36)
    private static let logs: [(String, Int64)] = [
        ("***\n\(bearer)", 2), ("\(bearer)\n***\n***", 3), ("{\n}\n{\n}\n-----\n17\n\n18", 7), ("", 0),
        ("one\n***\ntwo\n***\npassword=a\npassword=b\nAKIAIOSFODNN7EXAMPLE\nAKIAIOSFODNN7EXAMPLE\n=====", 5),
        ("-----BEGIN PRIVATE KEY-----\nMIIEpQIBAAKCAQEA\nit failed\n}\n-----END PRIVATE KEY-----\nafter\nafter", 3),
    ]

    @Test("a line is found, or has no words or is hidden", arguments: logs)
    func wordless(log: String, wordless: Int64) {
        let digest = LogDigest(Array(log.utf8))
        let found = digest.found.reduce(0) { $0 + $1.lines }
        #expect(digest.lines == Int64(log.split(separator: "\n").count))
        #expect(digest.wordless == wordless && digest.lines == found + wordless)
    }

    @Test("what a piece has no room for is no line without words")
    func room() {
        let letters = Array("ghijklmnop")
        var lines = ["---"]
        for number in 100_000..<100_100 + LogBounds.signaturesOfPiece {
            lines.append("a line of " + String(String(number).map { letters[$0.wholeNumberValue ?? 0] }))
        }
        lines += [lines[1], "---"]
        let digest = LogDigest(Array(lines.joined(separator: "\n").utf8))
        let found = digest.found.reduce(0) { $0 + $1.lines }
        #expect(digest.lines == Int64(lines.count) && digest.wordless == 2)
        #expect(digest.found.count < LogBounds.signaturesOfPiece && found + digest.wordless < digest.lines)
    }

    @Test("what is no text ends the reading; a long sample is cut; what is too much is counted")
    func bounds() {
        let binary = LogDigest(Array("one\ntwo\n\0\0\nthree".utf8))
        #expect(binary.isUnreadable && binary.lines == 2)
        let long = LogDigest(Array(("word " + String(repeating: "ä", count: 4000)).utf8))
        #expect(long.found.count == 1 && long.found[0].sample.utf8.count <= LogBounds.sample + 6)
        #expect(LogDigest([]).lines == 0)
    }

    @Test("a template has the words that all have")
    func template() {
        #expect(LogTemplate.of(["session of alice closed", "session of bob closed"]) == "session of <*> closed")
        #expect(LogTemplate.of([]) == "" && LogTemplate.of(["a b"]) == "a b")
    }

    @Test("rules are asked about lines that may say that something is wrong, and not as what failed")
    func categories() {
        var rules = LogRules(.standard)
        let refused = rules.judge("connection refused", .error)
        #expect(refused.category == .network && refused.judgement?.rule == "network.connection-refused")
        let calm = rules.judge("connection refused", .info)
        #expect(calm.category == nil && calm.judgement == nil && calm.hash == refused.hash && calm.edition == refused.edition)
        let unknown = rules.judge("nothing that anybody knows", .error)
        #expect(unknown.category == nil && unknown.judgement?.category == .unknown && unknown.hash != refused.hash)
    }

    @Test("what is new and says that something is wrong comes first")
    func order() {
        func line(_ number: UInt64, _ level: LogLevel, _ lines: Int64) -> RunLogLine {
            let id = SignatureID(hashing: "\(number)")
            return RunLogLine(
                signature: id, pattern: id, text: "t \(number)", level: level, category: nil, lines: lines, sample: "s",
                firstSeen: number == 3 ? Date(timeIntervalSince1970: 5) : number == 4 ? Date(timeIntervalSince1970: 10) : nil,
                isKnown: number > 2)
        }
        let now = Date(timeIntervalSince1970: 10)
        let lines = [line(1, .info, 100), line(2, .error, 50), line(3, .info, 7), line(4, .error, 1)]
        let compared = [lines[0].pattern: Int64(3), lines[1].pattern: 2]
        let sorted = RunLogPattern.of(lines, compared: compared, startedAt: now, recent: [lines[0].pattern: 4])
        #expect(sorted.map(\.template) == ["t <*>", "t <*>", "t <*>", "t <*>"] || sorted.map(\.lines) == [1, 7, 50, 100])
        #expect(sorted.map(\.lines) == [1, 7, 50, 100] && sorted.map(\.isNew) == [true, true, false, false])
        #expect(sorted[3].seenIn == 4 && sorted.map(\.isKnown) == [true, true, false, false])
        let unknown = RunLogPattern.of(lines, compared: nil, startedAt: now, recent: [:])
        #expect(unknown.map(\.lines) == [50, 1, 100, 7] && unknown.allSatisfy { $0.isNew == nil })
        // Where the runs before said more than is kept of them, only what the project knows for certain is told.
        let cut = RunLogPattern.of(lines, compared: [lines[0].pattern: 1], areWhole: false, startedAt: now, recent: [:])
        #expect(Dictionary(cut.map { ($0.lines, $0.isNew) }) { $1 } == [100: false, 50: nil, 7: false, 1: true])
        let cursor = RunLogCursor(sorted[1])
        #expect(sorted.map(cursor.isBefore) == [false, false, true, true])
        #expect((try? RunLogCursor(cursor.description))??.description == cursor.description)
        #expect(throws: (any Error).self) { try RunLogCursor("x") }
    }

    @Test("a debug build reads some MiB a second")
    func speed() {
        let lines = (0..<20_000).map { "2026-03-01T10:00:00.\($0) INFO [worker-\($0 % 7)] request \($0) of user\($0 % 50) took \($0 % 90) ms\n" }
        let log = Array(lines.joined().utf8)
        let clock = ContinuousClock()
        let elapsed = clock.measure { #expect(LogDigest(log).lines == 20_000) }
        print("\(Int(20_000 / (Double(elapsed.components.attoseconds) / 1e18 + Double(elapsed.components.seconds)))) lines a second")
        #expect(elapsed < .seconds(30))
    }
}
