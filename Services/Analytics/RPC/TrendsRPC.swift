import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.Trends`
struct TrendsRPC: PBTrends.SimpleServiceProtocol {
    let days: DayStore
    let rollups: RollupStore
    let revisions: RevisionStore

    func getTrend(request: PBGetTrendRequest, context: ServerContext) async throws -> PBTrend {
        let (project, tenant) = try Self.project(request.project)
        let length = try TrendLength(days: request.days).days
        let period = try TrendPeriod(request.period)
        let dimension = try TrendDimension(request.dimension)
        let revision = try await revisions.current(project: project, tenant: tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        guard dimension != .all else {
            guard request.value.isEmpty else { throw Fault.invalidField("value", "unexpected", "value needs a dimension.") }
            async let counted = days.list(project: project, days: length, tenant: tenant)
            async let timed = rollups.days(.all, "", project: project, last: length, tenant: tenant)
            let known = try await counted.timed(by: timed)
            let points = known.filled(length: length, until: Date()).grouped(by: period).map { PBTrendPoint($0, of: .all) }
            return Self.trend(project, points, revision)
        }
        guard !request.value.isEmpty else { throw Fault.invalidField("value", "missing", "The dimension's value is needed.") }
        let value = String(request.value.prefix(RollupKey.mostCharacters))
        let known = try await rollups.days(dimension, value, project: project, last: length, tenant: tenant)
        let points = known.filled(length: length, until: Date()).grouped(by: period).map { PBTrendPoint($0, of: dimension) }
        return Self.trend(project, points, revision)
    }

    func listTrendValues(request: PBListTrendValuesRequest, context: ServerContext) async throws -> PBListTrendValuesResponse {
        let (project, tenant) = try Self.project(request.project)
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let length = try TrendLength(days: request.days).days
        let dimension = try TrendDimension(request.dimension)
        guard dimension != .all else { throw Fault.invalidField("dimension", "missing", "SUITE, BRANCH, ENVIRONMENT or TAG is needed.") }
        let revision = try await revisions.current(project: project, tenant: tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        let listed = try await rollups.values(page, of: dimension, project: project, last: length, tenant: tenant)
        return .with {
            $0.revision = revision
            $0.data = listed.items.map(PBTrendValue.init)
            $0.page = PBPage(listed)
        }
    }

    func getTrendChanges(request: PBGetTrendChangesRequest, context: ServerContext) async throws -> PBTrendChanges {
        let (project, tenant) = try Self.project(request.project)
        let length = request.days == 0 ? 90 : try TrendLength(days: request.days).days
        let revision = try await revisions.current(project: project, tenant: tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        let known = try await rollups.days(.all, "", project: project, last: length, tenant: tenant)
        var changes: [PBTrendChange] = []
        for change in TrendChange.all(in: known) {
            let parts = change.figure == .passRate ? try await rollups.parts(of: change, project: project, tenant: tenant) : []
            func tally(_ range: ClosedRange<String>) -> Tally {
                known.filter { range.contains($0.day) }.reduce(into: Tally()) { $0.add($1.telling) }
            }
            let causes = TrendCause.of(before: tally(change.daysBefore), after: tally(change.daysAfter), parts: parts)
            changes.append(PBTrendChange(change, causes: causes))
        }
        let data = changes
        return .with {
            $0.project = project.description
            $0.data = data
            $0.revision = revision
        }
    }

    private static func trend(_ project: ID<Project>, _ points: [PBTrendPoint], _ revision: Int64) -> PBTrend {
        .with {
            $0.project = project.description
            $0.revision = revision
            $0.data = points
        }
    }

    static func project(_ text: String) throws -> (project: ID<Project>, tenant: ID<Tenant>) {
        let caller = Caller.current
        let project = try ID<Project>(text, field: "project")
        try caller.require(project: project)
        return (project, caller.tenant)
    }
}
