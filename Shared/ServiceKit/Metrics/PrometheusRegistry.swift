import Metrics
import Synchronization

/// The metrics of this process, in Prometheus text (https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4).
///
/// Code measures through swift-metrics and keeps its handles; making one is a look-up under a lock. Names are snake case and get the prefix
/// `assay_`; counters get `_total`, timers `_seconds`. A label that explodes cannot take the process along: beyond `maxSeries` all further
/// series of a name share one whose label values are `other` (T123).
package final class PrometheusRegistry: Sendable {
    package static let maxSeries = 10_000

    private struct State {
        /// Keyed by name, then by the rendered labels.
        var families: [String: Family] = [:]
        var series = 0
    }

    private struct Family {
        let kind: MetricKind
        var series: [String: Series]
    }

    private let state = Mutex(State())
    private let limit: Int

    package init(maxSeries: Int = PrometheusRegistry.maxSeries) {
        limit = maxSeries
    }

    /// The series of that name and labels, made at first use. A name that is already in use for another kind gets that kind's suffix, so
    /// that the page stays valid.
    func series(_ label: String, _ dimensions: [(String, String)], _ kind: MetricKind) -> Series {
        var name = kind.name(label)
        let labels = Self.render(dimensions.map { (MetricKind.sanitized($0.0), $0.1) })
        return state.withLock { state in
            if let family = state.families[name], family.kind != kind { name += "_" + kind.word }
            if let known = state.families[name]?.series[labels] { return known }
            if state.series >= limit && !labels.isEmpty {
                let other = Self.render(dimensions.map { (MetricKind.sanitized($0.0), "other") })
                if let known = state.families[name]?.series[other] { return known }
                return insert(Series(kind), name, other, kind, &state)
            }
            return insert(Series(kind), name, labels, kind, &state)
        }
    }

    private func insert(_ series: Series, _ name: String, _ labels: String, _ kind: MetricKind, _ state: inout State) -> Series {
        state.families[name, default: Family(kind: kind, series: [:])].series[labels] = series
        state.series += 1
        return series
    }

    func remove(_ series: Series) {
        state.withLock { state in
            for (name, family) in state.families {
                guard let labels = family.series.first(where: { $0.value === series })?.key else { continue }
                state.families[name]?.series[labels] = nil
                state.series -= 1
                return
            }
        }
    }

    /// The whole page, sorted by name so that two scrapes compare.
    package func text() -> String {
        let families = state.withLock { $0.families }
        var page = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) where !family.series.isEmpty {
            page += "# TYPE \(name) \(family.kind.type)\n"
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) { series.render(name, labels, into: &page) }
        }
        for (name, type, value) in ProcessMetrics.read() {
            page += "# TYPE \(name) \(type)\n\(name) \(MetricKind.number(value))\n"
        }
        return page
    }

    /// `a="1",b="2"`, without braces.
    private static func render(_ labels: [(String, String)]) -> String {
        labels.sorted { $0.0 < $1.0 }.map { "\($0.0)=\"\(escaped($0.1))\"" }.joined(separator: ",")
    }

    private static let maxLabel = 200

    private static func escaped(_ value: String) -> String {
        var text = ""
        for character in value.unicodeScalars.prefix(maxLabel) {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }
}
