import Crypto
import Foundation
import Primitives

/// One file of an upload on its way from the wire to cases: unfolded when it is gzip, hashed, parsed, and kept.
///
/// Bytes are worked off in steps of at most 64 KiB decoded, so that whoever drives it can hand on rows in between. One task drives it.
final class ReportFile {
    static let stepSize = 64 << 10

    let name: String
    let parser: JUnitParser
    private(set) var wireBytes: Int64 = 0
    private(set) var decodedBytes: Int64 = 0
    var raw: RawReport

    private let limits: IngestLimits
    private var coding: Coding
    private var hash = SHA256()
    private var pending: [UInt8] = []
    /// Where what is left of `pending` starts.
    private var start = 0
    private let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: ReportFile.stepSize)

    private enum Coding {
        /// The first two bytes tell.
        case unknown
        case plain(GzipDeflater)
        case gzip(GzipInflater)
    }

    /// - Parameter encoding: what the client said: `gzip`, or empty.
    /// - Throws: `upload.encoding_unsupported`.
    init(name: String, encoding: String, index: Int, limits: IngestLimits, now: Date) throws(Fault) {
        self.name = Excerpt.of(name, limit: 1024)
        self.limits = limits
        parser = JUnitParser(file: self.name, limits: limits, now: now)
        raw = RawReport(file: index)
        switch encoding.lowercased() {
        case "", "identity": coding = .unknown
        case "gzip", "x-gzip": coding = .gzip(GzipInflater(file: self.name))
        default: throw .encodingUnsupported(encoding)
        }
    }

    deinit {
        buffer.deallocate()
    }

    func push(_ data: Data) {
        wireBytes += Int64(data.count)
        // Whoever drives works everything off before the next push; only an undecided first byte can be left.
        pending.removeSubrange(..<start)
        pending.append(contentsOf: data)
        start = 0
    }

    /// Works off the next piece.
    /// - Returns: decoded bytes; 0 when more data is needed.
    func step() throws(Fault) -> Int {
        if case .unknown = coding {
            guard pending.count - start >= 2 else { return 0 }
            decide()
        }
        let produced: Int
        switch coding {
        case .unknown: return 0
        case .plain(let deflater): produced = try plainStep(deflater)
        case .gzip(let inflater): produced = try gzipStep(inflater)
        }
        decodedBytes += Int64(produced)
        if decodedBytes > limits.ratioFreeBytes, decodedBytes > wireBytes * limits.ratio { throw .compressionRatio(name, limits.ratio) }
        return produced
    }

    /// The client has sent all of it. Call when `step` has nothing left.
    func finish() throws(Fault) -> (file: UploadedFile, summary: ReportSummary) {
        if case .unknown = coding {
            decide()
            while try step() > 0 {}
        }
        var cutOff = false
        switch coding {
        case .plain(let deflater): deflater.deflate(.init(start: nil, count: 0), isLast: true) { raw.append($0) }
        case .gzip(let inflater): cutOff = !inflater.isComplete
        case .unknown: break
        }
        var summary = try parser.finish()
        if cutOff, !summary.incomplete {
            parser.log.add("report.truncated", file: name, line: 0, "the compressed data ends too early; what came before was taken")
            summary = ReportSummary(isReport: summary.isReport, incomplete: true)
        }
        let digest = hash.finalize().map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
        return (UploadedFile(name: name, wireBytes: wireBytes, decodedBytes: decodedBytes, sha256: digest), summary)
    }

    private func decide() {
        coding = pending.starts(with: [0x1F, 0x8B]) ? .gzip(GzipInflater(file: name)) : .plain(GzipDeflater())
    }

    private func plainStep(_ deflater: GzipDeflater) throws(Fault) -> Int {
        let end = min(start + Self.stepSize, pending.count)
        guard start < end else { return 0 }
        try pending.withUnsafeBufferPointer { pending throws(Fault) in
            let piece = UnsafeBufferPointer(rebasing: pending[start..<end])
            deflater.deflate(piece) { raw.append($0) }
            try read(piece)
        }
        defer { start = end }
        return end - start
    }

    private func gzipStep(_ inflater: GzipInflater) throws(Fault) -> Int {
        while true {
            let (consumed, produced) = try pending.withUnsafeBufferPointer { pending throws(Fault) in
                let input = UnsafeBufferPointer(rebasing: pending[start...])
                let step = try inflater.inflate(input, into: buffer)
                raw.append(UnsafeBufferPointer(rebasing: input[..<step.consumed]))
                return step
            }
            start += consumed
            if produced > 0 {
                try read(UnsafeBufferPointer(rebasing: buffer[..<produced]))
                return produced
            }
            if start == pending.count || consumed == 0 { return 0 }
        }
    }

    private func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
        hash.update(bufferPointer: UnsafeRawBufferPointer(bytes))
        try parser.feed(bytes)
    }
}
