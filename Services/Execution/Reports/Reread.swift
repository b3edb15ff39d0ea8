import Foundation
import Primitives

/// Reads what is kept of an upload again.
struct Reread: Sendable {
    private static let page = 5_000

    let uploads: UploadStore
    let results: ResultStore
    let rules: ReadingRulesStore
    let aliases: AliasStore
    var limits = IngestLimits()

    /// - Throws: `upload.rereading_limit`, and what reading throws.
    func compare(_ upload: Upload, tenant: ID<Tenant>) async throws -> (rereading: Rereading, warnings: [Warning]) {
        guard upload.accepted <= Rereading.mostResults else { throw Fault.rereadingLimit(upload.id) }
        guard try await uploads.chunk(of: upload.id, file: 0, part: 0, tenant: tenant) != nil else { throw Fault.uploadNotKept(upload.id) }
        let stored = try await stored(upload, tenant: tenant)
        let (read, warnings) = try await read(upload, tenant: tenant)
        return (Rereading(stored: stored, read: read), warnings)
    }

    private func stored(_ upload: Upload, tenant: ID<Tenant>) async throws -> [Rereading.Case] {
        let span = try await uploads.span(upload.id, tenant: tenant).span
        var found: [Rereading.Case] = []
        var after: ID<TestResult>?
        repeat {
            let page = try await results.list(span, after: after, troubleOnly: false, textLimit: 0, limit: Self.page, tenant: tenant)
            // How the command ended stands in no report.
            found += page.filter { !ProcessResult.isExit($0) }.map { Rereading.Case($0, of: upload) }
            after = page.count == Self.page ? page.last?.id : nil
        } while after != nil
        return found
    }

    private func read(_ upload: Upload, tenant: ID<Tenant>) async throws -> ([Rereading.Case], [Warning]) {
        let rules = try await rules.rules(of: upload.project, at: .init(unchecked: "", ""), tenant: tenant)
        let moment = try await uploads.moment(of: upload, tenant: tenant)
        var identities = TestIdentities(project: upload.project, rules: rules.identity)
        var found: [Rereading.Case] = []
        var log = WarningLog()
        for (index, file) in upload.files.enumerated() {
            var report = try await read(file, index, as: nil, of: upload, moment, tenant)
            // The client said what it was, and nobody else could tell.
            if report.format == nil, let known = file.format { report = try await read(file, index, as: known, of: upload, moment, tenant) }
            found += report.takeCases().map { Rereading.Case($0, &identities) }
            if let cut = report.cutCase { found.append(Rereading.Case(cut, &identities)) }
            log.append(report.sink.log)
        }
        let known = try await aliases.resolve(Array(Set(found.map(\.test))), project: upload.project, tenant: tenant)
        for index in found.indices { found[index].test = known[found[index].test] ?? found[index].test }
        return (found, log.warnings)
    }

    private func read(
        _ file: UploadedFile, _ index: Int, as format: ReportFormat?, of upload: Upload, _ moment: Date, _ tenant: ID<Tenant>
    ) async throws -> ReportFile {
        let report = ReportFile(
            name: file.name, format: format, index: index, isEntry: file.name.contains("!/"), keepsWire: true, limits: limits, now: moment)
        let inflater = GzipInflater(file: file.name)
        var part = 0
        while let chunk = try await uploads.chunk(of: upload.id, file: index, part: part, tenant: tenant) {
            try Self.unfold(chunk, inflater, into: report)
            part += 1
            // A parser that finds more than the first time still has its bound.
            guard report.sink.cases.count <= limits.cases else { throw Fault.rereadingLimit(upload.id) }
        }
        _ = try report.finish(cutOff: !inflater.isComplete)
        return report
    }

    private static func unfold(_ chunk: Data, _ inflater: GzipInflater, into report: ReportFile) throws(Fault) {
        let bytes = Array(chunk)
        var output = [UInt8](repeating: 0, count: WireFile.stepSize)
        var start = 0
        while true {
            let (consumed, produced) = try bytes.withUnsafeBufferPointer { input throws(Fault) in
                try output.withUnsafeMutableBufferPointer { output throws(Fault) in
                    try inflater.inflate(UnsafeBufferPointer(rebasing: input[start...]), into: output)
                }
            }
            start += consumed
            if produced > 0 {
                try output.withUnsafeBufferPointer { output throws(Fault) in try report.read(UnsafeBufferPointer(rebasing: output[..<produced])) }
                // Only results are held against those of the first reading.
                _ = report.takeSuites()
            } else if consumed == 0 || start == bytes.count {
                return
            }
        }
    }
}

extension Rereading.Case {
    /// - Parameter upload: which try of its build it was is no matter of its reports.
    init(_ result: TestResult, of upload: Upload) {
        self.init(
            test: result.test, suiteName: result.suiteName, className: result.className, name: result.name, outcome: result.outcome,
            microseconds: result.microseconds, attempt: result.attempt - upload.attempt + 1)
    }

    init(_ found: ReportedCase, _ identities: inout TestIdentities) {
        self.init(
            test: identities.id(suite: found.suiteName, className: found.className, name: found.name), suiteName: found.suiteName,
            className: found.className, name: found.name, outcome: found.outcome, microseconds: found.microseconds, attempt: found.tries)
    }
}
