import CommonAPI
import ExecutionAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.Excuses`
struct ExcusesRPC: PBExcuses.SimpleServiceProtocol {
    let runs: RunStore
    let excuses: ExcuseStore

    func listExcuses(request: PBListExcusesRequest, context: ServerContext) async throws -> PBListExcusesResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let caller = Caller.current
        let run = try await runs.get(ID(request.run, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        let listed = try await excuses.list(page, of: run.id, tenant: caller.tenant)
        return .with {
            $0.data = listed.items.map { PBExcuse($0) }
            $0.page = PBPage(listed)
        }
    }

    func getExcuse(request: PBGetExcuseRequest, context: ServerContext) async throws -> PBExcuse {
        let kept = try await kept(request.excuse)
        return PBExcuse(kept, try kept.question())
    }

    func replayExcuse(request: PBReplayExcuseRequest, context: ServerContext) async throws -> PBExcuseReplay {
        PBExcuseReplay(try ExcuseReplay(try await kept(request.excuse)))
    }

    private func kept(_ text: String) async throws -> KeptExcuse {
        let caller = Caller.current
        let kept = try await excuses.get(ID(text, field: "excuse"), tenant: caller.tenant)
        // Of a project that the caller is not bound to it is not there.
        guard caller.mayUse(project: kept.project.uuid) else { throw Fault.notFound("excuse", kept.id) }
        return kept
    }
}
