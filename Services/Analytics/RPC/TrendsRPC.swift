import AnalyticsAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.Trends`
struct TrendsRPC: PBTrends.SimpleServiceProtocol {
    let days: DayStore

    func getTrend(request: PBGetTrendRequest, context: ServerContext) async throws -> PBTrend {
        let caller = Caller.current
        let length = try TrendLength(days: request.days).days
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        let known = try await days.list(project: project, days: length, tenant: caller.tenant)
        return .with {
            $0.project = project.description
            $0.data = known.filled(length: length, until: Date()).map(PBTrendPoint.init)
        }
    }
}
