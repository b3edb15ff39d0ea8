import Foundation
import Primitives

/// One file as a client sends it: a report as it is, packed by gzip or zstd, or a zip archive of many.
///
/// Bytes are worked off in steps of at most 64 KiB decoded, so that whoever drives it can hand on rows in between. One task drives it.
final class WireFile {
    static let stepSize = 64 << 10

    let name: String
    private(set) var wireBytes: Int64 = 0
    private(set) var decodedBytes: Int64 = 0
    /// The report that is being read; `nil` between the entries of an archive.
    private(set) var report: ReportFile?

    private let limits: IngestLimits
    private let now: Date
    private let format: ReportFormat?
    private let nextIndex: () -> Int
    private var coding: Coding
    private var pending: [UInt8] = []
    /// Where what is left of `pending` starts.
    private var start = 0
    private let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: WireFile.stepSize)

    private enum Coding {
        /// The first four bytes tell.
        case unknown
        case plain
        case gzip(GzipInflater)
        case zstd(ZstdInflater)
        case zip(ZipReader)
    }

    enum Step {
        /// So many bytes were decoded; there may be more.
        case read(Int)
        case ended(ReportFile)
        case needsMore
    }

    /// - Parameters:
    ///   - encoding: what the client said: `gzip`, `zstd`, or empty.
    ///   - nextIndex: the place of the next report in the upload.
    /// - Throws: `upload.encoding_unsupported`.
    init(
        name: String, encoding: String, format: ReportFormat?, limits: IngestLimits, now: Date, nextIndex: @escaping () -> Int
    ) throws(Fault) {
        self.name = Excerpt.of(name, limit: 1024)
        self.format = format
        self.limits = limits
        self.now = now
        self.nextIndex = nextIndex
        switch encoding.lowercased() {
        case "", "identity": coding = .unknown
        case "gzip", "x-gzip": coding = .gzip(GzipInflater(file: self.name))
        case "zstd": coding = .zstd(ZstdInflater(file: self.name))
        default: throw .encodingUnsupported(encoding)
        }
        if case .unknown = coding {} else { openReport() }
    }

    deinit {
        buffer.deallocate()
    }

    func push(_ data: Data) {
        wireBytes += Int64(data.count)
        // Whoever drives works off what it can before the next push; what is left is the beginning of something.
        pending.removeSubrange(..<start)
        pending.append(contentsOf: data)
        start = 0
    }

    private func openReport() {
        var keepsWire = false
        if case .gzip = coding { keepsWire = true }
        report = ReportFile(name: name, format: format, index: nextIndex(), keepsWire: keepsWire, limits: limits, now: now)
    }

    /// Works off the next piece.
    func step() throws(Fault) -> Step {
        let step: Step
        switch coding {
        case .unknown:
            guard pending.count - start >= 4 else { return .needsMore }
            decide()
            return .read(0)
        case .plain: step = try plainStep()
        case .gzip(let inflater):
            step = try inflateStep { input, output throws(Fault) in
                let step = try inflater.inflate(input, into: output)
                report?.keep(UnsafeBufferPointer(rebasing: input[..<step.consumed]))
                return step
            }
        case .zstd(let inflater):
            step = try inflateStep { input, output throws(Fault) in try inflater.inflate(input, into: output) }
        case .zip(let archive): step = try zipStep(archive)
        }
        if case .read(let count) = step {
            decodedBytes += Int64(count)
            if decodedBytes > limits.ratioFreeBytes, decodedBytes > wireBytes * limits.ratio { throw .compressionRatio(name, limits.ratio) }
        }
        return step
    }

    /// The client has sent all of it. Call when `step` has nothing left.
    /// - Returns: the report that is open, and whether what it was packed in was cut off.
    /// - Throws: `upload.zip_corrupt`: of half an archive nothing says what the other half held.
    func finish() throws(Fault) -> (report: ReportFile, cutOff: Bool)? {
        if case .unknown = coding {
            decide()
            while case .read = try step() {}
        }
        defer { report = nil }
        let cutOff =
            switch coding {
            case .gzip(let inflater): !inflater.isComplete
            case .zstd(let inflater): !inflater.isComplete
            case .zip, .plain, .unknown: false
            }
        if case .zip(let archive) = coding, !archive.isComplete { throw .zipCorrupt(name, "the archive ends too early") }
        return report.map { ($0, cutOff) }
    }

    private func decide() {
        let head = pending[start...]
        if head.starts(with: [0x1F, 0x8B]) {
            coding = .gzip(GzipInflater(file: name))
        } else if head.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
            coding = .zstd(ZstdInflater(file: name))
        } else if head.starts(with: [0x50, 0x4B, 0x03, 0x04]) || head.starts(with: [0x50, 0x4B, 0x05, 0x06]) {
            coding = .zip(ZipReader(file: name, maxEntries: limits.entries))
            return
        } else {
            coding = .plain
        }
        openReport()
    }

    // MARK: - Steps

    private func plainStep() throws(Fault) -> Step {
        let end = min(start + Self.stepSize, pending.count)
        guard start < end else { return .needsMore }
        try pending.withUnsafeBufferPointer { pending throws(Fault) in
            try report?.read(UnsafeBufferPointer(rebasing: pending[start..<end]))
        }
        defer { start = end }
        return .read(end - start)
    }

    private func inflateStep(
        _ inflate: (UnsafeBufferPointer<UInt8>, UnsafeMutableBufferPointer<UInt8>) throws(Fault) -> (consumed: Int, produced: Int)
    ) throws(Fault) -> Step {
        while true {
            let (consumed, produced) = try pending.withUnsafeBufferPointer { pending throws(Fault) in
                try inflate(UnsafeBufferPointer(rebasing: pending[start...]), buffer)
            }
            start += consumed
            if produced > 0 {
                try report?.read(UnsafeBufferPointer(rebasing: buffer[..<produced]))
                return .read(produced)
            }
            if start == pending.count || consumed == 0 { return .needsMore }
        }
    }

    private func zipStep(_ archive: ZipReader) throws(Fault) -> Step {
        let (consumed, event) = try pending.withUnsafeBufferPointer { pending throws(Fault) in
            try archive.step(UnsafeBufferPointer(rebasing: pending[start...]), into: buffer)
        }
        start += consumed
        switch event {
        case .entry(let entry):
            // A folder is no file.
            if !entry.hasSuffix("/") {
                report = ReportFile(name: "\(name)!/\(entry)", format: format, index: nextIndex(), isEntry: true, limits: limits, now: now)
            }
            return .read(0)
        case .data(let count):
            if count > 0 { try report?.read(UnsafeBufferPointer(rebasing: buffer[..<count])) }
            return .read(count)
        case .endOfEntry:
            guard let done = report else { return .read(0) }
            report = nil
            return .ended(done)
        case .needsMore: return .needsMore
        }
    }
}
