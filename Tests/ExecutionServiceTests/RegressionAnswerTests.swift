import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import ExecutionService

@Suite("what was answered about regressions to who asked", .database(ExecutionProgram.schema, JobSchema.schema))
struct RegressionAnswerTests: RegressionSuite {
    let fixture = UploadFixture()
    let held = KnownBaselines()
    let turned = KnownTurns()
    let known = KnownFailures()

    /// Of a branch that has no baseline of its own.
    private func pullRequest() async throws -> (run: ID<Run>, baseline: ID<ExecutionService.Baseline>) {
        let base = try await run([("a", ""), ("b", "")], commit: "c0")
        let feature = try await run([("a", "<failure/>"), ("b", "<failure/>")], commit: "f1", branch: "feature/x")
        let id = ID<ExecutionService.Baseline>.new()
        held.baselines.withLock { $0 = [baseline(base, id)] }
        return (feature, id)
    }

    private func tell(_ kind: PBStability.Kind, of name: String = "a") {
        tell([
            (
                name,
                {
                    $0.kind = kind
                    $0.confidence = 0.99
                }
            )
        ])
    }

    private func question(_ run: ID<Run>, branch: String = "main", limit: Int32 = 0, cursor: String = "") -> PBListRegressionsRequest {
        .with {
            $0.run = run.description
            $0.branch = branch
            $0.limit = limit
            $0.cursor = cursor
        }
    }

    @Test("a run held against another branch's baseline has each answer kept once, and each is judged again by what was known then")
    func kept() async throws {
        let (feature, id) = try await pullRequest()
        tell(.stable)
        try await regressions { client in
            let first = try await client.listRegressions(question(feature))
            let receipt = first.receipt
            #expect(receipt.asked && receipt.heldAgainst.baseline == id.description && receipt.edition == AssessmentEdition.current.number)
            #expect(receipt.inputHash.count == 64 && receipt.summary.assessed == first.summary.assessed && receipt.summary.assessed.regression == 1)
            // The same answer is the first one, on every page of it and however it is narrowed.
            let page = try await client.listRegressions(question(feature, limit: 1))
            let rest = try await client.listRegressions(question(feature, limit: 1, cursor: page.page.nextCursor))
            var narrow = question(feature, branch: "")
            narrow.baseline = id.description
            narrow.assessment = [.flake]
            let none = try await client.listRegressions(narrow)
            #expect(page.data.count == 1 && rest.data.count == 1 && none.data.isEmpty)
            #expect([page.receipt, rest.receipt, none.receipt] == [receipt, receipt, receipt])
            #expect(try await [fixture.count("regression_answers"), fixture.count("regression_receipts")] == [1, 0])

            let ways: [(inout PBReplayRegressionsRequest) -> Void] = [{ $0.branch = "main" }, { $0.baseline = id.description }]
            for way in ways {
                let replay = try await client.replayRegressions(
                    .with {
                        $0.run = feature.description
                        way(&$0)
                    })
                #expect(replay.agrees && replay.receipt == receipt && replay.inputHash == receipt.inputHash)
            }
            // Of its own branch, and of another baseline, nothing was said.
            let others: [(inout PBReplayRegressionsRequest) -> Void] = [
                { _ in }, { $0.branch = "release" }, { $0.baseline = ID<ExecutionService.Baseline>.new().description }, { $0.inputHash = "00" },
            ]
            for other in others {
                let refused = try await InProcess.fault {
                    try await client.replayRegressions(
                        .with {
                            $0.run = feature.description
                            other(&$0)
                        })
                }
                #expect(refused.code == "regressions.not_replayable")
            }

            // Something else is known tomorrow: another answer, and the first one stays what it was.
            tell(.flaky)
            let second = try await client.listRegressions(question(feature))
            #expect(second.receipt.inputHash != receipt.inputHash && second.receipt.summary.assessed.flake == 1)
            let newest = try await client.replayRegressions(
                .with {
                    $0.run = feature.description
                    $0.branch = "main"
                })
            #expect(newest.agrees && newest.receipt == second.receipt)
            let earlier = try await client.replayRegressions(
                .with {
                    $0.run = feature.description
                    $0.inputHash = receipt.inputHash.uppercased()
                })
            #expect(earlier.agrees && earlier.receipt == receipt && earlier.summary.assessed.regression == 1)
        }
    }

