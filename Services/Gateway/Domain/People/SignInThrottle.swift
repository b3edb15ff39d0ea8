import Foundation
import Primitives

/// Whether a try to log in may be made at all (T39, T40): a decision on counts, without a clock or storage.
///
/// Failures count for the pair of account and address, for the address, and for the account. What an address did slows only itself and devices that
/// the account has not been used from before: nobody can lock out a person at their own desk by guessing from elsewhere. Accounts count by what was
/// typed, so that one that does not exist is refused like one that does.
enum SignInThrottle {
    /// Failures of account and address together, within `pairWindow` of the first.
    static let pairLimit = 10
    static let pairWindow: TimeInterval = 15 * 60
    /// Failures of an address, within `addressWindow` of the first.
    static let addressLimit = 100
    static let addressWindow: TimeInterval = 3_600
    /// Failures of an account without a success between them; then strangers need a new password (NIST SP 800-63B-4, 3.2.2).
    static let accountLimit = 100
    /// Failures that cost nothing; each further one doubles the wait, beginning with a second.
    static let freeFailures = 5
    static let longestDelay: TimeInterval = 30

    /// Failures of one kind.
    struct Count: Hashable, Sendable {
        static let none = Count(failures: 0, first: .distantPast, last: .distantPast)

        var failures: Int
        /// Of the window.
        var first: Date
        var last: Date

        /// What is left of it at `now`, when it is forgotten `window` seconds after the first failure.
        func within(_ window: TimeInterval, at now: Date) -> Count { first.addingTimeInterval(window) > now ? self : .none }

        func adding(at now: Date) -> Count { Count(failures: failures + 1, first: failures == 0 ? now : first, last: now) }
    }

    struct Counts: Hashable, Sendable {
        var pair = Count.none
        var address = Count.none
        var account = Count.none
        /// Whether the account has been logged in to from this address before.
        var isKnownDevice = false
    }

    enum Decision: Hashable, Sendable {
        /// The counts as they are if the try fails; a try counts before its password is looked at, so that a hundred at once are not one.
        case allowed(Counts)
        case wait(TimeInterval)
        case resetRequired
    }

    static func decide(_ counts: Counts, now: Date) -> Decision {
        var counts = counts
        counts.pair = counts.pair.within(pairWindow, at: now)
        counts.address = counts.address.within(addressWindow, at: now)
        var waits = [delay(counts.pair, now)]
        if counts.pair.failures >= pairLimit { waits.append(counts.pair.first.addingTimeInterval(pairWindow).timeIntervalSince(now)) }
        if counts.address.failures >= addressLimit { waits.append(counts.address.first.addingTimeInterval(addressWindow).timeIntervalSince(now)) }
        if !counts.isKnownDevice {
            if counts.account.failures >= accountLimit { return .resetRequired }
            waits.append(delay(counts.account, now))
        }
        if let wait = waits.max(), wait > 0 { return .wait(wait) }
        counts.pair = counts.pair.adding(at: now)
        counts.address = counts.address.adding(at: now)
        counts.account = counts.account.adding(at: now)
        return .allowed(counts)
    }

    /// After a success. An account at its limit stays there: only a new password ends that.
    static func succeeding(_ counts: Counts) -> Counts {
        var counts = counts
        counts.pair = .none
        if counts.address.failures > 0 { counts.address.failures -= 1 }
        counts.account = counts.account.failures > accountLimit ? counts.account : .none
        return counts
    }

    /// After a try that proved nothing.
    static func withdrawing(_ counts: Counts) -> Counts {
        func less(_ count: Count) -> Count { Count(failures: max(0, count.failures - 1), first: count.first, last: count.last) }
        return Counts(
            pair: less(counts.pair), address: less(counts.address), account: less(counts.account), isKnownDevice: counts.isKnownDevice)
    }

    private static func delay(_ count: Count, _ now: Date) -> TimeInterval {
        guard count.failures >= freeFailures else { return 0 }
        let seconds = min(longestDelay, pow(2, Double(count.failures - freeFailures)))
        return count.last.addingTimeInterval(seconds).timeIntervalSince(now)
    }
}
