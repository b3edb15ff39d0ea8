import HTTPTypes
import Metrics
import ServiceKit
import Synchronization

/// The requests of one route, counted by status and timed: `http_server_requests` and `http_server_duration` by method and path template, never
/// by the path itself, which anybody may make up (T123). A caller who tries ids that are not his shows as a rate of 404s (T66).
///
/// Handles are kept, since making one is a look-up by name.
final class RouteMetrics: Sendable {
    private let labels: [(String, String)]
    private let duration: Metrics.Timer
    private let counters = Mutex<[Int: Counter]>([:])

    init(_ method: HTTPRequest.Method?, _ template: String) {
        labels = [("method", method?.rawValue ?? "other"), ("route", template)]
        duration = Metrics.Timer(label: "http_server_duration", dimensions: labels)
    }

    func record(_ status: HTTPResponse.Status, elapsed nanoseconds: Int64) {
        duration.recordNanoseconds(nanoseconds)
        let counter = counters.withLock { counters in
            if let counter = counters[status.code] { return counter }
            let counter = Counter(label: "http_server_requests", dimensions: labels + [("status", String(status.code))])
            counters[status.code] = counter
            return counter
        }
        counter.increment()
    }
}
