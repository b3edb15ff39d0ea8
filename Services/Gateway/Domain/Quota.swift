import Foundation

/// How much of one thing an organization may use, how much it has used, and when that will be all of it.
struct Quota: Equatable, Sendable {
    /// The raw values are public, stored, and named by contracts; they never change.
    enum Kind: String, CaseIterable, Sendable {
        case requests, uploads
        case uploadBytes = "upload_bytes"
        case storageBytes = "storage_bytes"
        case storageFiles = "storage_files"
        case runningTests = "running_tests"
        case members

        /// Whether it is spent and begins anew each month, or held and given back.
        var isMonthly: Bool {
            switch self {
            case .requests, .uploads, .uploadBytes: true
            case .storageBytes, .storageFiles, .runningTests, .members: false
            }
        }

        /// In the words of the RateLimit-Policy header (draft-ietf-httpapi-ratelimit-headers), and `items` for what it has no word for.
        var unit: String {
            switch self {
            case .requests, .uploads: "requests"
            case .uploadBytes, .storageBytes: "content-bytes"
            case .runningTests: "concurrent-requests"
            case .storageFiles, .members: "items"
            }
        }

        /// Beyond it is too large rather than too often: waiting does not help.
        var isStorage: Bool { self == .storageBytes || self == .storageFiles }

        var about: String {
            switch self {
            case .requests: "Requests in a month, those about keys, limits, quotas and members excepted"
            case .uploads: "Uploads of results in a month"
            case .uploadBytes: "Bytes of uploads in a month, as they are sent"
            case .storageBytes: "Bytes of reports and artifacts that are kept, as they are stored"
            case .storageFiles: "Reports and artifacts that are kept"
            case .runningTests: "Tests of suites that wait or run"
            case .members: "People of the organization"
            }
        }

        /// What a contract names an upload's quota for is used together with these.
        var together: [Kind] {
            switch self {
            case .uploads: [.uploads, .uploadBytes]
            case .storageBytes: [.storageBytes, .storageFiles]
            default: [self]
            }
        }
    }

    enum State: Equatable, Sendable { case fine, warning, exhausted }

    let kind: Kind
    /// `nil` when whoever knows cannot be asked.
    let used: Int64?
    let limit: QuotaLimit
    let resetsAt: Date?
    let runsOutAt: Date?
    let isOverridden: Bool

    var state: State { limit.state(used: used ?? 0) }
}

/// Where an organization is warned, and where it ends.
struct QuotaLimit: Equatable, Sendable {
    let soft: Int64
    let hard: Int64

    /// The largest that JSON's numbers hold exactly.
    static let largest: Int64 = 9_007_199_254_740_991

    init(hard: Int64, soft: Int64) {
        self.hard = hard
        self.soft = min(soft, hard)
    }

    /// - Parameter percent: of the hard limit. Reckoned with 128 bits: the hard limit may be as large as anything.
    init(hard: Int64, softPercent percent: Int) {
        let (high, low) = hard.multipliedFullWidth(by: Int64(percent))
        self.init(hard: hard, soft: Int64(100).dividingFullWidth((high, low)).quotient)
    }

    func state(used: Int64) -> Quota.State { used >= hard ? .exhausted : used >= soft ? .warning : .fine }

    /// The thresholds that are reached, the lower one first.
    func reached(used: Int64) -> [QuotaThreshold] {
        switch state(used: used) {
        case .fine: []
        case .warning: [.soft]
        case .exhausted: [.soft, .hard]
        }
    }
}

/// What an organization is warned at. The raw values are stored and public.
enum QuotaThreshold: String, CaseIterable, Sendable { case soft, hard }

/// A calendar month in UTC.
struct QuotaMonth: Equatable, Sendable {
    let start: Date
    let end: Date

    private static let calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()

    init(containing moment: Date) {
        let interval = Self.calendar.dateInterval(of: .month, for: moment)
        // Every moment is in a month of the Gregorian calendar.
        start = interval?.start ?? moment
        end = interval?.end ?? moment
    }

    /// `2026-11-01`
    var text: String { Self.text(start) }

    /// The day of a moment: `2026-11-25`.
    static func text(_ moment: Date) -> String {
        let parts = calendar.dateComponents([.year, .month, .day], from: moment)
        func two(_ number: Int?) -> String { String(((number ?? 0) + 100) % 100 + 100).suffix(2).description }
        return "\(parts.year ?? 0)-\(two(parts.month))-\(two(parts.day))"
    }

    static func day(_ text: String) -> Date? {
        let parts = text.split(separator: "-").compactMap { Int($0) }
        return parts.count == 3 ? calendar.date(from: DateComponents(year: parts[0], month: parts[1], day: parts[2])) : nil
    }
}

/// When a quota will be used up if it goes on like this: a straight line through what is known.
enum QuotaForecast {
    /// Less than this says nothing about a month.
    static let shortest: TimeInterval = 3_600

    /// - Parameters:
    ///   - since: a moment and what was used then.
    ///   - end: when use begins again at 0; a later moment is none.
    /// - Returns: `now` when it is used up already; `nil` when use does not grow, when too little is known, or when it will not be in a thousand years.
    static func runsOut(used: Int64, hard: Int64, since: (moment: Date, used: Int64), now: Date, before end: Date? = nil) -> Date? {
        if used >= hard { return now }
        let elapsed = now.timeIntervalSince(since.moment)
        guard elapsed >= shortest, used > since.used else { return nil }
        let left = Double(hard - used) / (Double(used - since.used) / elapsed)
        guard left < 1_000 * 365 * 86_400 else { return nil }
        let moment = now.addingTimeInterval(left)
        return end.map { moment < $0 } ?? true ? moment : nil
    }
}
