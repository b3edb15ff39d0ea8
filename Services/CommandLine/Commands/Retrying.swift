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
    ///   - delivery: of the first try.
    ///   - isAboutTests: the command was neither killed nor kept from running.
    func run(after delivery: Delivery, isAboutTests: Bool) async throws -> RunVerdict {
        guard let run = delivery.receipts.last?.runId else { return RunVerdict(status: .passed) }
        var sent = delivery
        var plans: [RetryPlan] = []
        do {
            if isAboutTests { plans = try await retry(run, &sent) }
        } catch let failure as ClientFailure {
            console.warn("what is worth another try could not be found out: \(failure)")
        }
        return try await APIConnection.with(reporting.config) { connection in
            if reporting.finishes { try await connection.finish(run) }
            if reporting.options.wait { return try await reporting.verdict(sent) }
            return RetryPlan.verdict(plans, isWhole: sent.isWhole, isQuarantineIgnored: reporting.options.quarantine.noQuarantine)
        }
    }

    /// Tries again what fails in the first uploads, as many as a plan is of: what is said of further ones decides only how it ends.
    /// - Parameter sent: of all tries so far.
    /// - Returns: what holds after the last try; together the plans are of all uploads.
    private func retry(_ run: String, _ sent: inout Delivery) async throws -> [RetryPlan] {
        var plan = try await ask(run, sent.receipts[...])
        for attempt in 1...(options.retries ?? 1) {
            for line in plan.lines(attempt: attempt + 1) { console.note(line) }
            let uploads = sent.receipts.map(\.uploadId)
            guard !plan.wanted.isEmpty, let more = try await attemptAgain(plan.wanted, attempt: attempt + 1, uploads) else { break }
            sent += more
            if more.receipts.isEmpty { break }
            plan = try await ask(run, sent.receipts[...])
        }
        if plan.passedAgainTests > 0 {
            let tests = plan.passedAgainTests == 1 ? "1 test" : "\(plan.passedAgainTests) tests"
            console.note("\(tests) failed and passed when tried again; \(plan.failingTests == 0 ? "none fails" : "\(plan.failingTests) fail") still")
        }
        var plans = [plan]
        for start in stride(from: RetryPlan.mostUploads, to: sent.receipts.count, by: RetryPlan.mostUploads) {
            plans.append(try await ask(run, sent.receipts[start...]))
        }
        return plans
    }

    /// Of the first of these uploads, as many as a plan is of.
    private func ask(_ run: String, _ sent: ArraySlice<UploadReceipt>) async throws -> RetryPlan {
        let uploads = sent.prefix(RetryPlan.mostUploads).map(\.uploadId)
        return try await APIConnection.with(reporting.config) { try await RetryPlan.of(run, uploads, $0) }
    }

    /// - Returns: `nil` when it could not be carried out.
    private func attemptAgain(_ tests: [RetryPlan.Test], attempt: Int, _ uploads: [String]) async throws -> Delivery? {
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
        reporting.extraFields.append(("retry_of", uploads.prefix(RetryPlan.mostUploads).joined(separator: ",")))
        return try await reporting.send(found.map { .file($0) })
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
