import Configuration
import ServiceKit

/// Every setting of this service.
struct AnalyticsConfig: Sendable {
    /// ASSAY_ANALYTICS_QUARANTINE_MOST: tests that one project may have in quarantine at once, 100 by default.
    /// ASSAY_ANALYTICS_QUARANTINE_DAYS: until one expires that does not say when, 14 by default.
    /// ASSAY_ANALYTICS_QUARANTINE_MOST_DAYS: ahead that an expiry may be, 90 by default.
    let quarantine: QuarantineLimits

    /// - Throws: `config.…` in words for the operator.
    init(_ reader: ConfigReader) throws {
        let usual = QuarantineLimits()
        let mostDays = try Self.number(reader, "analytics.quarantine.most.days", default: usual.mostDays, in: 1...366)
        quarantine = QuarantineLimits(
            most: try Self.number(reader, "analytics.quarantine.most", default: usual.most, in: 0...QuarantineLimits.mostEver),
            usualDays: try Self.number(reader, "analytics.quarantine.days", default: min(usual.usualDays, mostDays), in: 1...mostDays),
            mostDays: mostDays)
    }

    private static func number(_ reader: ConfigReader, _ key: String, default standard: Int, in range: ClosedRange<Int>) throws -> Int {
        let value = reader.int(forKey: ConfigKey(key), default: standard)
        guard range.contains(value) else {
            let variable = "ASSAY_" + key.uppercased().replacing(".", with: "_")
            throw ConfigFault("\(variable) must be between \(range.lowerBound) and \(range.upperBound)")
        }
        return value
    }
}
