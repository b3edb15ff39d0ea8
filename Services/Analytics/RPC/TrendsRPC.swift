import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.Trends`
struct TrendsRPC: PBTrends.SimpleServiceProtocol {
    let rollups: RollupStore
    let revisions: RevisionStore

    private var commits: CommitStore { CommitStore(database: rollups.database) }
    private var levels: LevelChangeStore { LevelChangeStore(database: rollups.database) }

    func getTrend(request: PBGetTrendRequest, context: ServerContext) async throws -> PBTrend {
        let (project, tenant) = try Self.project(request.project)
        let length = try TrendLength(days: request.days).days
        let period = try TrendPeriod(request.period)
        let dimension = try TrendDimension(request.dimension)
        let value = try dimension.value(request.value)
        let revision = try await revisions.current(project: project, tenant: tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        let now = Date()
        let reach = period.reach(length, until: now)
        let read = min(reach + period.seasonDays, RollupStore.retention)
        let known = try await rollups.days(dimension, value, project: project, last: read, tenant: tenant)
        let points = [PBTrendPoint](known.filled(length: read, until: now).compared(length: reach, by: period), of: dimension)
        return .with {
            $0.project = project.description
            $0.revision = revision
            $0.data = points
        }
    }

    func listTrendValues(request: PBListTrendValuesRequest, context: ServerContext) async throws -> PBListTrendValuesResponse {
        let (project, tenant) = try Self.project(request.project)
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let length = try TrendLength(days: request.days).days
        let dimension = try TrendDimension(request.dimension)
        guard dimension != .all else { throw Fault.invalidField("dimension", "missing", "SUITE, BRANCH, ENVIRONMENT or TAG is needed.") }
        let order = try TrendValueOrder(request.sort)
        let revision = try await revisions.current(project: project, tenant: tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        let listed = try await rollups.values(page, of: dimension, by: order, project: project, last: length, tenant: tenant)
        return .with {
            $0.revision = revision
            $0.data = listed.items.map(PBTrendValue.init)
            $0.page = PBPage(listed)
        }
    }

    func getTrendChanges(request: PBGetTrendChangesRequest, context: ServerContext) async throws -> PBTrendChanges {
        let (project, tenant) = try Self.project(request.project)
        let length = request.days == 0 ? 90 : try TrendLength(days: request.days).days
        let dimension = try TrendDimension(request.dimension)
        let value = try dimension.value(request.value)
        let revision = try await revisions.current(project: project, tenant: tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        let known = try await rollups.days(dimension, value, project: project, last: length, tenant: tenant)
        let series = TrendSeries(known)
        let found = series.changes()
        let kept = try await kept(found, of: TrendPart(dimension: dimension, value: value), project: project, tenant: tenant)
        var changes: [PBTrendChange] = []
        let main = found.isEmpty || dimension == .branch ? nil : try await rollups.mainBranch(project: project, last: length, tenant: tenant)?.name
        for (index, change) in found.enumerated() {
            guard found.count - index <= TrendCause.mostExplained else {
                changes.append(PBTrendChange(change, causes: [], commits: [], kept: kept[index]))
                continue
            }
            // Days are kept by one dimension at a time, so a part cannot be told apart by another.
            let causes = dimension == .all ? try await causes(of: change, in: known, project: project, tenant: tenant) : []
            let branch = causes.first { $0.dimension == .branch }?.value ?? (dimension == .branch ? value : main ?? "")
            let new = try await commits.list(firstSeenOn: change.day, branch: branch, project: project, tenant: tenant)
            changes.append(PBTrendChange(change, causes: causes, commits: new, kept: kept[index]))
        }
        let data = changes
        return .with {
            $0.project = project.description
            $0.data = data
            $0.edition = ChangePoints.edition
            $0.inputHash = PBStabilityReceipt.text(series.inputHash)
            $0.revision = revision
        }
    }

    /// Of each that was found which of those it is that are kept.
    private func kept(_ found: [TrendChange], of part: TrendPart, project: ID<Project>, tenant: ID<Tenant>) async throws -> [LevelChange?] {
        guard let first = found.first else { return [] }
        let known = try await levels.list(of: part, from: first.day, project: project, tenant: tenant)
        return LevelMatching(found: found, known: known).kept
    }

    private func causes(of change: TrendChange, in days: [Day], project: ID<Project>, tenant: ID<Tenant>) async throws -> [TrendCause] {
        let (before, after) = change.shares(in: days)
        let parts =
            switch change.figure {
            case .passRate: try await rollups.parts(of: change, project: project, tenant: tenant)
            case .duration: try await rollups.timedParts(of: change, above: change.level, project: project, tenant: tenant)
            }
        return TrendCause.of(before: before, after: after, isMore: change.isWorse, parts: parts)
    }

    static func project(_ text: String) throws -> (project: ID<Project>, tenant: ID<Tenant>) {
        let caller = Caller.current
        let project = try ID<Project>(text, field: "project")
        try caller.require(project: project)
        return (project, caller.tenant)
    }
}

extension TrendDimension {
    /// What a request names of it, cut as it is stored.
    /// - Throws: `request.invalid` for a value without a dimension, and a dimension without a value.
    fileprivate func value(_ text: String) throws(Fault) -> String {
        guard (self == .all) == text.isEmpty else {
            throw self == .all
                ? .invalidField("value", "unexpected", "value needs a dimension.")
                : .invalidField("value", "missing", "The dimension's value is needed.")
        }
        return String(text.prefix(RollupKey.mostCharacters))
    }
}
