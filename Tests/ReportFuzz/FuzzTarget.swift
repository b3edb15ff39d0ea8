import Foundation
import Primitives

/// One way into the reading of reports; libFuzzer drives one of them per process.
enum FuzzTarget: Sendable {
    /// One parser by itself.
    case format(ReportFormat)
    /// A file of which nothing is said: its format is told from its content.
    case detection
    /// A file that is packed, from its wire bytes to its cases.
    case packing(Packing)
    /// A recording of which the size is read.
    case recording

    enum Packing: String, CaseIterable, Sendable { case gzip, zstd, zip }

    static var all: [FuzzTarget] {
        ReportFormat.allCases.map { .format($0) } + [.detection] + Packing.allCases.map { .packing($0) } + [.recording]
    }

    /// As it is asked for: `junit`, `detection`, `zip`.
    var name: String {
        switch self {
        case .format(let format): format.rawValue
        case .detection: "detection"
        case .packing(let packing): packing.rawValue
        case .recording: "recording"
        }
    }

    /// Files that another target is for; they only cost time here.
    func isWorthReading(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        switch self {
        case .format, .detection: true
        case .packing(.gzip): bytes.starts(with: [0x1F, 0x8B])
        case .packing(.zstd): bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
        case .packing(.zip): bytes.starts(with: [0x50, 0x4B])
        case .recording: Magic.of(Array(bytes.prefix(16)))?.isRecording == true
        }
    }

    func read(_ bytes: UnsafeBufferPointer<UInt8>, in division: Division, limits: IngestLimits) -> Reading {
        do throws(Fault) {
            switch self {
            case .format(let format): return try Self.readFile(bytes, as: format, in: division, limits)
            case .detection: return try Self.readFile(bytes, as: nil, in: division, limits)
            case .packing: return try Self.readUpload(bytes, in: division, limits)
            case .recording: return Self.readRecording(bytes)
            }
        } catch {
            return .refused(error.code)
        }
    }

    private static func readFile(
        _ bytes: UnsafeBufferPointer<UInt8>, as format: ReportFormat?, in division: Division, _ limits: IngestLimits
    ) throws(Fault) -> Reading {
        let file = ReportFile(name: "report", format: format, index: 0, limits: limits, now: Reading.now)
        var cases: [ReportedCase] = []
        for range in division.ranges(of: bytes.count) {
            try file.read(UnsafeBufferPointer(rebasing: bytes[range]))
            cases += file.takeCases()
        }
        let summary = try file.finish(cutOff: false)
        cases += file.takeCases()
        return .taken(
            Reading.Account(
                names: cases.map(\.name), cases: cases, rejected: file.sink.rejected, warnings: file.sink.log, incomplete: summary.incomplete,
                files: [file.record(wireBytes: Int64(bytes.count))]))
    }

    /// Recordings are read where their headers are, and not in pieces.
    private static func readRecording(_ bytes: UnsafeBufferPointer<UInt8>) -> Reading {
        let file = Array(bytes)
        let kind = ArtifactKind(claimed: "", head: Array(file.prefix(64)), file: FileBytes(file))
        return kind.mediaType == ArtifactKind.unknown ? .refused(kind.mediaType) : .recorded(kind)
    }

    private static func readUpload(_ bytes: UnsafeBufferPointer<UInt8>, in division: Division, _ limits: IngestLimits) throws(Fault) -> Reading {
        let reader = UploadReader(project: Reading.project, limits: limits, now: Reading.now)
        try reader.take(.file(name: "report", encoding: ""))
        for range in division.ranges(of: bytes.count) {
            try reader.take(.data(Data(bytes[range])))
            while try reader.step() {}
        }
        try reader.take(.end)
        try reader.finish()
        return .taken(
            Reading.Account(
                names: reader.batch.results.names, cases: [], rejected: reader.rejected, warnings: reader.log, incomplete: reader.delta.incomplete,
                files: reader.files))
    }
}
