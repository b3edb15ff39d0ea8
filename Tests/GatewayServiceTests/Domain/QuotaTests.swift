import Foundation
import HTTPTypes
import Primitives
import Testing

@testable import GatewayService

@Suite("Quotas")
struct QuotaTests {
    private static func date(_ text: String) throws -> Date { try Date(text, strategy: .iso8601) }

    @Test(
        "what is used has a state, and reaches thresholds",
        arguments: [
            (0, Quota.State.fine, []), (79, .fine, []), (80, .warning, [.soft]), (99, .warning, [.soft]), (100, .exhausted, [.soft, .hard]),
            (1_000, .exhausted, [.soft, .hard]),
        ] as [(Int64, Quota.State, [QuotaThreshold])])
    func states(used: Int64, state: Quota.State, reached: [QuotaThreshold]) {
        let limit = QuotaLimit(hard: 100, softPercent: 80)
        #expect(limit.state(used: used) == state)
        #expect(limit.reached(used: used) == reached)
    }

    @Test("a soft limit is never above the hard one, and the largest limit can be shared out")
    func limits() {
        #expect(QuotaLimit(hard: 10, soft: 20).soft == 10)
        #expect(QuotaLimit(hard: QuotaLimit.largest, softPercent: 100).soft == QuotaLimit.largest)
        #expect(QuotaLimit(hard: 0, softPercent: 80).state(used: 0) == .exhausted)
    }

    @Test(
        "a month is one of the calendar, in UTC",
        arguments: [
            ("2026-11-25T18:00:00Z", "2026-11-01", "2026-12-01"), ("2026-12-31T23:59:59Z", "2026-12-01", "2027-01-01"),
            ("2028-02-29T00:00:00Z", "2028-02-01", "2028-03-01"), ("2026-01-01T00:00:00Z", "2026-01-01", "2026-02-01"),
        ])
    func month(moment: String, start: String, end: String) throws {
        let month = QuotaMonth(containing: try Self.date(moment))
        #expect(month.text == start)
        #expect(QuotaMonth.text(month.end) == end)
        #expect(QuotaMonth.day(start) == month.start)
    }

    @Test(
        "a quota runs out where the line through its use meets the limit",
        arguments: [
            // Half of it in the first ten days: the other half in ten more.
            (500, 1_000, 0, "2026-11-01T00:00:00Z", "2026-11-11T00:00:00Z", "2026-11-21T00:00:00Z"),
            // Not before it begins anew.
            (300, 1_000, 0, "2026-11-01T00:00:00Z", "2026-11-11T00:00:00Z", nil),
            // Used up.
            (1_000, 1_000, 0, "2026-11-01T00:00:00Z", "2026-11-11T00:00:00Z", "2026-11-11T00:00:00Z"),
            // Half an hour says nothing.
            (500, 1_000, 0, "2026-11-01T00:00:00Z", "2026-11-01T00:30:00Z", nil),
            // What was there before does not count as growth.
            (900, 1_000, 800, "2026-11-01T00:00:00Z", "2026-11-11T00:00:00Z", "2026-11-21T00:00:00Z"),
            (800, 1_000, 800, "2026-11-01T00:00:00Z", "2026-11-11T00:00:00Z", nil),
            (700, 1_000, 800, "2026-11-01T00:00:00Z", "2026-11-11T00:00:00Z", nil),
        ] as [(Int64, Int64, Int64, String, String, String?)])
    func forecast(used: Int64, hard: Int64, before: Int64, since: String, now: String, expected: String?) throws {
        let found = QuotaForecast.runsOut(
            used: used, hard: hard, since: (try Self.date(since), before), now: try Self.date(now), before: try Self.date("2026-12-01T00:00:00Z"))
        #expect(try found == expected.map { try Self.date($0) })
    }

    @Test("what is held has no end but the limit's, and what takes for ever is no forecast")
    func held() throws {
        let (since, now) = (try Self.date("2026-11-01T00:00:00Z"), try Self.date("2026-11-11T00:00:00Z"))
        #expect(QuotaForecast.runsOut(used: 10, hard: 100, since: (since, 0), now: now) == now.addingTimeInterval(90 * 86_400))
        #expect(QuotaForecast.runsOut(used: 1, hard: QuotaLimit.largest, since: (since, 0), now: now) == nil)
    }

    @Test("too much in store is too large, all else too often, and only what is spent by the month says when it comes back")
    func faults() throws {
        let now = try Self.date("2026-11-30T23:00:00Z")
        let limit = QuotaLimit(hard: 5, soft: 4)
        let uploads = QuotaRefusal(.uploads, limit, now: now)
        #expect(uploads.fault(now: now).retryAfter == .seconds(3_600))
        #expect(Problem.status(of: uploads.fault(now: now)) == .tooManyRequests)
        #expect(uploads.outcome(now: now).policies == #""uploads";q=5;w=2592000;qu="requests""#)
        let storage = QuotaRefusal(.storageBytes, limit, now: now)
        #expect(storage.fault(now: now).retryAfter == nil)
        #expect(Problem.status(of: storage.fault(now: now)) == .contentTooLarge)
        #expect(storage.outcome(now: now).policies == #""storage_bytes";q=5;qu="content-bytes""#)
        let tests = QuotaRefusal(.runningTests, limit, now: now)
        #expect(Problem.status(of: tests.fault(now: now)) == .tooManyRequests)
        #expect(tests.outcome(now: now).policies == #""running_tests";q=5;qu="concurrent-requests""#)
        let json = Problem(uploads.fault(now: now), publicURL: "").json(instance: "/", requestID: "r")
        #expect(json.contains("http-problem-types#quota-exceeded") && json.contains(#""violated-policies":["uploads"]"#))
    }

    @Test("a ledger lets through what there is room for, hands out what it counted once, and takes back what could not be added up")
    func ledger() {
        let ledger = QuotaLedger { _ in QuotaLimit(hard: 3, soft: 2) }
        let tenant = ID<Tenant>.new()
        let november = QuotaMonth(containing: Date(timeIntervalSince1970: 1_795_000_000))
        for _ in 0..<3 { #expect(ledger.spend(.requests, of: tenant) == nil) }
        #expect(ledger.spend(.requests, of: tenant) == QuotaLimit(hard: 3, soft: 2))
        let counted = ledger.take(november)
        #expect(counted == [QuotaStore.Amount(tenant: tenant, kind: .requests, amount: 3)])
        #expect(ledger.take(november).isEmpty)
        ledger.giveBack(counted)
        #expect(ledger.pending(.requests, of: tenant) == 3)
        _ = ledger.take(november)
        // Others have counted as well.
        ledger.learn([QuotaStore.Amount(tenant: tenant, kind: .requests, amount: 2)])
        #expect(ledger.spend(.requests, of: tenant) == nil)
        #expect(ledger.spend(.requests, of: tenant) != nil)
        // A month later everything begins anew, and a larger limit is gone by at once.
        _ = ledger.take(QuotaMonth(containing: november.end))
        #expect(ledger.spend(.requests, of: tenant) == nil)
        ledger.learn([.requests: QuotaLimit(hard: 1_000, soft: 1)], of: tenant)
        ledger.record(.uploadBytes, 500, of: tenant)
        #expect(ledger.obstacle(.uploadBytes, 1, of: tenant) != nil)
        #expect(ledger.spend(.requests, 900, of: tenant) == nil)
    }
}
