import AnalyticsAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// Holds a run against a baseline and says of each test that fails since what it is believed to be: for people's questions, and when it is finished.
struct RegressionJudge: Sendable {
    /// Tests whose turning points are asked for at once.
    static let mostTurns = 50

    let runs: RunStore
    let regressions: RegressionStore
    let receipts: RegressionReceiptStore
    let answers: RegressionAnswerStore
    let verdicts: RegressionVerdictStore
    let baselines: any PBBaselinesInForce.ClientProtocol
    let turns: any PBTurns.ClientProtocol
    let evidence: any PBFailureEvidences.ClientProtocol

    /// A run and what it is held against.
    struct Pair: Sendable {
        let run: Run
        let span: RunSpan
        let held: HeldAgainst
        let base: RunSpan
        let tenant: ID<Tenant>

        /// The run, where it stands among others.
        var judged: RegressionPoint { RegressionPoint(run: run.id, commit: run.commit, at: run.startedAt ?? run.createdAt) }

        /// What people's words about its tests belong to.
        func line() throws -> RegressionVerdict.Line {
            RegressionVerdict.Line(
                project: run.project, baseline: try ID<Baseline>(held.id), branch: run.branch, environment: run.environment)
        }
    }

    // MARK: - What it is held against

    /// A run and its baseline: the one that is named, else the one in force on the branch that is named, else the one that the run was told, else the one
    /// in force on its own branch.
    /// - Returns: also what it was told, where it is held against that.
    /// - Throws: `run.not_found`, `baseline.not_found`, `regressions.no_baseline`.
    func pair(
        _ id: String, baseline: String, branch: String = ""
    ) async throws -> (pair: Pair, receipt: RegressionReceipt?) {
        let caller = Caller.current
        let (run, span) = try await runs.span(ID(id, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        let receipt = try await receipts.find(run.id, tenant: caller.tenant)
        let held =
            if !baseline.isEmpty {
                try await named(baseline, for: run)
            } else if !branch.isEmpty, branch != run.branch {
                try await inForce(for: run, branch: branch)
            } else if let receipt {
                // Whether it still stands, Validation knows.
                try await named(receipt.held.id, for: run)
            } else {
                try await inForce(for: run, branch: run.branch)
            }
        let (_, base) = try await runs.span(held.run, tenant: caller.tenant)
        let pair = Pair(run: run, span: span, held: held, base: base, tenant: caller.tenant)
        return (pair, receipt.flatMap { $0.held.id == held.id ? $0 : nil })
    }

    /// - Throws: `regressions.no_baseline`.
    func inForce(for run: Run, branch: String) async throws -> HeldAgainst {
        guard let found = try await findInForce(for: run, branch: branch) else {
            throw Fault.noBaseline(branch: branch, environment: run.environment)
        }
        return found
    }

    func findInForce(for run: Run, branch: String) async throws -> HeldAgainst? {
        let found = try await baselines.listBaselinesInForce(
            .with {
                $0.project = run.project.description
                $0.branch = branch
                $0.environment = run.environment
            })
        return try found.data.first.map(HeldAgainst.init)
    }

    /// - Throws: `baseline.not_found` for one of another project as well.
    func named(_ text: String, for run: Run) async throws -> HeldAgainst {
        let id = try ID<Baseline>(text, field: "baseline")
        let found = try await baselines.findBaselines(.with { $0.baselines = [id.description] }).data
        guard let first = found.first, first.project == run.project.description else { throw Fault.notFound("baseline", id) }
        return try HeldAgainst(first)
    }

    // MARK: - What is known

    /// What Analytics knows of tests that fail, in one call.
    func evidence(_ differences: [TestDifference], in run: Run) async throws -> [ID<TestIdentity>: FailureEvidence] {
        guard !differences.isEmpty else { return [:] }
        let answer = try await evidence.listFailureEvidence(
            .with {
                $0.project = run.project.description
                $0.run = run.id.description
                $0.branch = run.branch
                $0.environment = run.environment
                // Without it the answer would hang on whether Analytics has the run's own facts yet, and a receipt is written once.
                $0.commitSha = run.commit
                $0.startedAt = .init(milliseconds: run.startedAt ?? run.createdAt)
                $0.failures = differences.map { difference in
                    .with {
                        $0.test = difference.test.description
                        $0.result = difference.run?.result.description ?? ""
                    }
                }
            })
        var known: [ID<TestIdentity>: FailureEvidence] = [:]
        for message in answer.data { known[try ID(message.test)] = FailureEvidence(message) }
        return known
    }

    /// Where tests turned, up to a run.
    func turned(_ tests: [ID<TestIdentity>], in run: Run) async throws -> [ID<TestIdentity>: PBTurn] {
        var known: [ID<TestIdentity>: PBTurn] = [:]
        for start in stride(from: 0, to: tests.count, by: Self.mostTurns) {
            let answer = try await turns.listTurns(
                .with {
                    $0.project = run.project.description
                    $0.tests = tests[start..<min(start + Self.mostTurns, tests.count)].map(\.description)
                    $0.branch = run.branch
                    $0.environment = run.environment
                    $0.until = .init(milliseconds: run.startedAt ?? run.createdAt)
                })
            for message in answer.data { known[try ID(message.test)] = message }
        }
        return known
    }

    /// Where tests turned, each up to a run of its own, in their order: as many calls as it takes for all, whatever runs they fail in.
    func turned(_ asked: [(test: ID<TestIdentity>, run: Run)], of project: ID<Project>) async throws -> [PBTurn] {
        var turned: [PBTurn] = []
        for start in stride(from: 0, to: asked.count, by: Self.mostTurns) {
            let piece = asked[start..<min(start + Self.mostTurns, asked.count)]
            let places = piece.map { one in
                PBTurnPlace.with {
                    $0.branch = one.run.branch
                    $0.environment = one.run.environment
                    $0.until = .init(milliseconds: one.run.startedAt ?? one.run.createdAt)
                }
            }
            let answer = try await turns.listTurns(
                .with {
                    $0.project = project.description
                    $0.tests = piece.map { $0.test.description }
                    $0.places = places
                    // An Analytics of the release before knows no places.
                    if let only = places.first, places.allSatisfy({ $0 == only }) {
                        ($0.branch, $0.environment, $0.until) = (only.branch, only.environment, only.until)
                    }
                })
            turned += answer.data
        }
        return turned
    }

    /// What people say of tests, those that have words. Hardly any has, and only of those it has to be asked when they passed last.
    func words(on tests: [ID<TestIdentity>], _ pair: Pair) async throws -> [ID<TestIdentity>: RegressionWords] {
        guard !tests.isEmpty else { return [:] }
        let said = try await verdicts.find(tests, on: pair.line(), tenant: pair.tenant)
        guard !said.isEmpty else { return [:] }
        let turned = try await turned(said.keys.sorted(), in: pair.run)
        return said.reduce(into: [:]) { words, entry in
            let lastPass = turned[entry.key].flatMap { $0.hasLastPass ? $0.lastPass.at.date : nil }
            words[entry.key] = RegressionWords(
                holding: RegressionVerdict.holding(entry.value, in: pair.run, lastPass: lastPass), version: entry.value.map(\.version).max() ?? 1)
        }
    }

    // MARK: - When a run is finished

    /// Writes down what a run is told, unless it is there already or there is nothing to hold it against. A run that was opened again stays with the
    /// baseline that it was told first.
    func conclude(_ run: Run, at now: Date, tenant: ID<Tenant>) async throws {
        let earlier = try await receipts.find(run.id, tenant: tenant)
        guard (earlier?.version ?? 0) < run.version else { return }
        var told = earlier?.held
        if told == nil { told = try await findInForce(for: run, branch: run.branch) }
        guard let held = told, held.run != run.id else { return }
        let (_, span) = try await runs.span(run.id, tenant: tenant)
        let (_, base) = try await runs.span(held.run, tenant: tenant)
        let pair = Pair(run: run, span: span, held: held, base: base, tenant: tenant)
        let compared = try await compare(pair, isKept: true)
        let known = try await evidence(compared.first, in: run)
        let origins = try await origins(compared.turning, pair)
        try await receipts.insert(receipt(pair, compared, known, origins, at: now), of: run, tenant: tenant)
    }
}
