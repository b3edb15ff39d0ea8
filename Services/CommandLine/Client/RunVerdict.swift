/// How a run ends a command, as far as that is known of it.
struct RunVerdict: Equatable, Sendable {
    var status: ExitStatus
    /// Tests failed, and none but those that are quarantined or passed when they were tried again.
    var isExcused = false

    /// Asks what is quarantined when tests of a finished run failed, and says it on standard error. When that cannot be found out, a failure is a
    /// failure.
    static func of(
        _ run: String, state: String, _ connection: APIConnection, _ console: Console, _ options: QuarantineOptions
    ) async throws -> RunVerdict {
        let status = ExitStatus(runState: state)
        guard status == .failed, !options.noQuarantine else { return RunVerdict(status: status) }
        let check: QuarantineCheck
        do {
            check = try await connection.get(QuarantineCheck.self, "\(Run.path(run))/quarantined-failures")
        } catch let failure as ClientFailure {
            console.warn("what is quarantined could not be found out: \(failure)")
            return RunVerdict(status: status)
        }
        if let sentence = check.sentence { console.note(sentence) }
        return check.excused ? RunVerdict(status: .passed, isExcused: true) : RunVerdict(status: status)
    }

    /// Of a command that failed while its run goes on, as a run does that all jobs of a build share: what its own uploads hold decides, and not what
    /// other jobs send. What of it is quarantined is said on standard error. When that cannot be found out, nothing is excused.
    /// - Parameter delivery: to one run.
    static func of(_ delivery: Delivery, _ connection: APIConnection, _ console: Console) async throws -> RunVerdict {
        let receipts = delivery.receipts
        guard let run = receipts.last?.runId else { return RunVerdict(status: .passed) }
        var plans: [RetryPlan] = []
        do {
            // A plan is kept, so none is asked for where nothing of the whole run is quarantined, as in most builds that fail.
            let check = try await connection.get(QuarantineCheck.self, "\(Run.path(run))/quarantined-failures", query: [("limit", "1")])
            guard check.quarantinedTests > 0 else { return RunVerdict(status: .passed) }
            for start in stride(from: 0, to: receipts.count, by: RetryPlan.mostUploads) {
                let uploads = receipts[start...].prefix(RetryPlan.mostUploads).map(\.uploadId)
                plans.append(try await RetryPlan.of(run, uploads, connection))
            }
        } catch let failure as ClientFailure {
            console.warn("what is quarantined could not be found out: \(failure)")
            return RunVerdict(status: .passed)
        }
        let check = QuarantineCheck(of: plans)
        let verdict = RetryPlan.verdict(plans, isWhole: delivery.isWhole)
        if let sentence = check.sentence { console.note(sentence) }
        if !verdict.isExcused, check.failingTests > 0, check.failingTests == check.quarantinedTests {
            let reason = delivery.isComplete ? "a report was cut off or refused in part" : "not all of it was sent from here"
            console.note("that excuses nothing: \(reason)")
        }
        return verdict
    }
}
