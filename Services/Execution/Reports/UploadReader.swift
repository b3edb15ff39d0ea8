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
    private(set) var suites: [ReportedSuite] = []
    private var suiteBytes = 0
    /// Where the first of `suites` stands in the upload.
    let firstSuite: Int
    var byteCount: Int { results.byteCount + raw.count * RawChunk.size + suiteBytes }

    init(firstSuite: Int = 0) { self.firstSuite = firstSuite }

    mutating func append(_ suite: ReportedSuite) {
        suites.append(suite)
        suiteBytes += suite.byteCount
    }
}

/// Reads a whole upload and keeps account of it. Nothing here knows of the database: who drives it asks for a batch when one is full.
///
/// Drive it by `take`, then `step` until it says false, for each part; then `finish`. One task drives it.
final class UploadReader {
    private let limits: IngestLimits
    /// Times of the reports are held against it.
    private let moment: Date
    private let format: ReportFormat?
    /// Which try of its build the upload is; tries that a report tells of come on top.
    private let attempt: Int
    private var identities: TestIdentities
    private var resultTags: ResultTags
    /// By which owners are found.
    let codeOwners: ID<CodeOwnersVersion>?
    /// `nil` for what is not trusted: it is not to be found among what is.
    private(set) var tags: TagIndex?
    private(set) var ids: ResultIDs
    private(set) var places: ReportedPlaces
    private var open: WireFile?
    private var wireFiles = 0
    private var wireBytes: Int64 = 0
    private var decodedBytes: Int64 = 0
    private var passedOver = 0
    private var suites = 0
    /// A suite that is kept has put something out.
    private(set) var hasSuiteOutput = false

    private(set) var batch = UploadBatch()
    private(set) var files: [UploadedFile] = []
    private(set) var log = WarningLog()
    private(set) var accepted = 0
    private(set) var rejected = 0
    private(set) var delta = RunDelta()
    private var reports = 0
    /// Of `accepted`, reports that were cut off.
    private var cutReports = 0

    /// - Parameters:
    ///   - format: what the client says all files are; `nil` to find out from each.
    ///   - rules: the project's, of how results are read.
    ///   - tags: the index that the results are to be found in, if in any.
    ///   - places: where they were carried out, as far as the upload says.
    ///   - moment: when the tests ran, within a day; now for what comes as it happens.
    ///   - attempt: which try of its build the upload is.
    init(
        project: ID<Project>, format: ReportFormat? = nil, rules: ReadingRules = .init(), tags: TagIndex? = nil, places: ReportedPlaces = .init(),
        limits: IngestLimits = .init(), now: Date, moment: Date? = nil, attempt: Int = 1
    ) {
        self.attempt = attempt
        self.limits = limits
        self.tags = tags
        self.places = places
        self.moment = moment ?? now
        self.format = format
        identities = TestIdentities(project: project, rules: rules.identity)
        resultTags = ResultTags(rules)
        codeOwners = rules.ownersVersion
        var random = SystemRandomNumberGenerator()
        ids = ResultIDs(at: now, using: &random)
    }

