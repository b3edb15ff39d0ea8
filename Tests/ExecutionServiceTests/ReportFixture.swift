import Foundation
import Primitives

@testable import ExecutionService

/// One report, read.
struct ReadReport: Equatable {
    let format: ReportFormat?
    let cases: [ReportedCase]
    let suites: [ReportedSuite]
    let warnings: [Warning]
    let rejected: Int
    let isReport: Bool
    let incomplete: Bool

    var codes: [String] { warnings.map(\.code) }
    var counts: [Int] { [.passed, .failed, .errored, .skipped].map { (outcome: Outcome) in cases.count { $0.outcome == outcome } } }
    subscript(name: String) -> ReportedCase? { cases.first { $0.name == name } }
}

enum Report {
    /// Noon of the day on which the fixtures were made.
    static let now = Date(timeIntervalSince1970: 1_795_262_400)

    static func fixture(_ name: String) throws -> Data {
        let url = Bundle.module.bundleURL.appending(path: "Fixtures/\(name)")
        return try Data(contentsOf: url)
    }

    /// - Parameters:
    ///   - format: of the file; `nil` to find out.
    ///   - pieces: how many bytes are fed at once; 0 for all.
    static func read(
        _ data: some Sequence<UInt8>, as format: ReportFormat? = .junit, pieces: Int = 0, limits: IngestLimits = .init(), now: Date = now
    ) throws(Fault) -> ReadReport {
        let file = ReportFile(name: "report.xml", format: format, index: 0, limits: limits, now: now)
        let bytes = Array(data)
        let size = pieces == 0 ? max(1, bytes.count) : pieces
        try bytes.withUnsafeBufferPointer { buffer throws(Fault) in
            var start = 0
            while start < buffer.count {
                let end = min(start + size, buffer.count)
                try file.read(UnsafeBufferPointer(rebasing: buffer[start..<end]))
                start = end
            }
        }
        let summary = try file.finish(cutOff: false)
        return ReadReport(
            format: file.format, cases: file.takeCases(), suites: file.takeSuites(), warnings: file.sink.log.warnings, rejected: file.sink.rejected,
            isReport: summary.isReport,
            incomplete: summary.incomplete)
    }

    static func read(_ xml: String, limits: IngestLimits = .init()) throws(Fault) -> ReadReport {
        try read(Array(xml.utf8), limits: limits)
    }

    /// One case in a suite.
    static func one(_ testcase: String, limits: IngestLimits = .init()) throws(Fault) -> ReadReport {
        try read("<testsuite name=\"s\">\(testcase)</testsuite>", limits: limits)
    }

    /// `count` cases in one suite; every hundredth fails with a text, every fiftieth is skipped.
    static func generated(_ count: Int, suite: String = "generated", salt: String = "") -> Data {
        var xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites><testsuite name=\"\(suite)\">\n"
        xml.reserveCapacity(count * 120)
        for index in 0..<count {
            let head = "<testcase classname=\"shop.Basket\(index / 50)\" name=\"test number \(index)\(salt)\" time=\"0.0\(index % 90 + 10)\""
            switch index % 100 {
            case 99: xml += "\(head)><failure message=\"expected \(index)\" type=\"AssertionError\">at line \(index)</failure></testcase>\n"
            case 49: xml += "\(head)><skipped/></testcase>\n"
            default: xml += "\(head)/>\n"
            }
        }
        return Data((xml + "</testsuite></testsuites>\n").utf8)
    }

    static func gzip(_ data: Data) -> Data {
        let deflater = GzipDeflater()
        var folded = Data()
        Array(data).withUnsafeBufferPointer { deflater.deflate($0, isLast: true) { folded.append(contentsOf: $0) } }
        return folded
    }

    static func fault(_ body: () throws -> Void) -> Fault? {
        do {
            try body()
            return nil
        } catch {
            return error as? Fault
        }
    }
}
