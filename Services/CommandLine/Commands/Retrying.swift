import Foundation

/// The loop of `assay exec --retries`: ask what is worth another try, try that, send what came of it.
struct Retrying {
    let options: RetryOptions
    let command: [String]
    /// Of reports, as they were given.
    let patterns: [String]
    let reporting: Reporting

    private var console: Console { reporting.console }

    /// - Parameters:
    ///   - receipts: of the first try.
    ///   - isAboutTests: the command was neither killed nor kept from running.
    func run(after receipts: [UploadReceipt], isAboutTests: Bool) async throws -> RunVerdict {
        guard let run = receipts.last?.runId else { return RunVerdict(status: .passed) }
        var uploads = receipts.map(\.uploadId)
        var plan: RetryPlan?
        do {
            if isAboutTests { plan = try await retry(run, &uploads) }
        } catch let failure as ClientFailure {
            console.warn("what is worth another try could not be found out: \(failure)")
        }
        return try await APIConnection.with(reporting.config) { connection in
            if reporting.finishes { try await connection.finish(run) }
            if reporting.options.wait { return try await reporting.verdict(receipts) }
            guard let plan else { return RunVerdict(status: .passed) }
            if isExcused(plan) { return RunVerdict(status: .passed, isExcused: true) }
            return RunVerdict(status: plan.failingTests > 0 ? .failed : .passed)
        }
    }

    /// - Returns: the plan after the last try.
    private func retry(_ run: String, _ uploads: inout [String]) async throws -> RetryPlan {
        var plan = try await ask(run, uploads)
        for attempt in 1...(options.retries ?? 1) {
            for line in plan.lines(attempt: attempt + 1) { console.note(line) }
            guard !plan.wanted.isEmpty, let receipts = try await attemptAgain(plan.wanted, attempt: attempt + 1, uploads), !receipts.isEmpty else {
                break
            }
            uploads += receipts.map(\.uploadId)
            plan = try await ask(run, uploads)
        }
        if plan.passedAgainTests > 0 {
            let tests = plan.passedAgainTests == 1 ? "1 test" : "\(plan.passedAgainTests) tests"
            console.note("\(tests) failed and passed when tried again; \(plan.failingTests == 0 ? "none fails" : "\(plan.failingTests) fail") still")
        }
        return plan
    }

    private func ask(_ run: String, _ uploads: [String]) async throws -> RetryPlan {
        try await APIConnection.with(reporting.config) { try await RetryPlan.of(run, uploads, $0) }
    }

    /// - Returns: `nil` when it could not be carried out.
    private func attemptAgain(_ tests: [RetryPlan.Test], attempt: Int, _ uploads: [String]) async throws -> [UploadReceipt]? {
        let started = Date()
        let names = tests.map(options.written)
        let list = FileManager.default.temporaryDirectory.appending(path: "assay-retry-\(UUID().uuidString).txt")
        try PrivateFile.write(Data(names.map { $0 + "\n" }.joined().utf8), to: list)
        defer { try? FileManager.default.removeItem(at: list) }
        var environment = reporting.surroundings.environment
        environment["ASSAY_RETRY_ATTEMPT"] = "\(attempt)"
        environment["ASSAY_RETRY_TESTS"] = list.path
        let code = try ChildCommand(options.arguments(names, command: command), environment: environment).run()
        guard code == 0 || ExecCommand.isAboutTests(code) else {
            console.warn("trying again ended with \(code)")
            return nil
        }
        let found = try ExecCommand.reports(patterns, since: started)
        guard !found.isEmpty else {
            console.warn("trying again wrote no reports that could be found")
            return nil
        }
        var reporting = reporting
        reporting.ended = nil
        reporting.extraFields.append(("retry_of", uploads.prefix(100).joined(separator: ",")))
        return try await reporting.send(found.map { .file($0) })
    }

    private func isExcused(_ plan: RetryPlan) -> Bool {
        plan.excused && !(reporting.options.quarantine.noQuarantine && plan.quarantinedTests > 0)
    }
}

extension Reporting {
    /// What is uploaded may be followed by what was tried again, in the same run: it needs a key, and is finished at the end.
    mutating func mayRetry() {
        isOpen = true
        let named = (try? upload())?.fields ?? []
        guard !named.contains(where: { $0.name == "run_env[key]" }) else { return }
        extraFields.append(("run_env[key]", "assay-exec-\(UUID().uuidString.lowercased())"))
        ownsRun = true
    }

    /// Whether the last try ends the run.
    var finishes: Bool { options.finish || ownsRun }
}
