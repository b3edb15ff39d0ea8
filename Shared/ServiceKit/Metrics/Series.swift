import Metrics
import Synchronization

/// One time series: a name with one set of label values. Recording takes one uncontended lock, some 20 ns.
final class Series: Sendable {
    private struct State {
        var value = 0.0
        var count: UInt64 = 0
        var sum = 0.0
        /// Observations for each bucket, not yet added up.
        var buckets: [UInt64]
    }

    private let state: Mutex<State>
    private let bounds: [Double]

    init(_ kind: MetricKind) {
        bounds = kind.buckets
        state = Mutex(State(buckets: Array(repeating: 0, count: bounds.count)))
    }

    func add(_ amount: Double) {
        state.withLock { $0.value += amount }
    }

    func set(_ value: Double) {
        state.withLock { $0.value = value }
    }

    func observe(_ value: Double) {
        let index = bounds.firstIndex { value <= $0 }
        state.withLock { state in
            state.count += 1
            state.sum += value
            if let index { state.buckets[index] += 1 }
        }
    }

    func render(_ name: String, _ labels: String, into page: inout String) {
        let state = state.withLock { $0 }
        let braces = labels.isEmpty ? "" : "{\(labels)}"
        guard !bounds.isEmpty else {
            page += "\(name)\(braces) \(MetricKind.number(state.value))\n"
            return
        }
        let comma = labels.isEmpty ? "" : ","
        var total: UInt64 = 0
        for (bound, count) in zip(bounds, state.buckets) {
            total += count
            page += "\(name)_bucket{\(labels)\(comma)le=\"\(MetricKind.number(bound))\"} \(total)\n"
        }
        page += "\(name)_bucket{\(labels)\(comma)le=\"+Inf\"} \(state.count)\n"
        page += "\(name)_sum\(braces) \(MetricKind.number(state.sum))\n"
        page += "\(name)_count\(braces) \(state.count)\n"
    }
}

// swift-metrics asks for a handler of each sort; a series is all of them, and the registry decides by kind which one it plays.

extension Series: CounterHandler, FloatingPointCounterHandler {
    func increment(by amount: Int64) { add(Double(amount)) }
    func reset() { set(0.0 as Double) }
}

extension Series: MeterHandler {
    func set(_ value: Int64) { set(Double(value)) }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }
}

extension Series: TimerHandler {
    func recordNanoseconds(_ duration: Int64) { observe(Double(duration) / 1e9) }
}

/// A recorder that keeps only the last value.
final class LastValue: RecorderHandler {
    let series: Series

    init(_ series: Series) {
        self.series = series
    }

    func record(_ value: Int64) { series.set(Double(value)) }
    func record(_ value: Double) { series.set(value) }
}

/// A recorder that keeps the distribution.
final class Distribution: RecorderHandler {
    let series: Series

    init(_ series: Series) {
        self.series = series
    }

    func record(_ value: Int64) { series.observe(Double(value)) }
    func record(_ value: Double) { series.observe(value) }
}
