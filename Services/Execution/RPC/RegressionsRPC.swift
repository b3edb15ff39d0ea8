import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.execution.v1.Regressions`. Results are here; what a run is held against Validation knows, and since when a test fails Analytics.
struct RegressionsRPC: PBRegressions.SimpleServiceProtocol {
    /// Regressions of a page: each has its history looked through.
    static let mostInPage = 50
    /// Branches of a page: each is a comparison of two runs.
    static let mostStates = 50
    static let usualStates = 10

    let runs: RunStore
    let regressions: RegressionStore
    let baselines: any PBBaselinesInForce.ClientProtocol
    let turns: any PBTurns.ClientProtocol
    let results: ResultsRPC

    func listRegressions(request: PBListRegressionsRequest, context: ServerContext) async throws -> PBListRegressionsResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor, most: Self.mostInPage)
        let (run, span) = try await runs.span(ID(request.run, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        let held = try await baseline(of: run, branch: request.branch.isEmpty ? run.branch : request.branch)
        let (_, base) = try await runs.span(held.run, tenant: caller.tenant)
        let counts = try await regressions.counts(span, against: base, tenant: caller.tenant)
        let found = try await regressions.comparisons.list(span, against: base, kinds: [.newFailure], page, tenant: caller.tenant)
        let data = try await explained(found.items, run, held, tenant: caller.tenant)
        return .with {
            $0.data = data
            $0.page = PBPage(found)
            $0.heldAgainst = PBHeldAgainst(held)
            $0.summary = PBRegressionSummary(counts)
        }
    }

    func listRegressionStates(request: PBListRegressionStatesRequest, context: ServerContext) async throws -> PBListRegressionStatesResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor, most: Self.mostStates)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project.uuid)
        let listed = try await baselines.listBaselinesInForce(
            .with {
                $0.project = project.description
                $0.cursor = request.cursor
                $0.limit = Int32(request.limit == 0 ? Self.usualStates : page.limit)
            })
        var states: [PBRegressionState] = []
        for message in listed.data { states.append(try await state(HeldAgainst(message), tenant: caller.tenant)) }
        return .with {
            $0.data = states
            $0.page = listed.page
        }
    }

    func compareBaselines(request: PBCompareBaselinesRequest, context: ServerContext) async throws -> PBCompareRunsResponse {
        let ids = [request.baseline, request.base]
        let found = try await baselines.findBaselines(.with { $0.baselines = ids }).data
        for (id, field) in zip(ids, ["baseline", "base"]) where !found.contains(where: { $0.id == id }) {
            throw Fault.notFound("baseline", try ID<Baseline>(id, field: field))
        }
        return try await results.compareRuns(
            request: .with {
                $0.run = found.first { $0.id == request.baseline }?.run ?? ""
                $0.base = found.first { $0.id == request.base }?.run ?? ""
                $0.limit = request.limit
                $0.cursor = request.cursor
                $0.kind = request.kind
            }, context: context)
    }

    /// - Throws: `regressions.no_baseline`.
    private func baseline(of run: Run, branch: String) async throws -> HeldAgainst {
        let found = try await baselines.listBaselinesInForce(
            .with {
                $0.project = run.project.description
                $0.branch = branch
                $0.environment = run.environment
            })
        guard let first = found.data.first else { throw Fault.noBaseline(branch: branch, environment: run.environment) }
        return try HeldAgainst(first)
    }

    private func state(_ held: HeldAgainst, tenant: ID<Tenant>) async throws -> PBRegressionState {
        var state = PBRegressionState.with { $0.heldAgainst = PBHeldAgainst(held) }
        let (base, baseSpan) = try await runs.span(held.run, tenant: tenant)
        guard let newest = try await regressions.newest(after: base, branch: held.branch, environment: held.environment, tenant: tenant) else {
            return state
        }
        let (run, span) = try await runs.span(newest, tenant: tenant)
        state.run = run.id.description
        state.commitSha = run.commit
        if let finishedAt = run.finishedAt { state.finishedAt = .init(milliseconds: finishedAt) }
        state.summary = PBRegressionSummary(try await regressions.counts(span, against: baseSpan, tenant: tenant))
        return state
    }

    // MARK: - Since when

    private func explained(
        _ differences: [TestDifference], _ run: Run, _ held: HeldAgainst, tenant: ID<Tenant>
    ) async throws -> [PBRegression] {
        guard !differences.isEmpty else { return [] }
        let turned = try await turns.listTurns(
            .with {
                $0.project = run.project.description
                $0.tests = differences.map(\.test.description)
                $0.branch = run.branch
                $0.environment = run.environment
                $0.until = .init(milliseconds: run.startedAt ?? run.createdAt)
            }
        ).data
        let known = Dictionary(turned.map { ($0.test, $0) }) { first, _ in first }
        // Tests that turned at the same place have the same suspects.
        var suspects: [[ID<Run>]: Suspects] = [:]
        var found: [PBRegression] = []
        for difference in differences {
            let turn = known[difference.test.description]
            let good =
                try turn.flatMap { $0.hasLastPass ? try RegressionPoint($0.lastPass) : nil }
                ?? RegressionPoint(run: held.run, commit: held.commit, at: nil)
            // Its own facts may be on their way still, and those of untrusted runs never come.
            let bad =
                try turn.flatMap { $0.hasFirstFailure ? try RegressionPoint($0.firstFailure) : nil }
                ?? RegressionPoint(run: run.id, commit: run.commit, at: run.startedAt ?? run.createdAt)
            let place = [good.run, bad.run]
            if suspects[place] == nil {
                suspects[place] = Suspects(
                    seen: try await regressions.commits(
                        after: good.run, upTo: bad.run, branch: run.branch, project: run.project, tenant: tenant),
                    good: good.commit, bad: bad.commit)
            }
            found.append(PBRegression(difference, good: good, bad: bad, suspects[place]))
        }
        return found
    }
}
