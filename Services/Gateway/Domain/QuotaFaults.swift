import Foundation
import Primitives

// The codes of quotas: what an organization may use only so much of.
extension Fault {
    /// What waiting does not help with is too large (413), the rest too often (429).
    /// - Parameter resetsAt: of what is spent by the month.
    static func quotaExceeded(_ kind: Quota.Kind, _ limit: QuotaLimit, resetsAt: Date?, now: Date) -> Fault {
        Fault(
            kind.isStorage ? .invalid : .exhausted, "quota_exceeded",
            "The organization has used up its quota \"\(kind.rawValue)\" of \(limit.hard): \(kind.about.lowercasedFirst).",
            fields: [.init("policy", "violated", kind.rawValue)],
            retryAfter: resetsAt.map { .seconds(Int64(max(1, $0.timeIntervalSince(now).rounded(.up)))) } ?? (kind.isStorage ? nil : .seconds(60)))
    }

    static func quotaUnknown(_ name: String, at index: Int) -> Fault {
        .invalidField("/overrides/\(index)/name", "unknown", "There is no quota \"\(name)\": see GET /api/v1/quotas.")
    }

    static func quotaLimitOutOfRange(at index: Int) -> Fault {
        .invalidField(
            "/overrides/\(index)/hard_limit", "out_of_range",
            "Limits are 0 to \(QuotaLimit.largest), and the soft one is at most the hard one and needs it.")
    }

    static func quotaTwice(_ name: String, at index: Int) -> Fault {
        .invalidField("/overrides/\(index)/name", "duplicate", "The quota \"\(name)\" is named twice.")
    }
}

extension String {
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