    @Test("two who ask at once have one answer, which nobody can change or delete")
    func atOnce() async throws {
        let (feature, _) = try await pullRequest()
        try await regressions { client in
            let asked = question(feature)
            async let one = client.listRegressions(asked)
            async let other = client.listRegressions(asked)
            let receipts = try await [one.receipt, other.receipt]
            #expect(receipts[0].asked && receipts[0] == receipts[1])
        }
        let counts = try await fixture.database.transaction(.tenant(fixture.tenant)) { tx in
            [
                try await tx.execute("update regression_answers set run_id = run_id"), try await tx.execute("delete from regression_answers"),
                try await tx.one("select count(*) as n from regression_answers") { try $0.value("n", as: Int.self) },
            ]
        }
        #expect(counts == [0, 0, 1])
    }

    @Test("what finished before a baseline was in force is answered about its own branch; what a run was told stays what it was told")
    func ownBranch() async throws {
        let base = try await run([("a", "")], commit: "c0")
        let early = try await run([("a", "<failure/>")], commit: "c1")
        try await conclude(early)
        held.baselines.withLock { $0 = [baseline(base)] }
        let late = try await run([("a", "<failure/>")], commit: "c2")
        try await conclude(late)
        try await regressions { client in
            let asked = try await client.listRegressions(question(early, branch: ""))
            #expect(asked.receipt.asked && asked.summary.regressed == 1)
            #expect(try await client.replayRegressions(.with { $0.run = early.description }).receipt == asked.receipt)
            let told = try await client.listRegressions(question(late, branch: ""))
            #expect(told.hasReceipt && !told.receipt.asked)
            #expect(try await client.replayRegressions(.with { $0.run = late.description }).receipt == told.receipt)
            #expect(try await fixture.count("regression_answers") == 1)
        }
    }

    @Test("nothing is kept of a run that is not finished, nor of a trusted one for a fork; of a fork's own run it is")
    func lanes() async throws {
        let (feature, _) = try await pullRequest()
        let report = Data("<testsuite name='s'><testcase name='a'><failure/></testcase></testsuite>".utf8)
        let fork = try await fixture.upload(report, name: UUID().uuidString, lane: .untrusted).upload.run
        try await serve(lane: .untrusted) { client in
            let client = PBRegressions.Client(wrapping: client)
            let theirs = try await client.listRegressions(question(feature))
            #expect(theirs.summary.regressed == 2 && !theirs.hasReceipt)
            #expect(try await client.listRegressions(question(fork)).receipt.asked)
        }
        try await fixture.database.execute(
            .tenant(fixture.tenant), "update runs set state = 'running' where tenant_id = \(fixture.tenant) and id = \(feature)")
        try await regressions { client in
            let running = try await client.listRegressions(question(feature))
            #expect(running.summary.regressed == 2 && !running.hasReceipt)
        }
        #expect(try await fixture.count("regression_answers") == 1)
    }

    @Test("a run has so many answers kept and no more; those that it has are found still, and whoever asks is answered all the same")
    func bound() async throws {
        let (feature, id) = try await pullRequest()
        let run = try await fixture.run(feature)
        let store = RegressionAnswerStore(database: fixture.database)
        let held = HeldAgainst(id: id.description, number: 1, branch: "main", environment: "ci", run: feature, commit: "c0")
        func keep(_ number: Int) async throws -> RegressionReceipt? {
            let basis = RegressionReceipt.Basis(held, []) { _ in nil }
            let answer = RegressionReceipt(
                held: held, version: 1, counts: RegressionCounts(), assessed: AssessmentCounts([RegressionAssessment.Kind](), of: 0), edition: 1,
                inputHash: Data("\(number)".utf8), basis: try basis.encoded(), judgedAt: Date())
            return try await store.keep(answer, of: run, tenant: fixture.tenant)
        }
        let first = try #require(try await keep(0))
        for number in 1..<RegressionAnswerStore.most { #expect(try await keep(number)?.isAsked == true) }
        #expect(try await keep(RegressionAnswerStore.most)?.isAsked == nil)
        #expect(try await keep(0)?.judgedAt == first.judgedAt)
        try await regressions { client in
            let answered = try await client.listRegressions(question(feature))
            #expect(answered.summary.regressed == 2 && !answered.hasReceipt)
        }
        #expect(try await fixture.count("regression_answers") == RegressionAnswerStore.most)
    }
}
