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
    let facts: FactStore

    func getTestTrend(request: PBGetTestTrendRequest, context: ServerContext) async throws -> PBTestTrend {
        let caller = Caller.current
        let length = try TrendLength(days: request.days).days
        let period = try TrendPeriod(request.period)
        let test = try await tests.get(ID(request.test, field: "test"), tenant: caller.tenant)
        try caller.require(project: test.project)
        let now = Date()
        let reach = period.reach(length, until: now)
        let (found, isShortened) = try await facts.trend(of: test.id, days: reach, by: period, branch: request.branch, tenant: caller.tenant)
        let trend = TestTrend(found, isShortened: isShortened, of: [Day]().filled(length: reach, until: now).grouped(by: period).map(\.day))
        return .with {
            $0.test = test.id.description
            $0.data = trend.periods.enumerated().map { index, period in
                PBTrendPoint(period, isOver: index < trend.periods.count - 1 && (index > 0 || trend.beginsWhole))
            }
            $0.executions = trend.executions
            $0.shortened = trend.isShortened
        }
    }
}

extension PBTrendPoint {
    fileprivate init(_ period: TestTrend.Period, isOver: Bool) {
        self.init()
        day = period.day
        counts = PBCounts(period.tally)
        if let rate = period.tally.passRate { passRate = rate }
        testDurationMs = period.duration / 1000
        if let known = period.percentiles {
            durations = .with {
                ($0.p50Us, $0.p90Us, $0.p95Us, $0.p99Us) = (known.p50, known.p90, known.p95, known.p99)
                ($0.maxUs, $0.count) = (known.longest, known.count)
            }
        }
        complete = isOver
    }
}
