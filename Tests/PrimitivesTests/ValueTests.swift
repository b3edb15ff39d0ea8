import Primitives
import Testing

@Suite struct ValueTests {
    @Test(
        "backoff doubles up to its limit",
        arguments: [(1, Duration.seconds(1)), (2, .seconds(2)), (4, .seconds(8)), (5, .seconds(10)), (400, .seconds(10))])
    func ceiling(attempt: Int, expected: Duration) {
        #expect(Backoff(first: .seconds(1), limit: .seconds(10)).ceiling(attempt: attempt) == expected)
    }

    @Test("jitter keeps a delay between half and the whole of its ceiling")
    func jitter() {
        var random = SystemRandomNumberGenerator()
        let backoff = Backoff(first: .seconds(1), limit: .seconds(10))
        for attempt in 1...50 {
            let delay = backoff.delay(attempt: attempt, using: &random)
            #expect(delay >= backoff.ceiling(attempt: attempt) / 2 && delay <= backoff.ceiling(attempt: attempt))
        }
    }

    @Test("a page has a next cursor only when a further row was read")
    func page() {
        let full = Page(rows: [1, 2, 3], limit: 2) { "\($0)" }
        #expect(full.items == [1, 2] && full.next == "2")
        let last = Page(rows: [1, 2], limit: 2) { "\($0)" }
        #expect(last.items == [1, 2] && last.next == nil)
    }

    @Test("a page of more than 200 rows is refused", arguments: [-1, 201])
    func limit(limit: Int) {
        #expect(throws: Fault.self) { try PageRequest(limit: limit, cursor: "") }
    }

    @Test("a page of a list by number goes on behind one, and only behind one", arguments: ["x", "1.5", " 1", "9223372036854775808"])
    func number(cursor: String) throws {
        #expect(try PageRequest(limit: 0, cursor: "").afterNumber() == nil)
        #expect(try PageRequest(limit: 0, cursor: "12").afterNumber() == 12)
        let request = try PageRequest(limit: 0, cursor: cursor)
        let fault = #expect(throws: Fault.self) { try request.afterNumber() }
        #expect(fault?.code == "page.invalid_cursor")
    }

    @Test("a secret never prints")
    func secret() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(secret, to: &dumped)
        #expect("\(secret)" == "***" && String(reflecting: secret) == "***" && !dumped.contains("hunter2"))
        #expect(secret.reveal() == "hunter2")
    }
}
