import Foundation
import Testing

@testable import GatewayService

@Suite("Throttling of logins")
struct SignInThrottleTests {
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)

    /// Fails `times` times, as soon as each try is allowed, and counts the seconds of waiting before each.
    private func waits(_ times: Int, knownDevice: Bool = false) -> [TimeInterval] {
        var counts = SignInThrottle.Counts(isKnownDevice: knownDevice)
        var now = Self.start
        return (0..<times).map { _ in
            var waited: TimeInterval = 0
            while true {
                switch SignInThrottle.decide(counts, now: now) {
                case .allowed(let next):
                    counts = next
                    return waited
                case .wait(let seconds):
                    waited += seconds
                    now += seconds
                case .resetRequired:
                    Issue.record("a reset after \(counts.account.failures) failures")
                    return -1
                }
            }
        }
    }

    @Test("five failures cost nothing, each further one doubles the wait, and ten within a quarter of an hour are the end of it")
    func delays() {
        let waits = waits(11)
        #expect(Array(waits[..<10]) == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16])
        #expect(waits[10] == 15 * 60 - 31, "the tenth failure blocks until the first one's window is over")
    }

    @Test("an account that is guessed at from many addresses makes strangers wait, half a minute at most, then asks for a new password")
    func account() {
        var account = SignInThrottle.Count.none
        var now = Self.start
        for number in 0..<SignInThrottle.accountLimit {
            var counts = SignInThrottle.Counts(account: account)
            if case .wait(let seconds) = SignInThrottle.decide(counts, now: now) {
                #expect(seconds <= SignInThrottle.longestDelay && number >= SignInThrottle.freeFailures)
                now += seconds
            }
            guard case .allowed(let next) = SignInThrottle.decide(counts, now: now) else {
                Issue.record("try \(number) is not allowed")
                return
            }
            counts = next
            account = counts.account
        }
        #expect(SignInThrottle.decide(.init(account: account), now: now + 86_400) == .resetRequired)
        // Whoever has used the account from where they are is not kept from it (T40).
        guard case .allowed = SignInThrottle.decide(.init(account: account, isKnownDevice: true), now: now) else {
            Issue.record("a known device is shut out")
            return
        }
        // A success there does not open the door to strangers again.
        guard case .allowed(let counted) = SignInThrottle.decide(.init(account: account, isKnownDevice: true), now: now) else { return }
        var after = SignInThrottle.succeeding(counted)
        after.isKnownDevice = false
        #expect(SignInThrottle.decide(after, now: now) == .resetRequired)
    }

    @Test("an address that fails a hundred times within an hour waits for its end, whatever account it names")
    func address() {
        let count = SignInThrottle.Count(failures: 100, first: Self.start, last: Self.start + 60)
        #expect(SignInThrottle.decide(.init(address: count, isKnownDevice: true), now: Self.start + 600) == .wait(3_000))
        guard case .allowed(let counts) = SignInThrottle.decide(.init(address: count), now: Self.start + 3_600) else {
            Issue.record("the hour is over")
            return
        }
        #expect(counts.address.failures == 1)
    }

    @Test("a success forgets the failures of its device, and takes itself out of its address's")
    func success() {
        let count = SignInThrottle.Count(failures: 4, first: Self.start, last: Self.start)
        let counts = SignInThrottle.succeeding(.init(pair: count, address: count, account: count))
        #expect(counts.pair == .none && counts.account == .none && counts.address.failures == 3)
        let withdrawn = SignInThrottle.withdrawing(.init(pair: count, address: count, account: count))
        #expect(withdrawn.pair.failures == 3 && withdrawn.address.failures == 3 && withdrawn.account.failures == 3)
    }
}
