import Testing

@testable import CommandLineClient

@Suite struct RetryPolicyTests {
    @Test("waits double up to ten seconds, and are never shorter than the server said")
    func delays() {
        let policy = RetryPolicy(patience: .seconds(60))
        #expect(
            (1...7).map { policy.delay(attempt: $0, elapsed: .zero, retryAfter: nil, chance: 1) } == [0.5, 1, 2, 4, 8, 10, 10].map { .seconds($0) })
        #expect(policy.delay(attempt: 1, elapsed: .zero, retryAfter: nil, chance: 0) == .milliseconds(250))
        #expect(policy.delay(attempt: 1, elapsed: .zero, retryAfter: .seconds(20), chance: 1) == .seconds(20))
    }

    @Test("what would begin after patience is over is not tried")
    func patience() {
        let policy = RetryPolicy(patience: .seconds(30))
        #expect(policy.delay(attempt: 1, elapsed: .seconds(29), retryAfter: .seconds(2), chance: 0) == nil)
        #expect(policy.delay(attempt: 1, elapsed: .seconds(29), retryAfter: nil, chance: 0) != nil)
    }
}
