import Foundation
import Primitives

/// What arrives of an upload after its start.
enum UploadInput: Sendable {
    case file(name: String, encoding: String)
    case data(Data)
    case end
}

/// Rows and raw bytes that are ready for the database.
struct UploadBatch: Sendable {
    var results = ResultBatch()
    var raw: [RawChunk] = []
    var byteCount: Int { results.byteCount + raw.count * RawChunk.size }
}

/// Reads a whole upload and keeps account of it. Nothing here knows of the database: who drives it asks for a batch when one is full.
///
/// Drive it by `take`, then `step` until it says false, for each part; then `finish`. One task drives it.
final class UploadReader {
    private let limits: IngestLimits
    private let now: Date
    private var identities: TestIdentities
    private(set) var ids: ResultIDs
    private var open: ReportFile?
    private var wireBytes: Int64 = 0
    private var decodedBytes: Int64 = 0

    private(set) var batch = UploadBatch()
    private(set) var files: [UploadedFile] = []
    private(set) var log = WarningLog()
    private(set) var accepted = 0
    private(set) var rejected = 0
    private(set) var delta = RunDelta()
    private var reports = 0

    init(project: ID<Project>, limits: IngestLimits = .init(), now: Date) {
        self.limits = limits
        self.now = now
        identities = TestIdentities(project: project)
        var random = SystemRandomNumberGenerator()
        ids = ResultIDs(at: now, using: &random)
    }

    /// - Throws: `upload.parts_out_of_order`, `upload.too_large`, and what `ReportFile` throws.
    func take(_ input: UploadInput) throws(Fault) {
        switch (input, open) {
        case (.file(let name, let encoding), nil):
            guard files.count < limits.files else { throw .uploadTooLarge("more than \(limits.files) files") }
            open = try ReportFile(name: name, encoding: encoding, index: files.count, limits: limits, now: now)
        case (.data(let data), let file?):
            wireBytes += Int64(data.count)
            guard wireBytes <= limits.wireBytes else { throw .uploadTooLarge("more than \(limits.wireBytes >> 20) MiB") }
            file.push(data)
        case (.end, let file?):
            try close(file)
        default:
            throw .partsOutOfOrder
        }
    }

    /// Works off a piece of what was taken.
    /// - Returns: `false` when there is nothing left.
    func step() throws(Fault) -> Bool {
        guard let open else { return false }
        let decoded = try open.step()
        guard decoded > 0 else { return false }
        decodedBytes += Int64(decoded)
        guard decodedBytes <= limits.decodedBytes else { throw .uploadTooLarge("more than \(limits.decodedBytes >> 20) MiB when unfolded") }
        try collect(open)
        return true
    }

    var isFull: Bool { batch.results.count >= limits.batchRows || batch.byteCount >= limits.batchBytes }

    func takeBatch() -> UploadBatch {
        defer { batch = UploadBatch() }
        return batch
    }

    /// - Throws: `upload.empty`; `report.not_junit` when no file was a report; `upload.parts_out_of_order` when a file has no end.
    func finish() throws(Fault) {
        guard open == nil else { throw .partsOutOfOrder }
        guard !files.isEmpty else { throw .uploadEmpty }
        guard reports > 0 else { throw .noReport(log.warnings) }
        if accepted == 0, rejected == 0 { log.add("report.no_tests", file: "", line: 0, "no test case was found") }
    }

    private func close(_ file: ReportFile) throws(Fault) {
        while try step() {}
        let (record, summary) = try file.finish()
        decodedBytes = files.reduce(record.decodedBytes) { $0 + $1.decodedBytes }
        try collect(file)
        batch.raw += file.raw.take(isLast: true)
        files.append(record)
        log.append(file.parser.log)
        rejected += file.parser.rejected
        delta.incomplete = delta.incomplete || summary.incomplete
        if summary.isReport { reports += 1 }
        open = nil
    }

    private func collect(_ file: ReportFile) throws(Fault) {
        guard accepted + file.parser.cases.count <= limits.cases else { throw .uploadTooLarge("more than \(limits.cases) test cases") }
        for found in file.parser.cases {
            let test = identities.id(suite: found.suiteName, className: found.className, name: found.name)
            batch.results.append(found, id: ids.next(), test: test)
            delta.counts.count(found.outcome)
            delta.testMicroseconds += found.microseconds ?? 0
            if let startedAt = found.startedAt, startedAt < delta.startedAt ?? .distantFuture { delta.startedAt = startedAt }
        }
        accepted += file.parser.cases.count
        file.parser.cases.removeAll(keepingCapacity: true)
        batch.raw += file.raw.take()
    }
}
