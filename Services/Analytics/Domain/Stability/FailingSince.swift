import Foundation

extension TestLines {
    /// Since when the test has failed without a pass, as far as runs before a moment tell: on its own line if it ran there before, else where it ran last.
    func failingSince(branch: String, environment: String, before: Date) -> Date? {
        let limit = before.milliseconds
        let earlier = lines.filter { $0.state.oldest < limit }
        let own = earlier.first { $0.branch == branch && $0.environment == environment }
        guard let line = own ?? earlier.max(by: { $0.lastAt < $1.lastAt }), let since = line.state.failingSince, since < limit else { return nil }
        return Date(timeIntervalSince1970: Double(since) / 1_000)
    }
}

extension StabilityState {
    /// The oldest result that is kept by itself or in a stretch, in milliseconds.
    fileprivate var oldest: Int64 { min(stretches.first?.first ?? .max, loose.map(\.at).min() ?? .max) }
}
