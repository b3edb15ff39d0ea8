import Primitives

/// One of the JSON formats whose reports are documents: records at a few paths, each read by itself.
protocol JSONDialect {
    static var format: ReportFormat { get }
    /// Where its records are.
    static var paths: [JSONRecords.Path] { get }

    init(sink: ReportSink)

    /// - Parameters:
    ///   - path: index of `paths`.
    ///   - line: where the record begins.
    mutating func take(_ record: JSONValue, path: Int, line: Int)
    /// The file is at its end; what was held back goes to the sink now.
    mutating func finish()
}

/// Drives a dialect.
final class JSONDialectParser<Dialect: JSONDialect>: ReportParser {
    let sink: ReportSink
    private var dialect: Dialect
    private var records: JSONRecords
    private var isFirst = true
    private var head: [UInt8] = []

    init(sink: ReportSink) {
        self.sink = sink
        dialect = Dialect(sink: sink)
        records = JSONRecords(Dialect.paths, limits: sink.limits)
    }

    func feed(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
        guard isFirst else { return try read(bytes) }
        head.append(contentsOf: bytes)
        guard head.count >= 3 else { return }
        try readHead()
    }

    /// A byte order mark is allowed.
    private func readHead() throws(Fault) {
        isFirst = false
        if head.starts(with: [0xEF, 0xBB, 0xBF]) { head.removeFirst(3) }
        let bytes = head
        head = []
        try bytes.withUnsafeBufferPointer { buffer throws(Fault) in try read(buffer) }
    }

    private func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
        for record in records.feed(bytes) { take(record) }
        if records.isTooDeep { throw .forbidden(.depth, file: sink.file, line: 0) }
    }

    func finish() throws(Fault) -> ReportSummary {
        if isFirst { try readHead() }
        let (last, end) = records.finish()
        for record in last { take(record) }
        for line in records.oversized {
            sink.reject("report.record_too_large", line: line, "a record is larger than \(sink.limits.recordBytes >> 20) MiB")
        }
        dialect.finish()
        sink.reportUnknown()
        switch end {
        case .complete: return ReportSummary(isReport: true, incomplete: false)
        case .truncated:
            sink.cut = CutReport()
            sink.warn("report.truncated", "the JSON ends too early; what came before was taken")
        case .malformed(let line, let what): sink.warn("report.malformed", line: line, "\(what); what came before was taken")
        }
        return ReportSummary(isReport: true, incomplete: true)
    }

    private func take(_ record: JSONRecords.Record) {
        do throws(JSONParser.Failure) {
            dialect.take(try JSONParser.parse(record.bytes), path: record.path, line: record.line)
        } catch {
            sink.reject("report.record_invalid", line: record.line, "a record cannot be read: \(error.detail)")
        }
    }
}
