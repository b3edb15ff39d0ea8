import Metrics
import Testing

@testable import ServiceKit

@Suite struct MetricsTests {
    /// Reads the exposition format back: `name{labels}` → value. Fails on any line that is neither a comment nor a sample.
    static func parse(_ page: String) throws -> [String: Double] {
        var samples: [String: Double] = [:]
        for line in page.split(separator: "\n") where !line.hasPrefix("# TYPE ") {
            let sample = try #require(try #/([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)+\})?) (\S+)/#.wholeMatch(in: line))
            let value = String(sample.2)
            samples[String(sample.1)] = try #require(Double(value == "+Inf" ? "inf" : value))
        }
        return samples
    }

    @Test("counters, gauges and histograms read back as they were recorded")
    func roundTrip() throws {
        let registry = PrometheusRegistry()
        Counter(label: "jobs.done", dimensions: [("kind", "publish-run")], factory: registry).increment(by: 3)
        Counter(label: "jobs.done", dimensions: [("kind", "publish-run")], factory: registry).increment()
        Gauge(label: "queue_depth", factory: registry).record(17)
        let timer = Metrics.Timer(label: "rpc_duration", dimensions: [("method", "a.B/C")], factory: registry)
        for milliseconds: Int64 in [1, 3, 40, 60_000] { timer.recordNanoseconds(milliseconds * 1_000_000) }
        Recorder(label: "rows", factory: registry).record(5)
        let samples = try Self.parse(registry.text())
        #expect(samples[#"assay_jobs_done_total{kind="publish-run"}"#] == 4)
        #expect(samples["assay_queue_depth"] == 17)
        #expect(samples[#"assay_rpc_duration_seconds_bucket{method="a.B/C",le="0.001"}"#] == 1)
        #expect(samples[#"assay_rpc_duration_seconds_bucket{method="a.B/C",le="0.005"}"#] == 2)
        #expect(samples[#"assay_rpc_duration_seconds_bucket{method="a.B/C",le="30"}"#] == 3)
        #expect(samples[#"assay_rpc_duration_seconds_bucket{method="a.B/C",le="+Inf"}"#] == 4)
        #expect(samples[#"assay_rpc_duration_seconds_count{method="a.B/C"}"#] == 4)
        let sum = try #require(samples[#"assay_rpc_duration_seconds_sum{method="a.B/C"}"#])
        #expect(abs(sum - 60.044) < 1e-9)
        #expect(samples[#"assay_rows_bucket{le="16"}"#] == 1)
    }

    @Test("the process tells its memory, files and age")
    func process() throws {
        let samples = try Self.parse(PrometheusRegistry().text())
        #expect(try #require(samples["process_resident_memory_bytes"]) > 1_000_000)
        #expect(try #require(samples["process_open_fds"]) >= 3)
        #expect(try #require(samples["process_uptime_seconds"]) >= 0)
    }

    @Test("labels that explode end up in one series")
    func explosion() throws {
        let registry = PrometheusRegistry(maxSeries: 100)
        for path in 0..<10_000 { Counter(label: "hits", dimensions: [("path", "/\(path)")], factory: registry).increment() }
        let samples = try Self.parse(registry.text()).filter { $0.key.hasPrefix("assay_hits") }
        #expect(samples.count == 101)
        #expect(samples[#"assay_hits_total{path="other"}"#] == 9_900)
        #expect(samples.values.reduce(0, +) == 10_000)
    }

    @Test("a label value cannot break out of its quotes", arguments: [#"a"b"#, "a\nb 1", #"a\"#, #"} 1 #"#])
    func escaping(value: String) throws {
        let registry = PrometheusRegistry()
        Counter(label: "x", dimensions: [("v", value)], factory: registry).increment()
        #expect(try Self.parse(registry.text()).filter { $0.key.hasPrefix("assay_x") }.map(\.value) == [1])
    }

    @Test("one name cannot be two kinds of metric on the page")
    func kinds() throws {
        let registry = PrometheusRegistry()
        Gauge(label: "size", factory: registry).record(1)
        Recorder(label: "size", factory: registry).record(2)
        let types = registry.text().split(separator: "\n").filter { $0.hasPrefix("# TYPE assay_size") }
        #expect(types == ["# TYPE assay_size gauge", "# TYPE assay_size_size histogram"])
    }

    @Test("a metric that is destroyed leaves the page and its place")
    func destroyed() {
        let registry = PrometheusRegistry(maxSeries: 1)
        let counter = Counter(label: "a", dimensions: [("k", "1")], factory: registry)
        counter.destroy()
        Counter(label: "b", dimensions: [("k", "2")], factory: registry).increment()
        #expect(registry.text().contains(#"assay_b_total{k="2"} 1"#) && !registry.text().contains("assay_a"))
    }
}
