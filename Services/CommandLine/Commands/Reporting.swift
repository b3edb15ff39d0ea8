import Foundation

/// What the commands that send reports have in common besides sending: what they are told by whom, and what they say of it.
struct Reporting {
    let surroundings: Surroundings
    let console: Console
    let config: ClientConfig
    let options: UploadOptions

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
        let fields = options.fields(ci: ci, git: GitCheckout.read(from: folder))
        return ReportUpload(
            config: config, outbox: Outbox(folder: surroundings.outbox), console: console, fields: fields,
            owners: try owners(fields, folder), retries: RetryPolicy(patience: .seconds(options.retryFor.seconds)), finishes: options.finish)
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
    /// - Returns: receipts, and how the tests ended as far as that is known by then.
    /// - Throws: with `--strict`, what went wrong; with `--wait`, what keeps us from waiting.
    func send(_ sources: [ReportUpload.Source]) async throws -> (receipts: [UploadReceipt], status: ExitStatus) {
        let receipts = try await deliver(sources)
        for receipt in receipts { tell(receipt) }
        if let run = receipts.last?.runId, !options.artifacts.isEmpty { try await sendArtifacts(to: run) }
        return (receipts, try await status(receipts))
    }

    private func deliver(_ sources: [ReportUpload.Source]) async throws -> [UploadReceipt] {
        do {
            switch try await upload().send(sources) {
            case .arrived(let receipts): return receipts
            case .kept(let failure):
                try complain("\(failure)\n  The upload is kept in \(surroundings.outbox.path); `assay flush` or the next upload sends it.", failure)
                return []
            }
        } catch let failure as ClientFailure where !options.strict {
            console.warn("results were not uploaded: \(failure)")
            return []
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

    private func status(_ receipts: [UploadReceipt]) async throws -> ExitStatus {
        if options.wait, let run = receipts.last?.runId {
            let display = ProgressDisplay(console)
            let finished = try await APIConnection.with(config) { connection in
                try await display.during {
                    try await RunWatcher(connection: connection, run: run).finished(within: options.timeout) { display.update($0) }
                }
            }
            console.note("run \(finished.state.lowercased())")
            return ExitStatus(runState: finished.state)
        }
        let states = receipts.compactMap(\.runState).filter { !["QUEUED", "RUNNING"].contains($0) }
        return states.map { ExitStatus(runState: $0) }.first { $0 != .passed } ?? .passed
    }
}
