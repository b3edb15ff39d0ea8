import Audit
import ExecutionAPI
import Foundation
import Postgres
import Primitives
import ProjectsAPI
import ServiceKit

/// Starting and cancelling runs that Assay's own workers execute: StartRun and CancelRun of `RunsRPC`.
struct SuiteRuns: Sendable {
    let database: Database
    let runs: RunStore
    let cases: CaseStore
    let record: RecordCases
    let suites: any PBSuites.ClientProtocol

    /// Queues the cases of a suite as they are now. The same idempotency key gives the first run again, whatever has become of the suite.
    func start(_ request: PBStartRunRequest) async throws -> Run {
        let draft = try SuiteRunDraft(request)
        let caller = Caller.current
        try caller.require(project: draft.project.uuid)
        if let first = try await first(draft, caller) {
            AuditedCall.changedNothing()
            return first
        }
        var planRequest = PBGetPlanRequest()
        planRequest.suite = request.suite
        planRequest.project = request.project
        let plan = try await suites.getPlan(planRequest)
        // Projects answers for the tenant; that the suite is in the project of the path is ours to see.
        guard plan.suite.project == request.project else { throw Fault.notFound("suite", draft.suite) }
        let planned = try plan.cases.map { try PlannedCase($0, suite: plan.suite.variables, run: draft.variables) }
        guard !planned.isEmpty else { throw Fault(.precondition, "suites.empty", "Suite \(draft.suite) has no case to run.") }
        let run = draft.run(name: plan.suite.name, cases: planned.count, triggeredBy: caller.actor, at: Date())
        return try await database.transaction(.tenant(caller.tenant)) { tx in
            guard try await runs.insertSuiteRun(run, key: caller.idempotencyKey, tenant: caller.tenant, in: tx) else {
                guard let key = caller.idempotencyKey,
                    let first = try await runs.find(key: key, project: draft.project, tenant: caller.tenant, in: tx)
                else { throw Fault(.conflict, "runs.start_raced", "The run could not be started; try again.") }
                AuditedCall.changedNothing()
                return first
            }
            try await cases.insert(
                run, draft, suiteName: plan.suite.name, cases: planned, tenant: caller.tenant, in: tx)
            try await tx.audit(run.id, project: run.project, details: ["suite": draft.suite.description, "name": run.name, "branch": run.branch])
            return run
        }
    }

    func cancel(_ request: PBCancelRunRequest) async throws -> Run {
        let caller = Caller.current
        return try await record.end(ID(request.run, field: "run"), early: .cancelled, key: caller.idempotencyKey, tenant: caller.tenant) {
            try caller.require(project: $0.project.uuid)
        }
    }

    /// Looked up before Projects is asked, so that a repetition has the first answer even when the suite is gone.
    private func first(_ draft: SuiteRunDraft, _ caller: Caller) async throws -> Run? {
        guard let key = caller.idempotencyKey else { return nil }
        return try await database.transaction(.tenant(caller.tenant)) { tx in
            try await runs.find(key: key, project: draft.project, tenant: caller.tenant, in: tx)
        }
    }
}

extension SuiteRunDraft {
    init(_ message: PBStartRunRequest) throws(Fault) {
        try self.init(
            project: ID(message.project, field: "project"), suite: ID(message.suite, field: "/suite"), variables: message.variables,
            environment: message.environment, branch: message.branch, commit: message.commitSha, tags: message.tags,
            concurrency: Int(message.concurrency), timeoutMilliseconds: message.hasTimeoutMs ? message.timeoutMs : nil)
    }
}
