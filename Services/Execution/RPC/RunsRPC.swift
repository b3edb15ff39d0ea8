import Audit
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.Runs`
struct RunsRPC: PBRuns.SimpleServiceProtocol {
    static let maxWait = 60

    let runs: RunStore
    let watcher: RunWatcher
    let suites: SuiteRuns

    func startRun(request: PBStartRunRequest, context: ServerContext) async throws -> PBRun {
        try await PBRun(suites.start(request), now: Date())
    }

    func cancelRun(request: PBCancelRunRequest, context: ServerContext) async throws -> PBRun {
        try await PBRun(suites.cancel(request), now: Date())
    }

    func getRun(request: PBGetRunRequest, context: ServerContext) async throws -> PBRun {
        guard (0...Self.maxWait).contains(Int(request.wait)) else {
            throw Fault.invalidField("wait", "out_of_range", "wait is 0 to \(Self.maxWait) seconds.")
        }
        let id = try ID<Run>(request.run, field: "run")
        var run = try await find(id)
        guard request.wait > 0, !run.state.isFinal else { return PBRun(run, now: Date()) }
        for await isTimeUp in watcher.signals(of: id, for: .seconds(Int(request.wait))) {
            run = try await find(id)
            if run.state.isFinal || isTimeUp || context.cancellation.isCancelled { break }
        }
        return PBRun(run, now: Date())
    }

    func listRuns(request: PBListRunsRequest, context: ServerContext) async throws -> PBListRunsResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project.uuid)
        let filter = try RunStore.Filter(
            state: Run.State(request.state, field: "state"), branch: request.branch, kind: Run.Kind(request.kind, field: "kind"),
            lane: Lane(request.lane, field: "lane"))
        let found = try await runs.list(project, filter, page, tenant: caller.tenant)
        let now = Date()
        return .with {
            $0.data = found.items.map { PBRun($0, now: now) }
            $0.page = PBPage(found)
        }
    }

    func finishRun(request: PBFinishRunRequest, context: ServerContext) async throws -> PBRun {
        let id = try ID<Run>(request.run, field: "run")
        let run = try await find(id)
        guard run.kind == .upload else { throw Fault.notAnUploadRun(id) }
        let (tenant, key) = (Caller.current.tenant, Caller.current.idempotencyKey)
        let finished = try await runs.database.transaction(.tenant(tenant)) { tx in
            let (locked, _) = try await runs.lock(id, tenant: tenant, in: tx)
            guard locked.lane == .untrusted || Caller.current.lane == .trusted else { throw Fault.laneMismatch(id) }
            if try await runs.isEnded(id, by: key, tenant: tenant, in: tx) {
                AuditedCall.changedNothing()
                return locked
            }
            try await tx.audit(id, project: run.project)
            return try await runs.finish(id, tenant: tenant, in: tx)
        }
        return PBRun(finished, now: Date())
    }

    func watchRun(request: PBWatchRunRequest, response: RPCWriter<PBRunEvent>, context: ServerContext) async throws {
        let id = try ID<Run>(request.run, field: "run")
        var run = try await find(id)
        var seen = request.lastEventID
        let signals = watcher.signals(of: id, for: nil)
        func tell() async throws {
            guard run.version > seen else { return }
            seen = run.version
            let event = PBRunEvent.with {
                $0.type = run.state.isFinal ? .finished : .updated
                $0.id = run.version
                $0.run = PBRun(run, now: Date())
            }
            try await response.write(event)
        }
        try await tell()
        guard !run.state.isFinal else { return }
        for await _ in signals {
            run = try await find(id)
            try await tell()
            if run.state.isFinal || context.cancellation.isCancelled { return }
        }
    }

    private func find(_ id: ID<Run>) async throws -> Run {
        let caller = Caller.current
        let run = try await runs.get(id, tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        return run
    }
}
