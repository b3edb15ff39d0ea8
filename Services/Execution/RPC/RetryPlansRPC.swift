import CommonAPI
import ExecutionAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.RetryPlans`
struct RetryPlansRPC: PBRetryPlans.SimpleServiceProtocol {
    let runs: RunStore
    let plans: RetryPlanStore

    func listRetryPlans(request: PBListRetryPlansRequest, context: ServerContext) async throws -> PBListRetryPlansResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let caller = Caller.current
        let run = try await runs.get(ID(request.run, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        let listed = try await plans.list(page, of: run.id, tenant: caller.tenant)
        return .with {
            $0.data = listed.items.map { PBKeptRetryPlan($0) }
            $0.page = PBPage(listed)
        }
    }

    func getKeptRetryPlan(request: PBGetKeptRetryPlanRequest, context: ServerContext) async throws -> PBKeptRetryPlan {
        let kept = try await kept(request.retryPlan)
        let told = try kept.basis().told()
        var message = PBKeptRetryPlan(kept)
        message.plan = PBRetryPlan(told, of: kept.run)
        message.plan.id = message.id
        return message
    }

    func replayRetryPlan(request: PBReplayRetryPlanRequest, context: ServerContext) async throws -> PBRetryReplay {
        PBRetryReplay(try RetryReplay(try await kept(request.retryPlan)))
    }

    private func kept(_ text: String) async throws -> KeptRetryPlan {
        let caller = Caller.current
        let kept = try await plans.get(ID(text, field: "retry_plan"), tenant: caller.tenant)
        // Of a project that the caller is not bound to it is not there.
        guard caller.mayUse(project: kept.project.uuid) else { throw Fault.notFound("retry_plan", kept.id) }
        return kept
    }
}
