import Metrics

/// The registry as the backend of swift-metrics. Handlers live as long as the process: destroying one forgets its series.
extension PrometheusRegistry: MetricsFactory {
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter)
    }

    package func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        series(label, dimensions, .counter)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge)
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        aggregate ? Distribution(series(label, dimensions, .size)) : LastValue(series(label, dimensions, .gauge))
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .duration)
    }

    package func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { forget(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

    package func destroyRecorder(_ handler: any RecorderHandler) {
        switch handler {
        case let handler as LastValue: remove(handler.series)
        case let handler as Distribution: remove(handler.series)
        default: break
        }
    }

    private func forget(_ handler: AnyObject) {
        if let series = handler as? Series { remove(series) }
    }
}
