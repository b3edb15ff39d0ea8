import Metrics
import Primitives

/// What a runner counts. Alerts watch `jobs_oldest_age_seconds`, `jobs_buried` and the outcome `lost` (R59).
struct JobMetrics: Sendable {
    private let ended: [String: [String: Counter]]
    private let durations: [String: Metrics.Timer]
    private let gauges: [String: (waiting: Gauge, oldest: Gauge, buried: Gauge)]

    private static let outcomes = ["done", "retried", "failed", "given_back", "lost", "quarantined"]

    init(kinds: some Sequence<String>) {
        let kinds = Array(kinds)
        func table<V>(_ make: (String) -> V) -> [String: V] { Dictionary(uniqueKeysWithValues: kinds.map { ($0, make($0)) }) }
        ended = table { kind in
            Dictionary(uniqueKeysWithValues: Self.outcomes.map { ($0, Counter(label: "jobs_ended", dimensions: [("kind", kind), ("outcome", $0)])) })
        }
        durations = table { Metrics.Timer(label: "jobs_duration", dimensions: [("kind", $0)]) }
        gauges = table { kind in
            let labels = [("kind", kind)]
            return (
                Gauge(label: "jobs_waiting", dimensions: labels), Gauge(label: "jobs_oldest_age_seconds", dimensions: labels),
                Gauge(label: "jobs_buried", dimensions: labels)
            )
        }
    }

    /// `outcome` is the name of a `JobOutcome`, `lost` when a write was refused, `quarantined` when the reaper gave a job up.
    func count(_ outcome: String, kind: String) {
        ended[kind]?[outcome]?.increment()
    }

    func record(_ duration: Duration, kind: String) {
        durations[kind]?.recordNanoseconds(Int64(duration / .nanoseconds(1)))
    }

    /// A kind that `depths` does not name has no jobs, which must show as such.
    func record(_ depths: [JobStore.Depth]) {
        let found = Dictionary(uniqueKeysWithValues: depths.map { ($0.kind, $0) })
        for (kind, gauge) in gauges {
            gauge.waiting.record(found[kind]?.waiting ?? 0)
            gauge.oldest.record(found[kind]?.oldest ?? 0)
            gauge.buried.record(found[kind]?.buried ?? 0)
        }
    }
}
