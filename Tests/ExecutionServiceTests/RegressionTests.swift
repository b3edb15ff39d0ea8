import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Jobs
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import ExecutionService

@Suite("regressions", .database(ExecutionProgram.schema, JobSchema.schema))
struct RegressionTests {
    /// What Validation would say.
    final class Baselines: PBBaselinesInForce.SimpleServiceProtocol {
        let baselines = Mutex<[PBBaseline]>([])

        func listBaselinesInForce(request: PBListBaselinesInForceRequest, context: ServerContext) async throws -> PBListBaselinesInForceResponse {
            .with {
                $0.data = baselines.withLock { all in
                    all.filter { !request.hasBranch || $0.branch == request.branch && $0.environment == request.environment }
                }
            }
        }

        func findBaselines(request: PBFindBaselinesRequest, context: ServerContext) async throws -> PBFindBaselinesResponse {
            .with { $0.data = baselines.withLock { all in all.filter { request.baselines.contains($0.id) } } }
        }
    }

    /// What Analytics would say.
    final class Turns: PBTurns.SimpleServiceProtocol {
        let turns = Mutex<[PBTurn]>([])

        func listTurns(request: PBListTurnsRequest, context: ServerContext) async throws -> PBListTurnsResponse {
            .with { $0.data = turns.withLock { all in all.filter { request.tests.contains($0.test) } } }
        }
    }

    let fixture = UploadFixture()
    let held = Baselines()
    let turned = Turns()

    private func run(_ cases: [(name: String, body: String)], commit: String, branch: String = "main") async throws -> ID<Run> {
        let xml = cases.map { "<testcase name='\($0.name)'>\($0.body)</testcase>" }.joined()
        let draft = try UploadDraft(
            project: fixture.project, name: UUID().uuidString, branch: branch, commit: commit, environment: "ci", tags: [:], lane: .trusted)
        var parts = UploadFixture.Parts([("report.xml", Data("<testsuite name='s'>\(xml)</testsuite>".utf8))])
        return try await fixture.ingest.receive(
            Ingest.Order(draft: draft, tenant: fixture.tenant, actor: "key_test", key: nil, now: Date()), &parts
        ).upload.run
    }

    private func baseline(_ run: ID<Run>, _ name: ID<ExecutionService.Baseline> = .new(), branch: String = "main") -> PBBaseline {
        .with {
            $0.id = name.description
            $0.number = 1
            $0.run = run.description
            $0.branch = branch
            $0.environment = "ci"
            $0.commitSha = "c0"
        }
    }

    private func serve<R: Sendable>(_ body: (PBRegressions.Client<InProcess.Transport>) async throws -> R) async throws -> R {
        let comparisons = ComparisonStore(database: fixture.database)
        let results = ResultsRPC(
            runs: fixture.runs, results: fixture.results, tags: fixture.tags, suites: fixture.suites, comparisons: comparisons)
        let caller = Caller(tenant: fixture.tenant, actor: "key_a", permissions: ["runs.read"])
        return try await InProcess.serve([held, turned], as: .service("execution", tenant: fixture.tenant), signedBy: "execution") { upstream in
            let rpc = RegressionsRPC(
                runs: fixture.runs, regressions: RegressionStore(database: fixture.database, comparisons: comparisons),
                baselines: PBBaselinesInForce.Client(wrapping: upstream), turns: PBTurns.Client(wrapping: upstream), results: results)
            return try await InProcess.serve([rpc], rules: ExecutionContract.rules, as: caller) { client in
                try await body(PBRegressions.Client(wrapping: client))
            }
        }
    }

