import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.QualityScores`
struct QualityScoresRPC: PBQualityScores.SimpleServiceProtocol {
    let days: DayStore
    let tests: TestStore

    func getQualityScore(request: PBGetQualityScoreRequest, context: ServerContext) async throws -> PBQualityScore {
        let (project, tenant) = try TrendsRPC.project(request.project)
        let length = try TrendLength(days: request.days).days
        async let known = days.list(project: project, days: length, tenant: tenant)
        async let census = tests.census(project: project, tenant: tenant)
        let measured = try await QualityScore.measured(days: known, census: census)
        let score = QualityScore(measured, weights: try request.weights)
        return .with {
            $0.project = project.description
            if let value = score.score { $0.score = value }
            $0.data = score.shares.map(PBQualityTerm.init)
        }
    }
}

extension PBGetQualityScoreRequest {
    /// - Throws: `request.invalid` for what is no weight.
    fileprivate var weights: [QualityScore.Term: Double] {
        get throws(Fault) {
            var weights: [QualityScore.Term: Double] = [:]
            if hasFailingWeight { weights[.failing] = failingWeight }
            if hasFlakyWeight { weights[.flaky] = flakyWeight }
            if hasRegressedWeight { weights[.regressed] = regressedWeight }
            if hasSkippedWeight { weights[.skipped] = skippedWeight }
            guard weights.values.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
                throw .invalidField("weight", "out_of_range", "A weight is a number from 0.")
            }
            return weights
        }
    }
}

extension PBQualityTerm {
    fileprivate init(_ share: QualityScore.Share) {
        self.init()
        name =
            switch share.term {
            case .failing: .failing
            case .flaky: .flaky
            case .regressed: .regressed
            case .skipped: .skipped
            // Not measured yet.
            case .slower, .recovery: .unspecified
            }
        measured = share.measured
        zero = share.term.zero
        value = share.value
        weight = share.weight
        points = share.points
        most = share.most
    }
}
