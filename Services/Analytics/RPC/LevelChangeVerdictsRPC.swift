import AnalyticsAPI
import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.LevelChangeVerdicts`
struct LevelChangeVerdictsRPC: PBLevelChangeVerdicts.SimpleServiceProtocol {
    let levels: LevelChangeStore

    func getLevelChangeVerdict(request: PBGetLevelChangeVerdictRequest, context: ServerContext) async throws -> PBLevelChangeVerdict {
        try await PBLevelChangeVerdict(find(request.change).verdict)
    }

    func putLevelChangeVerdict(request: PBPutLevelChangeVerdictRequest, context: ServerContext) async throws -> PBLevelChangeVerdict {
        let caller = Caller.current
        let kind = try LevelVerdict.Kind(request.kind)
        guard request.note.unicodeScalars.count <= LevelVerdict.maxNote, !request.note.utf8.contains(0) else {
            throw Fault.invalidField("/note", "invalid", "A note has at most \(LevelVerdict.maxNote) characters, and no NUL.")
        }
        return try await PBLevelChangeVerdict(
            levels.put(
                kind, note: request.note, on: find(request.change).id, version: request.version, by: caller.actor, tenant: caller.tenant))
    }

    func deleteLevelChangeVerdict(request: PBDeleteLevelChangeVerdictRequest, context: ServerContext) async throws -> PBEmpty {
        let caller = Caller.current
        try await levels.takeBack(on: find(request.change).id, version: request.version, by: caller.actor, tenant: caller.tenant)
        return PBEmpty()
    }

    func listLevelChangeVerdicts(
        request: PBListLevelChangeVerdictsRequest, context: ServerContext
    ) async throws -> PBListLevelChangeVerdictsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await levels.verdicts(page, on: find(request.change).id, tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map(PBLevelChangeVerdict.init)
            $0.page = PBPage(listed)
        }
    }

    /// - Throws: `level_change.not_found`; what says that the caller may not see its project.
    private func find(_ text: String) async throws -> LevelChange {
        let caller = Caller.current
        let change = try await levels.get(ID(text, field: "change"), tenant: caller.tenant)
        try caller.require(project: change.project)
        return change
    }
}