    /// - Throws: `upload.parts_out_of_order`, `upload.too_large`, and what `WireFile` throws.
    func take(_ input: UploadInput) throws(Fault) {
        switch (input, open) {
        case (.file(let name, let encoding), nil):
            guard wireFiles < limits.files else { throw .uploadTooLarge("more than \(limits.files) files") }
            wireFiles += 1
            open = try WireFile(name: name, encoding: encoding, format: format, limits: limits, now: moment) { [unowned self] in files.count }
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

    /// Works off the next piece of what was taken.
    /// - Returns: `false` when more is needed.
    func step() throws(Fault) -> Bool {
        guard let open else { return false }
        switch try open.step() {
        case .needsMore: return false
        case .read(let count):
            decodedBytes += Int64(count)
            guard decodedBytes <= limits.decodedBytes else { throw .uploadTooLarge("more than \(limits.decodedBytes >> 20) MiB when unfolded") }
            if let report = open.report { try collect(report) }
        case .ended(let report):
            try close(report, cutOff: false, wireBytes: 0)
        }
        return true
    }

    var isFull: Bool { batch.results.count >= limits.batchRows || batch.byteCount >= limits.batchBytes }

    func takeBatch() -> UploadBatch {
        defer { batch = UploadBatch(firstSuite: min(suites, limits.suites)) }
        return batch
    }

    /// - Parameters:
    ///   - command: how what left the reports has ended; when it failed there need be none.
    ///   - run: what people call the run.
    /// - Throws: `upload.empty`; `report.unknown_format` when no file was a report; `upload.parts_out_of_order` when a file has no end.
    func finish(_ command: EndedCommand? = nil, run: String = "") throws(Fault) {
        guard open == nil else { throw .partsOutOfOrder }
        let failed = command?.code.isFailure == true ? command : nil
        guard wireFiles > 0 || failed != nil else { throw .uploadEmpty }
        guard reports > 0 || failed != nil else { throw .noReport(log.warnings) }
        // That a report was cut off is what became of it, and why stands in the code.
        if let failed, delta.counts.failed + delta.counts.errored == cutReports { append(ProcessResult.of(failed, run: run)) }
        if passedOver > 0 {
            log.add(
                "upload.entries_passed_over", file: "", line: 0,
                "\(passedOver) entries of archives are no reports; they are kept, and nothing was read from them")
        }
        if suites > limits.suites {
            log.add(
                "upload.suites_cut", file: "", line: 0,
                "\(suites) suites have properties or output of their own; those of the first \(limits.suites) are kept")
        }
        for (problem, count) in resultTags.problems.sorted(by: { $0.key < $1.key }) {
            log.add("tags.value_invalid", file: "", line: 0, count > 1 ? "\(problem), \(count) times" : problem)
        }
        for key in (tags?.overfull ?? []).sorted() {
            log.add(
                "tags.too_many_values", file: "", line: 0,
                "\(key) has more than \(TagIndex.mostValues) values, or the results have more than \(TagIndex.mostOwn) tags; they are stored, and only "
                    + "the first are found by them")
        }
        if accepted == 0, rejected == 0 { log.add("report.no_tests", file: "", line: 0, "no test case was found") }
    }

    /// What is to be said of the upload beside its files.
    func warn(_ code: String, _ details: [String]) {
        for detail in details { log.add(code, file: "", line: 0, detail) }
    }

    private func close(_ file: WireFile) throws(Fault) {
        while try step() {}
        let before = file.decodedBytes
        if let (report, cutOff) = try file.finish() {
            decodedBytes += file.decodedBytes - before
            try close(report, cutOff: cutOff, wireBytes: file.wireBytes)
        }
        open = nil
    }

    private func close(_ report: ReportFile, cutOff: Bool, wireBytes: Int64) throws(Fault) {
        guard files.count < limits.entries else { throw .uploadTooLarge("more than \(limits.entries) files") }
        let summary = try report.finish(cutOff: cutOff)
        try collect(report)
        if let cut = report.cutCase {
            cutReports += 1
            append(cut)
        }
        batch.raw += report.raw.take(isLast: true)
        files.append(report.record(wireBytes: wireBytes))
        log.append(report.sink.log)
        rejected += report.sink.rejected
        delta.incomplete = delta.incomplete || summary.incomplete
        if summary.isReport { reports += 1 } else if report.isEntry { passedOver += 1 }
    }

    private func collect(_ report: ReportFile) throws(Fault) {
        let cases = report.takeCases()
        guard accepted + cases.count <= limits.cases else { throw .uploadTooLarge("more than \(limits.cases) test cases") }
        for found in cases { append(found) }
        for suite in report.takeSuites() {
            suites += 1
            guard suites <= limits.suites else { continue }
            batch.append(suite)
            hasSuiteOutput = hasSuiteOutput || !suite.systemOut.isEmpty || !suite.systemErr.isEmpty
        }
        batch.raw += report.raw.take()
    }

    private func append(_ found: ReportedCase) {
        let test = identities.id(suite: found.suiteName, className: found.className, name: found.name)
        let own = resultTags.tags(of: found)
        places.note(found.host, at: Int(ids.count))
        batch.results.append(found, id: ids.next(), test: test, attempt: attempt - 1 + found.tries, tags: own, under: tags?.ids(own) ?? [])
        delta.counts.count(found.outcome)
        delta.testMicroseconds += found.microseconds ?? 0
        if let startedAt = found.startedAt, startedAt < delta.startedAt ?? .distantFuture { delta.startedAt = startedAt }
        accepted += 1
    }
}
