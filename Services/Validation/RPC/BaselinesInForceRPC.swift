import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.validation.v1.BaselinesInForce`: what other services ask.
struct BaselinesInForceRPC: PBBaselinesInForce.SimpleServiceProtocol {
    let baselines: BaselineStore

    func listBaselinesInForce(request: PBListBaselinesInForceRequest, context: ServerContext) async throws -> PBListBaselinesInForceResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        let line = request.hasBranch || request.hasEnvironment ? (branch: request.branch, environment: request.environment) : nil
        let listed = try await baselines.inForce(page, line: line, project: project, tenant: caller.tenant)
        return .with {
            $0.data = listed.items.map(PBBaseline.init)
            $0.page = PBPage(listed)
        }
    }

    func findBaselines(request: PBFindBaselinesRequest, context: ServerContext) async throws -> PBFindBaselinesResponse {
        let caller = Caller.current
        guard request.baselines.count <= 10 else { throw Fault.invalidField("/baselines", "too_many", "At most 10 are asked for at once.") }
        var ids: [ID<Baseline>] = []
        for (index, text) in request.baselines.enumerated() { ids.append(try ID(text, field: "/baselines/\(index)")) }
        let found = try await baselines.find(ids, tenant: caller.tenant)
        for baseline in found { try caller.require(project: baseline.project) }
        return .with { $0.data = found.map(PBBaseline.init) }
    }
}
