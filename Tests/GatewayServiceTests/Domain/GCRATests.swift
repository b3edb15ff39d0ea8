import Testing

@testable import GatewayService

@Suite("GCRA")
struct GCRATests {
    private static let second: Int64 = 1_000_000_000
    /// 600 a minute: one point is 100 ms.
    private let limit = RateLimit(perMinute: 600, burst: 100)

    @Test("a full bucket gives its burst at once, then one point for each interval")
    func burst() {
        var arrival: Int64 = 0
        let now = 1_000 * Self.second
        for index in 0..<100 {
            let decision = GCRA.decide(now: now, arrival: arrival, limit: limit, cost: 1)
            #expect(decision.isAllowed)
            #expect(decision.remaining == 99 - index)
            arrival = decision.arrival
        }
        let refused = GCRA.decide(now: now, arrival: arrival, limit: limit, cost: 1)
        #expect(!refused.isAllowed)
        #expect(refused.arrival == arrival)
        #expect(refused.retryAfter == Self.second / 10)
        #expect(refused.resetAfter == 10 * Self.second)
        #expect(GCRA.decide(now: now + refused.retryAfter, arrival: arrival, limit: limit, cost: 1).isAllowed)
        #expect(!GCRA.decide(now: now + refused.retryAfter - 1, arrival: arrival, limit: limit, cost: 1).isAllowed)
    }

    @Test("over an hour of greed exactly rate and burst are granted")
    func accuracy() {
        var arrival: Int64 = 0
        var granted = 0
        let start = 5 * Self.second
        for step in 0..<360_000 {
            let decision = GCRA.decide(now: start + Int64(step) * 10_000_000, arrival: arrival, limit: limit, cost: 1)
            if decision.isAllowed { granted += 1 }
            arrival = decision.arrival
        }
        #expect((36_000...36_100).contains(granted))
    }

    @Test(
        "cost is taken in points",
        arguments: [(1, 99), (5, 95), (10, 90), (100, 0), (0, 100)])
    func cost(cost: Int, remaining: Int) {
        let decision = GCRA.decide(now: Self.second, arrival: 0, limit: limit, cost: cost)
        #expect(decision.isAllowed)
        #expect(decision.remaining == remaining)
    }

    @Test("a call that costs more than the burst is possible with a full bucket")
    func costBeyondBurst() {
        let decision = GCRA.decide(now: Self.second, arrival: 0, limit: limit, cost: 500)
        #expect(decision.isAllowed)
        #expect(!GCRA.decide(now: 2 * Self.second, arrival: decision.arrival, limit: limit, cost: 500).isAllowed)
    }

    @Test("a clock that goes back grants nothing extra", arguments: [1, 10, 60, 3_600, 86_400] as [Int64])
    func backwards(seconds: Int64) {
        var arrival: Int64 = 0
        let now = 100_000 * Self.second
        for _ in 0..<100 { arrival = GCRA.decide(now: now, arrival: arrival, limit: limit, cost: 1).arrival }
        let back = GCRA.decide(now: now - seconds * Self.second, arrival: arrival, limit: limit, cost: 1)
        #expect(!back.isAllowed)
        #expect(back.remaining == 0)
        let forward = GCRA.decide(now: now, arrival: back.arrival, limit: limit, cost: 1)
        #expect(!forward.isAllowed)
        #expect(forward.retryAfter == Self.second / 10)
    }

    @Test(
        "the window of a policy is the time in which a bucket fills", arguments: [(600, 100, 10), (6_000, 1_000, 10), (60, 60, 60), (60_000, 1, 1)])
    func window(rate: Int, burst: Int, seconds: Int) {
        #expect(RateLimit(perMinute: rate, burst: burst).window == seconds)
    }
}