    @Test("what passed and fails now is told from what is new or was skipped; suspects are the commits since the last pass")
    func regressions() async throws {
        let base = try await run([("a", ""), ("skipped", "<skipped/>"), ("known", "<failure/>"), ("gone", "")], commit: "c0")
        let good = try await run([("a", "")], commit: "c1")
        _ = try await run([("b", "")], commit: "c2")
        _ = try await run([("b", "")], commit: "elsewhere", branch: "other")
        let bad = try await run([("a", "<failure/>")], commit: "c3")
        let last = try await run(
            [("a", "<failure/>"), ("skipped", "<error/>"), ("known", "<failure/>"), ("new", "<failure/>"), ("fine", "")], commit: "c4")
        held.baselines.withLock { $0 = [baseline(base)] }
        let test = TestIdentity.id(project: fixture.project, suite: "s", className: "", name: "a")
        turned.turns.withLock { turns in
            turns = [
                .with {
                    $0.test = test.description
                    $0.lastPass = .with {
                        $0.run = good.description; $0.commitSha = "c1"
                    }
                    $0.firstFailure = .with {
                        $0.run = bad.description; $0.commitSha = "c3"
                    }
                }
            ]
        }
        try await serve { client in
            let found = try await client.listRegressions(.with { $0.run = last.description })
            let kinds = Dictionary(uniqueKeysWithValues: found.data.map { ($0.name, $0.kind) })
            #expect(kinds == ["a": .regressed, "skipped": .unskipped, "new": .added])
            #expect(found.heldAgainst.run == base.description && found.heldAgainst.number == 1)
            let summary = found.summary
            #expect([summary.regressed, summary.added, summary.unskipped, summary.stillFailing, summary.removed] == [1, 1, 1, 1, 1])
            let regressed = try #require(found.data.first { $0.name == "a" })
            #expect(regressed.firstBad.commitSha == "c3" && regressed.lastGood.run == good.description && regressed.suspects == ["c2", "c3"])
            #expect(regressed.baseline.outcome == .passed && regressed.run.outcome == .failed)
            // Nothing is known of this one's history: since the baseline, then, and up to the run itself.
            let unskipped = try #require(found.data.first { $0.name == "skipped" })
            #expect(unskipped.suspects == ["c1", "c2", "c3", "c4"] && unskipped.firstBad.run == last.description)
            let added = try #require(found.data.first { $0.name == "new" })
            #expect(!added.hasLastGood && added.firstBad.commitSha == "c4")

            let states = try await client.listRegressionStates(.with { $0.project = fixture.project.description })
            #expect(states.data.map(\.run) == [last.description] && states.data.first?.summary == summary)
        }
    }

    @Test("without a baseline there is nothing to hold a run against; another branch's can be named; two baselines are compared by their runs")
    func branches() async throws {
        let base = try await run([("a", "")], commit: "c0")
        let feature = try await run([("a", "<failure/>")], commit: "f1", branch: "feature")
        let (first, second) = (ID<ExecutionService.Baseline>.new(), ID<ExecutionService.Baseline>.new())
        held.baselines.withLock { $0 = [baseline(base, first), baseline(feature, second, branch: "release")] }
        try await serve { client in
            let none = try await InProcess.fault { try await client.listRegressions(.with { $0.run = feature.description }) }
            #expect(none.code == "regressions.no_baseline")
            let main = try await client.listRegressions(
                .with {
                    $0.run = feature.description
                    $0.branch = "main"
                })
            #expect(main.summary.regressed == 1 && main.data.first?.firstBad.run == feature.description && main.data.first?.suspects == ["f1"])
            let compared = try await client.compareBaselines(
                .with {
                    $0.baseline = second.description
                    $0.base = first.description
                })
            #expect(compared.data.map(\.kind) == [.newFailure])
            let unknown = try await InProcess.fault {
                try await client.compareBaselines(
                    .with {
                        $0.baseline = second.description
                        $0.base = ID<ExecutionService.Baseline>.new().description
                    })
            }
            #expect(unknown.code == "baseline.not_found")
        }
    }

    @Test(
        "suspects end with the first bad commit, without what passed and without repetitions; of many the newest stay",
        arguments: [
            (["a", "b", "b", "c"], "", "c", ["a", "b", "c"]), (["a", "b"], "a", "b", ["b"]), (["a"], "a", "a", ["a"]), ([], "g", "b", ["b"]),
            ((1...30).map(String.init), "0", "30", (11...30).map(String.init)), (["a"], "g", "", ["a"]),
        ] as [([String], String, String, [String])])
    func suspects(seen: [String], good: String, bad: String, expected: [String]) {
        #expect(Suspects(seen: seen, good: good, bad: bad).commits == expected)
    }
}
