import AnalyticsAPI
import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.LevelChanges`
struct LevelChangesRPC: PBLevelChanges.SimpleServiceProtocol {
    let levels: LevelChangeStore

    private var tests: TestStore { TestStore(database: levels.database) }

    func listLevelChanges(request: PBListLevelChangesRequest, context: ServerContext) async throws -> PBListLevelChangesResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        var filter = try LevelChangeStore.Filter(request)
        if let test = try filter.test { filter.value = try await lasting(test, tenant: caller.tenant).description }
        let listed = try await levels.list(page, filter, of: project, tenant: caller.tenant)
        let names = try await names(of: listed.items, tenant: caller.tenant)
        return .with {
            $0.data = listed.items.map { change in
                var message = PBLevelChange(change)
                message.testName = names[change.part.value] ?? ""
                return message
            }
            $0.page = PBPage(listed)
        }
    }

    /// What an id of a test stands for; itself when nothing is known of it.
    private func lasting(_ test: ID<Test>, tenant: ID<Tenant>) async throws -> ID<Test> {
        do {
            return try await tests.get(test, tenant: tenant).id
        } catch let fault as Fault where fault.kind == .notFound {
            return test
        }
    }

    /// Of those tests that there are, by their ids.
    private func names(of changes: [LevelChange], tenant: ID<Tenant>) async throws -> [String: String] {
        let ids = Set(try changes.filter { $0.part.dimension == .test }.map { try ID<Test>($0.part.value) })
        guard !ids.isEmpty else { return [:] }
        let found = try await tests.find(ids.sorted(), tenant: tenant).values
        return Dictionary(uniqueKeysWithValues: found.map { ($0.id.description, $0.name) })
    }

    func getLevelChange(request: PBGetLevelChangeRequest, context: ServerContext) async throws -> PBLevelChangeReceipt {
        let (change, input) = try await receipt(request.change)
        return .with {
            $0.change = PBLevelChange(change)
            if change.part.dimension == .test {
                $0.executions = (DurationSeries(text: input)?.points ?? []).map(PBLevelExecution.init)
            } else {
                $0.days = (TrendSeries(text: input)?.points ?? []).map(PBLevelDay.init)
            }
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
        let dimension = try TrendDimension(keptBy: request.dimension)
        guard dimension != .all || request.value.isEmpty else { throw .invalidField("value", "unexpected", "value needs a dimension.") }
        guard dimension == .all || !request.whole else {
            throw .invalidField("whole", "unexpected", "The whole project has no dimension.")
        }
        self.init(
            dimension: dimension != .all || request.whole ? dimension : nil,
            value: request.value.isEmpty ? nil : String(request.value.prefix(RollupKey.mostCharacters)),
            figure: try TrendChange.Figure(request.figure), gone: request.gone, dismissed: request.dismissed)
    }

    /// The one test that is asked for.
    /// - Throws: `invalid_id`.
    fileprivate var test: ID<Test>? {
        get throws(Fault) {
            guard dimension == .test, let value else { return nil }
            return try ID<Test>(value, field: "value")
        }
    }
}
