import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization
import TestSupport
import ValidationAPI

@testable import ExecutionService

/// What Validation would say.
final class KnownBaselines: PBBaselinesInForce.SimpleServiceProtocol {
    let baselines = Mutex<[PBBaseline]>([])

    /// The newest of a line is in force.
    func listBaselinesInForce(request: PBListBaselinesInForceRequest, context: ServerContext) async throws -> PBListBaselinesInForceResponse {
        .with {
            $0.data = baselines.withLock { all in
                all.filter { !request.hasBranch || $0.branch == request.branch && $0.environment == request.environment }
                    .filter { $0.state != .withdrawn }.sorted { $0.number > $1.number }
            }
        }
    }

    func findBaselines(request: PBFindBaselinesRequest, context: ServerContext) async throws -> PBFindBaselinesResponse {
        .with { $0.data = baselines.withLock { all in all.filter { request.baselines.contains($0.id) } } }
    }
}

/// Where tests turned, as Analytics would say: nowhere for those that are not in it.
final class KnownTurns: PBTurns.SimpleServiceProtocol {
    let turns = Mutex<[PBTurn]>([])
    let asked = Mutex<[PBListTurnsRequest]>([])

    func listTurns(request: PBListTurnsRequest, context: ServerContext) async throws -> PBListTurnsResponse {
        asked.withLock { $0.append(request) }
        let known = turns.withLock { $0 }
        return .with {
            $0.data = request.tests.map { test in
                known.first { $0.test == test } ?? .with { $0.test = test }
            }
        }
    }
}

/// What is known of failures, as Analytics would say: nothing of tests that are not in it.
final class KnownFailures: PBFailureEvidences.SimpleServiceProtocol {
    let evidence = Mutex<[PBFailureEvidence]>([])
    /// How many tests each call was about.
    let calls = Mutex<[Int]>([])
    /// Of which commit the run of each call was.
    let commits = Mutex<[String]>([])

    func listFailureEvidence(request: PBListFailureEvidenceRequest, context: ServerContext) async throws -> PBListFailureEvidenceResponse {
        calls.withLock { $0.append(request.failures.count) }
        commits.withLock { $0.append(request.commitSha) }
        let known = evidence.withLock { $0 }
        return .with {
            $0.data = request.failures.map { failure in
                known.first { $0.test == failure.test } ?? .with { $0.test = failure.test }
            }
        }
    }
}

extension UploadFixture {
    func judge(_ client: InProcess.Client) -> RegressionJudge {
        RegressionJudge(
            runs: runs, regressions: RegressionStore(database: database, comparisons: ComparisonStore(database: database)),
            receipts: RegressionReceiptStore(database: database), answers: RegressionAnswerStore(database: database),
            verdicts: RegressionVerdictStore(database: database),
            baselines: PBBaselinesInForce.Client(wrapping: client), turns: PBTurns.Client(wrapping: client),
            evidence: PBFailureEvidences.Client(wrapping: client))
    }
}

/// Uploads, what is known elsewhere, and the services that are asked of them.
protocol RegressionSuite: Sendable {
    var fixture: UploadFixture { get }
    var held: KnownBaselines { get }
    var turned: KnownTurns { get }
    var known: KnownFailures { get }
}

extension RegressionSuite {
    func run(_ cases: [(name: String, body: String)], commit: String, branch: String = "main") async throws -> ID<Run> {
        let xml = cases.map { "<testcase name='\($0.name)'>\($0.body)</testcase>" }.joined()
        let draft = try UploadDraft(
            project: fixture.project, name: UUID().uuidString, branch: branch, commit: commit, environment: "ci", tags: [:], lane: .trusted)
        var parts = UploadFixture.Parts([("report.xml", Data("<testsuite name='s'>\(xml)</testsuite>".utf8))])
        return try await fixture.ingest.receive(
            Ingest.Order(draft: draft, tenant: fixture.tenant, actor: "key_test", key: nil, now: Date()), &parts
        ).upload.run
    }

    func baseline(
        _ run: ID<Run>, _ name: ID<ExecutionService.Baseline> = .new(), branch: String = "main", number: Int64 = 1
    ) -> PBBaseline {
        .with {
            $0.id = name.description
            $0.project = fixture.project.description
            $0.state = .approved
            $0.number = number
            $0.run = run.description
            $0.branch = branch
            $0.environment = "ci"
            $0.commitSha = "c0"
        }
    }

    /// - Parameter lane: of who asks.
    func serve<R: Sendable>(lane: Lane = .trusted, _ body: (InProcess.Client) async throws -> R) async throws -> R {
        let results = ResultsRPC(
            runs: fixture.runs, results: fixture.results, tags: fixture.tags, suites: fixture.suites,
            comparisons: ComparisonStore(database: fixture.database))
        let caller = Caller(
            identity: CallerIdentity(
                tenant: fixture.tenant, actor: "usr_a", permissions: ["runs.read", "failures.triage"], projects: nil, lane: lane))
        let others: [any RegistrableRPCService] = [held, turned, known]
        return try await InProcess.serve(others, as: .service("execution", tenant: fixture.tenant), signedBy: "execution") { upstream in
            let judge = fixture.judge(upstream)
            let rpc: [any RegistrableRPCService] = [RegressionsRPC(judge: judge, results: results), RegressionVerdictsRPC(judge: judge)]
            return try await InProcess.serve(rpc, rules: ExecutionContract.rules, as: caller) { try await body($0) }
        }
    }

    func regressions<R: Sendable>(_ body: (PBRegressions.Client<InProcess.Transport>) async throws -> R) async throws -> R {
        try await serve { try await body(PBRegressions.Client(wrapping: $0)) }
    }

    /// As the job does when a run is finished.
    func conclude(_ run: ID<Run>) async throws {
        let finished = try await fixture.runs.get(run, tenant: fixture.tenant)
        let caller = Caller.service("execution", tenant: fixture.tenant)
        try await InProcess.serve([held, turned, known], as: caller, signedBy: "execution") { upstream in
            try await Caller.with(caller) { try await fixture.judge(upstream).conclude(finished, at: Date(), tenant: fixture.tenant) }
        }
    }

    func test(_ name: String) -> String {
        TestIdentity.id(project: fixture.project, suite: "s", className: "", name: name).description
    }

    /// What Analytics knows of tests, by name.
    func tell(_ evidence: [(name: String, body: (inout PBFailureEvidence) -> Void)]) {
        known.evidence.withLock { all in
            all = evidence.map { name, body in
                var message = PBFailureEvidence.with { $0.test = test(name) }
                body(&message)
                return message
            }
        }
    }
}
