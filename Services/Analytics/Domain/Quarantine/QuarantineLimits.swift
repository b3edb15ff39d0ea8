import Foundation
import Primitives

/// How much may be quarantined, and for how long: what nobody has to look at again hides regressions for ever.
struct QuarantineLimits: Sendable, Equatable {
    /// Tests of one project at once. What has expired does not count.
    var most = 100
    /// Days until one expires that does not say when.
    var usualDays = 14
    /// Days ahead that an expiry may be.
    var mostDays = 90

    /// More than this no setting allows: `ListQuarantinedTests` answers with all of them.
    static let mostEver = 1000

    /// Days that are looked ahead for those that expire.
    static let mostAhead: Int32 = 90

    func usualExpiry(at now: Date) -> Date { now.addingTimeInterval(Double(usualDays) * 86_400) }

    /// - Throws: `request.invalid` at `/expires_at`.
    func check(_ expiry: Date, at now: Date) throws(Fault) {
        guard expiry > now, expiry <= now.addingTimeInterval(Double(mostDays) * 86_400) else {
            throw .invalidField("/expires_at", "out_of_range", "A quarantine ends in the future, at most \(mostDays) days ahead.")
        }
    }
}
