import Foundation
import Postgres

/// Reports as unit tests write them.
enum BenchReport {
    /// JUnit XML: mostly passed, one in a hundred failed with a trace, one skipped.
    /// - Parameter className: the beginning of the classes' names, of which forty tests share one.
    static func junit(_ count: Int, className: String) -> Data {
        var xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites><testsuite name=\"bench\" tests=\"\(count)\">\n"
        xml.reserveCapacity(count * 130)
        for index in 0..<count {
            let head = "<testcase classname=\"\(className)\(index / 40)\" name=\"test number \(index)\" time=\"0.\(index % 900 + 100)\""
            switch index % 100 {
            case 99:
                xml += "\(head)><failure message=\"expected \(index)\" type=\"AssertionError\">AssertionError: expected \(index)\n"
                xml +=
                    "    at com.example.shop.Test.check(Test.java:\(index % 500))\n    at com.example.shop.Test.run(Test.java:12)</failure></testcase>\n"
            case 49: xml += "\(head)><skipped/></testcase>\n"
            default: xml += "\(head)/>\n"
            }
        }
        return Data((xml + "</testsuite></testsuites>\n").utf8)
    }
}

/// What Execution has still to tell the others, and Validation of what it was told.
enum Outbox {
    /// Validation's upkeep is due hours later, and not waited for.
    private static let waiting: SQL = """
        select (select count(*) from execution.jobs) + (select count(*) from validation.jobs where run_at < now() + interval '1 minute') as n
        """

    /// Waits until it is empty: what an upload sets in motion must not be measured with the next.
    static func drained(_ database: Database, within limit: Duration = .seconds(120)) async throws {
        let deadline = ContinuousClock.now + limit
        while try await database.one(.system, waiting, { try $0.value("n", as: Int.self) }) > 0 {
            guard ContinuousClock.now < deadline else { throw BenchFailure("the outbox is not empty after \(limit)") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// What a process holds, from /proc.
enum ProcessMemory {
    enum Field: String {
        case now = "VmRSS:"
        /// Since the process began, or since `forgetPeak`.
        case peak = "VmHWM:"
    }

    static func kibibytes(of process: Int32, _ field: Field) -> Int {
        let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(field.rawValue) }
        return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0
    }

    /// See proc(5), `clear_refs`: 5 resets the peak.
    static func forgetPeak(of process: Int32) {
        try? "5".write(toFile: "/proc/\(process)/clear_refs", atomically: false, encoding: .utf8)
    }
}
