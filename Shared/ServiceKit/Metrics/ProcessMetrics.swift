import Foundation

/// What every Prometheus client tells about its process, under the customary names.
enum ProcessMetrics {
    static let started = Date()

    static func read() -> [(name: String, type: String, value: Double)] {
        var usage = rusage()
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        let cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime)
        return [
            ("process_cpu_seconds_total", "counter", cpu),
            ("process_open_fds", "gauge", openFiles()),
            ("process_resident_memory_bytes", "gauge", residentBytes()),
            ("process_start_time_seconds", "gauge", started.timeIntervalSince1970.rounded()),
            ("process_uptime_seconds", "gauge", Date().timeIntervalSince(started)),
        ]
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    /// Second field of `/proc/self/statm`, in pages; 0 where there is no procfs.
    static func residentBytes() -> Double {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (Double(fields[1]) ?? 0) * Double(sysconf(Int32(_SC_PAGESIZE))) : 0
    }

    private static func openFiles() -> Double {
        Double((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0)
    }
}
