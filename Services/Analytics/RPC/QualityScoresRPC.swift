import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.QualityScores`
struct QualityScoresRPC: PBQualityScores.SimpleServiceProtocol {
    let tests: TestStore
    let rollups: RollupStore
    let sheets: SheetStore
    let revisions: RevisionStore

    func getQualityScore(request: PBGetQualityScoreRequest, context: ServerContext) async throws -> PBQualityScore {
        let (project, tenant) = try TrendsRPC.project(request.project)
        let length = try TrendLength(days: request.days).days
        let weights = try request.weights
        let revision = try await revisions.current(project: project, tenant: tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        async let known = rollups.days(.all, "", project: project, last: length, tenant: tenant)
        async let census = tests.census(project: project, tenant: tenant)
        let main = try await rollups.mainBranch(project: project, last: length, tenant: tenant)
        let pace = try await pace(of: main?.name ?? "", weeks: QualityScore.weeks(days: length), project: project, tenant: tenant)
        let (days, counted, recoveries) = try await (known, census, main?.recoveries ?? DurationHistogram())
        let score = QualityScore(QualityScore.measured(days: days, census: counted, recoveries: recoveries, pace: pace), weights: weights)
        let hash = QualityScore.inputHash(days: days, census: counted, recoveries: recoveries, pace: pace, weights: weights)
        return .with {
            $0.project = project.description
            if let value = score.score { $0.score = value }
            $0.data = score.shares.map(PBQualityTerm.init)
            $0.mainBranch = main?.name ?? ""
            $0.edition = QualityScore.edition
            $0.inputHash = PBStabilityReceipt.text(hash)
            $0.revision = revision
        }
    }

    private func pace(of branch: String, weeks: Int, project: ID<Project>, tenant: ID<Tenant>) async throws -> SetComparison? {
        guard let set = RunSet(branch: branch, environment: "") else { return nil }
        let now = Date()
        async let before = sheets.sheet(of: set, in: WeekRange(weeks, ago: weeks, now: now), project: project, tenant: tenant)
        async let after = sheets.sheet(of: set, in: WeekRange(weeks, now: now), project: project, tenant: tenant)
        return try await SetComparison(before, after)
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
            if hasSlowerWeight { weights[.slower] = slowerWeight }
            if hasRecoveryWeight { weights[.recovery] = recoveryWeight }
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
            case .slower: .slower
            case .recovery: .recovery
            }
        measured = share.measured
        zero = share.term.zero
        value = share.value
        weight = share.weight
        points = share.points
        most = share.most
    }
}
