import Foundation

/// What the commands that send reports have in common besides sending: what they are told by whom, and what they say of it.
struct Reporting {
    let surroundings: Surroundings
    let console: Console
    let config: ClientConfig
    let options: UploadOptions
    /// Of all uploads of the command, beside what its options say.
    var extraFields: [(name: String, value: String)] = []
    /// Others may follow, so the last upload finishes no run.
    var isOpen = false
    /// How the command ended, for the first upload of it.
    var ended: EndedCommand?
    /// The run has a key that nobody else knows.
    var ownsRun = false

    init(_ server: ServerOptions, _ options: UploadOptions) throws {
        surroundings = .current
        console = Console(surroundings)
        config = try server.config(surroundings)
        self.options = options
    }

    func upload() throws -> ReportUpload {
        let folder = URL(filePath: FileManager.default.currentDirectoryPath)
        let event = GitHubEvent.read(at: surroundings.environment["GITHUB_EVENT_PATH"])
        let ci = CIBuild.detect(surroundings.environment, event: event)
        let fields = options.fields(ci: ci, git: GitCheckout.read(from: folder)) + extraFields
        return ReportUpload(
            config: config, outbox: Outbox(folder: surroundings.outbox), console: console, fields: fields,
            owners: try owners(fields, folder), retries: RetryPolicy(patience: .seconds(options.retryFor.seconds)),
            finishes: options.finish && !isOpen, ended: ended)
    }

    /// - Throws: `local` with `--strict`, for a file that was named and cannot be read.
    private func owners(_ fields: [(name: String, value: String)], _ folder: URL) throws -> CodeOwnersFile? {
        guard !options.noOwners else { return nil }
        do {
            return try CodeOwnersFile.find(named: options.owners, fields: fields, from: folder)
        } catch let failure as ClientFailure where !options.strict {
            console.warn("no code owners were sent: \(failure)")
            return nil
        }
    }

    /// Sends, and says on standard error what became of it.
    /// - Throws: with `--strict`, what went wrong.
    func send(_ sources: [ReportUpload.Source]) async throws -> Delivery {
        let delivery = try await deliver(sources)
        for receipt in delivery.receipts { tell(receipt) }
        if let run = delivery.receipts.last?.runId, !options.artifacts.isEmpty { try await sendArtifacts(to: run) }
        return delivery
    }

    private func deliver(_ sources: [ReportUpload.Source]) async throws -> Delivery {
        do {
            switch try await upload().send(sources) {
            case .arrived(let delivery): return delivery
            case .kept(let failure):
                try complain("\(failure)\n  The upload is kept in \(surroundings.outbox.path); `assay flush` or the next upload sends it.", failure)
                return Delivery(isComplete: false)
            }
        } catch let failure as ClientFailure where !options.strict {
            console.warn("results were not uploaded: \(failure)")
            return Delivery(isComplete: false)
        }
    }

    /// - Throws: `failure` with `--strict`.
    func complain(_ text: String, _ failure: ClientFailure) throws {
        if options.strict {
            console.note("error: \(text)")
            throw ExitStatus.Ended(code: failure.exitStatus.rawValue)
        }
        console.warn(text)
    }

    private func tell(_ receipt: UploadReceipt) {
        let url = (config.url ?? ClientConfig.defaultURL) + "/runs/\(receipt.runId)"
        let again = receipt.duplicate == true ? " (known already)" : ""
        console.note("\(receipt.accepted ?? 0) results uploaded\(again)\(receipt.runState.map { ", run \($0.lowercased())" } ?? ""): \(url)")
        if let rejected = receipt.rejected, rejected > 0 { console.warn("\(rejected) results were not taken") }
        let warnings = receipt.warnings ?? []
        for warning in warnings.prefix(10) {
            let line = warning.line.map { $0 > 0 ? ":\($0)" : "" } ?? ""
            console.warn("\(warning.file ?? "")\(line): \(Table.line(warning.detail ?? warning.code ?? ""))")
        }
        if warnings.count > 10 { console.warn("and \(warnings.count - 10) more: assay upload --output json shows all") }
    }

    /// After the reports, because what they name as attachments belongs to its result then.
    private func sendArtifacts(to run: String) async throws {
        let files = try ReportFinder().find(options.artifacts.map { ArtifactSender.everything(in: $0) })
        guard !files.isEmpty else { return console.warn("no artifact matches \(options.artifacts.joined(separator: ", "))") }
        let sent = try await APIConnection.with(config) { connection in
            await ArtifactSender(connection: connection, run: run, retries: RetryPolicy(patience: .seconds(options.retryFor.seconds))).send(files)
        }
        if sent.count > 0 { console.note("\(sent.count) artifacts uploaded") }
        for (file, failure) in sent.failures.prefix(10) { console.warn("\(Table.line(file)): \(failure)") }
        if let (_, failure) = sent.failures.first { try complain("\(sent.failures.count) artifacts were not uploaded", failure) }
    }

    /// How the tests of what was sent ended, as far as that is known; with `--wait`, when the run is finished.
    /// - Parameter hasFailed: a command's tests have, as its exit code says: while the run goes on, what was sent may be its excuse.
    /// - Throws: with `--wait`, what keeps us from waiting.
    func verdict(_ delivery: Delivery, hasFailed: Bool = false) async throws -> RunVerdict {
        var verdict = try await verdict(of: delivery, hasFailed: hasFailed)
        // What was not sent from here may be in the run by now or not: nobody has looked at it, so it excuses nothing.
        if !delivery.isComplete { verdict.isExcused = false }
        return verdict
    }

    private func verdict(of delivery: Delivery, hasFailed: Bool) async throws -> RunVerdict {
        let receipts = delivery.receipts
        if options.wait, let run = receipts.last?.runId {
            let display = ProgressDisplay(console)
            return try await APIConnection.with(config) { connection in
                let finished = try await display.during {
                    try await RunWatcher(connection: connection, run: run).finished(within: options.timeout) { display.update($0) }
                }
                console.note("run \(finished.state.lowercased())")
                return try await RunVerdict.of(run, state: finished.state, connection, console, options.quarantine)
            }
        }
        let known = Dictionary(receipts.compactMap { receipt in receipt.runState.map { (receipt.runId, $0) } }) { $1 }
        let ended = known.filter { Run.isFinal($0.value) }
        if ended.isEmpty, hasFailed, !receipts.isEmpty, !options.quarantine.noQuarantine {
            return try await APIConnection.with(config) { try await RunVerdict.of(delivery, $0, console) }
        }
        let bad = ended.filter { $0.value != "PASSED" }
        guard !bad.isEmpty else { return RunVerdict(status: .passed) }
        return try await APIConnection.with(config) { connection in
            var verdict = RunVerdict(status: .passed, isExcused: true)
            for (run, state) in bad.sorted(by: { $0.key < $1.key }) where verdict.isExcused {
                verdict = try await RunVerdict.of(run, state: state, connection, console, options.quarantine)
            }
            return verdict
        }
    }
}
