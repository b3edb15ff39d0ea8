import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.TestTrends`
struct TestTrendsRPC: PBTestTrends.SimpleServiceProtocol {
    let tests: TestStore
    let days: TestDayStore
    let revisions: RevisionStore

    func getTestTrend(request: PBGetTestTrendRequest, context: ServerContext) async throws -> PBTestTrend {
        let caller = Caller.current
        let length = try TrendLength(days: request.days).days
        let period = try TrendPeriod(request.period)
        let test = try await tests.get(ID(request.test, field: "test"), tenant: caller.tenant)
        try caller.require(project: test.project)
        let revision = try await revisions.current(project: test.project, tenant: caller.tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        let now = Date()
        let reach = period.reach(length, until: now)
        let (found, cut) = try await days.trend(of: test, days: reach, branch: request.branch, tenant: caller.tenant)
        let trend = TestTrend(found.filled(length: reach, until: now), by: period, cut: cut)
        return .with {
            $0.test = test.id.description
            $0.data = trend.periods.enumerated().map { index, one in
                PBTrendPoint(one, of: .suite, isOver: index < trend.periods.count - 1 && one.day != trend.partial)
            }
            $0.executions = trend.executions
            $0.shortened = trend.isShortened
            // What is left out comes when its days are counted, which changes nothing else.
            $0.revision = trend.isShortened ? 0 : revision
        }
    }
}
