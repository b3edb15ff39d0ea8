import AnalyticsAPI
import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.LevelChanges`
struct LevelChangesRPC: PBLevelChanges.SimpleServiceProtocol {
    let levels: LevelChangeStore

    func listLevelChanges(request: PBListLevelChangesRequest, context: ServerContext) async throws -> PBListLevelChangesResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        let listed = try await levels.list(page, LevelChangeStore.Filter(request), of: project, tenant: caller.tenant)
        return .with {
            $0.data = listed.items.map(PBLevelChange.init)
            $0.page = PBPage(listed)
        }
    }

    func getLevelChange(request: PBGetLevelChangeRequest, context: ServerContext) async throws -> PBLevelChangeReceipt {
        let (change, input) = try await receipt(request.change)
        return .with {
            $0.change = PBLevelChange(change)
            $0.days = (TrendSeries(text: input)?.points ?? []).map(PBLevelDay.init)
        }
    }

    func replayLevelChange(request: PBReplayLevelChangeRequest, context: ServerContext) async throws -> PBLevelChangeReplay {
        let (change, input) = try await receipt(request.change)
        return try PBLevelChangeReplay(LevelReplay(change, input: input))
    }

    /// - Throws: `level_change.not_found`; what says that the caller may not see its project.
    private func receipt(_ text: String) async throws -> (change: LevelChange, input: String) {
        let caller = Caller.current
        let found = try await levels.receipt(of: ID(text, field: "change"), tenant: caller.tenant)
        try caller.require(project: found.change.project)
        return found
    }
}

extension LevelChangeStore.Filter {
    /// - Throws: `request.invalid` for a value without a dimension, a dimension of the whole, and what this release does not know.
    fileprivate init(_ request: PBListLevelChangesRequest) throws(Fault) {
        let dimension = try TrendDimension(request.dimension)
        guard dimension != .all || request.value.isEmpty else { throw .invalidField("value", "unexpected", "value needs a dimension.") }
        guard dimension == .all || !request.whole else {
            throw .invalidField("whole", "unexpected", "The whole project has no dimension.")
        }
        self.init(
            dimension: dimension != .all || request.whole ? dimension : nil,
            value: request.value.isEmpty ? nil : String(request.value.prefix(RollupKey.mostCharacters)),
            figure: try TrendChange.Figure(request.figure), gone: request.gone, dismissed: request.dismissed)
    }
}
