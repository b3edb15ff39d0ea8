import Crypto
import Foundation
import Primitives

/// One report on its way from decoded bytes to cases: its format is told from its beginning, then it is hashed, parsed, and kept. One task drives it.
final class ReportFile {
    let name: String
    let sink: ReportSink
    /// Of an archive: an entry that is no report is nothing to worry about.
    let isEntry: Bool
    private(set) var format: ReportFormat?
    private(set) var decodedBytes: Int64 = 0
    private(set) var accepted = 0
    private var isReport = false
    var raw: RawReport

    private var parser: (any ReportParser)?
    private var head: [UInt8] = []
    /// Looked at again when twice as much is there, so that a file in tiny pieces costs no more than one in large ones.
    private var nextLook = 4
    private var hash = SHA256()
    /// `nil` where the bytes that arrived are gzip and are kept as they are.
    private let deflater: GzipDeflater?

    /// - Parameters:
    ///   - format: what the client says it is; `nil` to find out.
    ///   - index: its place in the upload.
    ///   - keepsWire: what is kept comes by `keep`, not from what is read.
    init(name: String, format: ReportFormat?, index: Int, isEntry: Bool = false, keepsWire: Bool = false, limits: IngestLimits, now: Date) {
        self.name = Excerpt.of(name, limit: 1024)
        self.isEntry = isEntry
        sink = ReportSink(file: self.name, limits: limits, now: now)
        raw = RawReport(file: index)
        deflater = keepsWire ? nil : GzipDeflater()
        if let format { settle(format) }
    }

    private func settle(_ format: ReportFormat) {
        self.format = format
        parser = format.parser(sink)
    }

    /// Bytes as they are stored.
    func keep(_ bytes: UnsafeBufferPointer<UInt8>) { raw.append(bytes) }

    func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
        decodedBytes += Int64(bytes.count)
        hash.update(bufferPointer: UnsafeRawBufferPointer(bytes))
        deflater?.deflate(bytes) { raw.append($0) }
        if let parser { return try parser.feed(bytes) }
        guard head.count < FormatDetection.headSize else { return }
        head.append(contentsOf: bytes)
        guard head.count >= nextLook else { return }
        nextLook = min(2 * head.count, FormatDetection.headSize)
        try detect(isWhole: false)
    }

    private func detect(isWhole: Bool) throws(Fault) {
        guard case .format(let found) = FormatDetection.detect(head, isWhole: isWhole) else { return }
        settle(found)
        let bytes = head
        head = []
        try bytes.withUnsafeBufferPointer { buffer throws(Fault) in try parser?.feed(buffer) }
    }

    /// Takes the cases that are complete.
    func takeCases() -> [ReportedCase] {
        defer { sink.cases.removeAll(keepingCapacity: true) }
        accepted += sink.cases.count
        return sink.cases
    }

    func takeSuites() -> [ReportedSuite] {
        defer { sink.suites.removeAll() }
        return sink.suites.map { suite in
            var suite = suite
            suite.file = sink.file
            return suite
        }
    }

    /// The client has sent all of it.
    /// - Parameter cutOff: what it was packed in has no end.
    func finish(cutOff: Bool) throws(Fault) -> ReportSummary {
        if parser == nil { try detect(isWhole: true) }
        deflater?.deflate(.init(start: nil, count: 0), isLast: true) { raw.append($0) }
        guard let parser else {
            if !isEntry {
                let known = ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")
                sink.warn("report.unknown_format", decodedBytes == 0 ? "the file is empty" : "the file is none of \(known), and was not taken")
            }
            return ReportSummary(isReport: false, incomplete: !isEntry)
        }
        let summary = try parser.finish()
        isReport = summary.isReport
        guard cutOff, !summary.incomplete else { return summary }
        sink.cut = CutReport()
        sink.warn("report.truncated", "the compressed data ends too early; what came before was taken")
        return ReportSummary(isReport: summary.isReport, incomplete: true)
    }

    /// The result of a report that was cut off; what is none has none. Call after `finish`, when the last cases are taken.
    var cutCase: ReportedCase? { isReport ? sink.cut.map { ProcessResult.of($0, file: name, count: accepted) } : nil }

    /// Call after `finish`, when the last cases are taken.
    func record(wireBytes: Int64) -> UploadedFile {
        let digest = hash.finalize().map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
        return UploadedFile(
            name: name, wireBytes: wireBytes, decodedBytes: decodedBytes, sha256: digest, format: format, accepted: accepted, rejected: sink.rejected)
    }
}
