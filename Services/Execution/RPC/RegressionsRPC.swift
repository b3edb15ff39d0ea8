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

    let judge: RegressionJudge
    let results: ResultsRPC

    private var runs: RunStore { judge.runs }
    private var regressions: RegressionStore { judge.regressions }

    func listRegressions(request: PBListRegressionsRequest, context: ServerContext) async throws -> PBListRegressionsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor, most: Self.mostInPage)
        let cursor = try page.cursor.map { text throws(Fault) in try ComparisonCursor(text) }
        var wanted: Set<RegressionAssessment.Kind> = []
        for kind in request.assessment { wanted.insert(try RegressionAssessment.Kind(kind)) }
        let (pair, told) = try await judge.pair(request.run, baseline: request.baseline, branch: request.branch)
        // A run that was told has its receipt; of any other this answer is kept, the same for every page of it.
        let isKept = told == nil && judge.isKept(pair)
        let compared = try await judge.compare(pair, isKept: isKept)
        let (counts, first) = (compared.counts, compared.first)
        // Beyond the first thousand tests a page is looked at by itself, and nothing is narrowed to what it is believed to be.
        let isBeyond = cursor.map { cursor in first.last.map { $0.test <= cursor.test } ?? false } ?? false
        let rest =
            isBeyond && wanted.isEmpty
            ? try await regressions.differences(
                pair.span, against: pair.base, after: request.cursor, limit: page.limit, by: compared.names, tenant: pair.tenant) : nil
        var assessed = try await assessed(first, pair)
        let summary = AssessmentCounts(first.compactMap { assessed[$0.test]?.holding }, of: counts.all)
        let evidence = assessed.compactMapValues(\.evidence)
        if let rest { assessed = try await self.assessed(rest.items, pair) }
        let listed =
            rest
            ?? self.page(first, page, behind: cursor, of: counts.all) { test in
                wanted.isEmpty || assessed[test].map { wanted.contains($0.holding) } ?? false
            }
        let kept = isKept ? compared.turning : []
        let shown = Set(listed.items.map(\.test))
        let origins = try await judge.origins(listed.items.map(\.test) + kept.filter { !shown.contains($0) }, pair)
        let answer = isKept ? try judge.receipt(pair, compared, evidence, origins, at: Date()) : nil
        let receipt = if let answer { try await judge.answers.keep(answer, of: pair.run, tenant: pair.tenant) } else { told }
        let data = try explained(listed.items, pair, assessed, origins, told: told)
        return .with {
            $0.data = data
            $0.page = PBPage(listed)
            $0.heldAgainst = PBHeldAgainst(pair.held)
            $0.summary = PBRegressionSummary(counts, summary)
            if let receipt { $0.receipt = PBRegressionReceipt(receipt) }
        }
    }

    func replayRegressions(request: PBReplayRegressionsRequest, context: ServerContext) async throws -> PBRegressionReplay {
        let caller = Caller.current
        let (run, span) = try await runs.span(ID(request.run, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        let receipt = try await receipt(request, of: run, tenant: caller.tenant)
        let names = receipt.names(try receipt.known())
        let (_, base) = try await runs.span(receipt.held.run, tenant: caller.tenant)
        let counts = try await regressions.counts(span, against: base, by: names, tenant: caller.tenant)
        let differences = try await regressions.differences(span, against: base, by: names, tenant: caller.tenant).items
        return PBRegressionReplay(try RegressionReplay(receipt, counts, differences))
    }

    /// What the run was told when it was finished, or what was answered about it, which is the newest unless it is named.
    private func receipt(_ request: PBReplayRegressionsRequest, of run: Run, tenant: ID<Tenant>) async throws -> RegressionReceipt {
        let isNamed = !(request.baseline + request.branch + request.inputHash).isEmpty
        if !isNamed, let told = try await judge.receipts.find(run.id, tenant: tenant) { return told }
        let baseline = request.baseline.isEmpty ? nil : try ID<Baseline>(request.baseline, field: "/baseline")
        // As in the list: a branch does not count beside a baseline, and without either it is the run's own.
        var branch: String?
        if baseline == nil, !request.branch.isEmpty { branch = request.branch }
        if !isNamed { branch = run.branch }
        let hash = request.inputHash.isEmpty ? nil : request.inputHash.lowercased()
        let found = try await judge.answers.find(run.id, baseline: baseline, branch: branch, hash: hash, tenant: tenant)
        guard let found else {
            throw Fault.notReplayable("Run \(run.id) was told nothing of that, neither when it was finished nor when somebody asked.")
        }
        return found
    }

    func listRegressionStates(request: PBListRegressionStatesRequest, context: ServerContext) async throws -> PBListRegressionStatesResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor, most: Self.mostStates)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project.uuid)
        let listed = try await judge.baselines.listBaselinesInForce(
            .with {
                $0.project = project.description
                $0.cursor = request.cursor
                $0.limit = Int32(request.limit == 0 ? Self.usualStates : page.limit)
            })
        let held = try listed.data.map { try HeldAgainst($0) }
        let states = try await RegressionStates(judge: judge).find(held, of: project, tenant: caller.tenant)
        return .with {
            $0.data = states.map(PBRegressionState.init)
            $0.page = listed.page
        }
    }

    func compareBaselines(request: PBCompareBaselinesRequest, context: ServerContext) async throws -> PBCompareRunsResponse {
        let ids = [request.baseline, request.base]
        let found = try await judge.baselines.findBaselines(.with { $0.baselines = ids }).data
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

    // MARK: - What it is, and since when

    private func assessed(_ differences: [TestDifference], _ pair: RegressionJudge.Pair) async throws -> [ID<TestIdentity>: AssessedRegression] {
        let known = try await judge.evidence(differences, in: pair.run)
        let words = try await judge.words(on: differences.map(\.test), pair)
        return differences.reduce(into: [:]) { all, difference in
            let evidence = known[difference.test]
            all[difference.test] = AssessedRegression(
                test: difference.test, evidence: evidence, machine: RegressionAssessment(evidence),
                words: words[difference.test] ?? RegressionWords())
        }
    }

    /// The tests behind a cursor that are wanted, out of the first thousand.
    private func page(
        _ first: [TestDifference], _ page: PageRequest, behind cursor: ComparisonCursor?, of all: Int, wants: (ID<TestIdentity>) -> Bool
    ) -> Page<TestDifference> {
        let behind = first.drop { difference in cursor.map { difference.test <= $0.test } ?? false }
        let found = Array(behind.filter { wants($0.test) }.prefix(page.limit + 1))
        let listed = Page(rows: found, limit: page.limit) { ComparisonCursor($0).text }
        // The first thousand may end exactly with a page.
        guard listed.next == nil, first.count < all, found.count == behind.count, let last = found.last else { return listed }
        return Page(rows: found + [last], limit: found.count) { _ in ComparisonCursor(last).text }
    }

    /// - Parameter told: what the run was told when it was finished; where that was another origin, both are shown.
    private func explained(
        _ differences: [TestDifference], _ pair: RegressionJudge.Pair, _ assessed: [ID<TestIdentity>: AssessedRegression],
        _ origins: [ID<TestIdentity>: RegressionJudge.Turned], told: RegressionReceipt?
    ) throws -> [PBRegression] {
        guard !differences.isEmpty else { return [] }
        var before: [ID<TestIdentity>: RegressionOrigin] = [:]
        // A receipt that cannot be read says so when it is replayed.
        for failure in (try? told?.known())?.failures ?? [] { before[failure.test] = failure.origin }
        return try differences.compactMap { difference in
            guard let origin = origins[difference.test]?.origin else { return nil }
            var message = PBRegression(difference, origin, told: before[difference.test])
            if let assessed = assessed[difference.test] {
                message.assessment = try PBRegressionAssessment(assessed, baseline: ID(pair.held.id))
                message.culpritSha = assessed.words.holding?.commit ?? ""
            }
            return message
        }
    }
}
