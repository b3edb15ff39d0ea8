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

@Suite("what a run was told, once more after names and histories have changed", .database(ExecutionProgram.schema, JobSchema.schema))
struct RegressionReplayTests: RegressionSuite {
    let fixture = UploadFixture()
    let held = KnownBaselines()
    let turned = KnownTurns()
    let known = KnownFailures()

    private func rename(_ old: String, to new: String) async throws {
        _ = try await fixture.aliases.insert(
            ID(test(old), field: "test"), of: ID(test(new), field: "test"), note: "", by: "usr_a", project: fixture.project,
            tenant: fixture.tenant)
    }

    @Test("a test that is renamed afterwards changes nothing of what the run was told, and the list follows the new name")
    func renamed() async throws {
        let base = try await run([("old", "")], commit: "c0")
        let last = try await run([("new", "<failure/>")], commit: "c1")
        held.baselines.withLock { $0 = [baseline(base)] }
        try await conclude(last)
        try await rename("old", to: "new")
        try await regressions { client in
            let listed = try await client.listRegressions(.with { $0.run = last.description })
            #expect(listed.summary.regressed == 1 && listed.summary.removed == 0)
            #expect(listed.receipt.summary.added == 1 && listed.receipt.summary.removed == 1)
            let replay = try await client.replayRegressions(.with { $0.run = last.description })
            #expect(replay.agrees && replay.summary == listed.receipt.summary && replay.inputHash == listed.receipt.inputHash)
        }
    }

    @Test("aliases that are deleted or moved on since are known to the receipt", arguments: [true, false])
    func forgotten(isDeleted: Bool) async throws {
        let base = try await run([("old", ""), ("other", "")], commit: "c0")
        try await rename("old", to: "new")
        let last = try await run([("new", "<failure/>"), ("other", "<failure/>")], commit: "c1")
        held.baselines.withLock { $0 = [baseline(base)] }
        try await conclude(last)
        if isDeleted {
            try await fixture.aliases.delete(ID(test("old"), field: "test"), project: fixture.project, tenant: fixture.tenant)
        } else {
            try await rename("new", to: "newest")
        }
        try await regressions { client in
            let replay = try await client.replayRegressions(.with { $0.run = last.description })
            #expect(replay.agrees && replay.summary.regressed == 2 && replay.summary.added == 0)
        }
        let spans = try await (fixture.runs.span(last, tenant: fixture.tenant).span, fixture.runs.span(base, tenant: fixture.tenant).span)
        let kept = try await ComparisonStore(database: fixture.database).aliases(in: spans.0, and: spans.1, tenant: fixture.tenant)
        #expect(kept?.map(\.alias.description).sorted() == (isDeleted ? [] : [test("new"), test("old")].sorted()))
    }

    @Test("a receipt of an earlier release, which knows no aliases and no turns, is held against those that were made before it")
    func earlierReceipts() async throws {
        let base = try await run([("old", "")], commit: "c0")
        let last = try await run([("new", "<failure/>")], commit: "c1")
        let (id, failing) = (ID<ExecutionService.Baseline>.new(), test("new"))
        held.baselines.withLock { $0 = [baseline(base, id)] }
        let text =
            #"{"baseline":"\#(id)","edition":1,"failures":[{"assessed":"uncertain","test":"\#(failing)"}],"run":"\#(base)"}"#
        let bytes = Data(text.utf8)
        let receipt = RegressionReceipt(
            held: HeldAgainst(id: id.description, number: 1, branch: "main", environment: "ci", run: base, commit: "c0"),
            version: try await fixture.run(last).version, counts: RegressionCounts(added: 1, removed: 1),
            assessed: AssessmentCounts([RegressionAssessment.Kind.uncertain], of: 1), edition: 1, inputHash: RegressionReceipt.Basis.hash(of: bytes),
            basis: bytes, judgedAt: Date())
        #expect(try receipt.known().encoded() == bytes && receipt.names(receipt.known()) == .madeBy(receipt.judgedAt))
        try await RegressionReceiptStore(database: fixture.database).insert(receipt, of: fixture.run(last), tenant: fixture.tenant)
        try await rename("old", to: "new")
        try await regressions { client in
            let listed = try await client.listRegressions(.with { $0.run = last.description })
            #expect(listed.summary.regressed == 1 && listed.data.allSatisfy { !$0.hasTold })
            let replay = try await client.replayRegressions(.with { $0.run = last.description })
            #expect(replay.agrees)
        }
    }

    @Test("since when it fails is kept with what the run was told: what is known better by now is told beside it, and the receipt stays right")
    func origins() async throws {
        let base = try await run([("a", "")], commit: "c0")
        let good = try await run([("a", "")], commit: "c1")
        let middle = try await run([("b", "")], commit: "c2")
        let last = try await run([("a", "<failure/>")], commit: "c3")
        held.baselines.withLock { $0 = [baseline(base)] }
        func passed(in run: ID<Run>, _ commit: String) {
            turned.turns.withLock { turns in
                turns = [
                    .with {
                        $0.test = test("a")
                        $0.lastPass.run = run.description
                        $0.lastPass.commitSha = commit
                        $0.lastPass.at = .init(milliseconds: Date(timeIntervalSince1970: 1_764_000_000.123))
                    }
                ]
            }
        }
        passed(in: good, "c1")
        try await conclude(last)
        try await regressions { client in
            func listed() async throws -> PBRegression {
                let found = try await client.listRegressions(.with { $0.run = last.description })
                return try #require(found.data.first)
            }
            let same = try await listed()
            #expect(same.suspects == ["c2", "c3"] && same.lastGood.run == good.description && !same.hasTold)
            // It passed in another run, whose results came late.
            passed(in: middle, "c2")
            let moved = try await listed()
            #expect(moved.suspects == ["c3"] && moved.lastGood.run == middle.description)
            #expect(moved.told.suspects == ["c2", "c3"] && moved.told.lastGood.run == good.description && moved.told.firstBad == moved.firstBad)
            let replay = try await client.replayRegressions(.with { $0.run = last.description })
            #expect(replay.agrees)
            // What was seen, and what was made of it, are part of what is judged again.
            let changes: [(column: SQL, agrees: Bool)] = [
                ("basis = convert_to(replace(convert_from(basis, 'UTF8'), '\"seen\":[\"c2\"', '\"seen\":[\"c9\"'), 'UTF8')", false),
                ("basis = convert_to(replace(convert_from(basis, 'UTF8'), '\"seen\":[\"c9\"', '\"seen\":[\"c2\"'), 'UTF8')", true),
                ("basis = convert_to(replace(convert_from(basis, 'UTF8'), '\"suspects\":[\"c2\"', '\"suspects\":[\"c9\"'), 'UTF8')", false),
            ]
            for (column, agrees) in changes {
                let statement: SQL = "update regression_receipts set \(fragment: column) where run_id = \(last)"
                let count = try await TestDatabase.current.administer { try await $0.execute(.system, statement) }
                #expect(count == 1)
                #expect(try await client.replayRegressions(.with { $0.run = last.description }).agrees == agrees)
            }
        }
    }

    @Test("of more tests than one question takes it is kept of the first ones where they turned")
    func manyOrigins() async throws {
        let names = (0..<60).map { "t\($0)" }
        let base = try await run(names.map { ($0, "") }, commit: "c0")
        let last = try await run(names.map { ($0, "<failure/>") }, commit: "c1")
        held.baselines.withLock { $0 = [baseline(base)] }
        try await conclude(last)
        let receipt = try #require(try await RegressionReceiptStore(database: fixture.database).find(last, tenant: fixture.tenant))
        let failures = try receipt.known().failures
        #expect(failures.count == 60 && failures.prefix(KnownTurn.mostKept).allSatisfy { $0.origin?.suspects == ["c1"] })
        #expect(failures.dropFirst(KnownTurn.mostKept).allSatisfy { $0.turn == nil && $0.origin == nil })
        try await regressions { client in
            let replay = try await client.replayRegressions(.with { $0.run = last.description })
            #expect(replay.agrees)
        }
    }

    @Test("a person names the commit: it stands above the suspects until that is taken back, and a flake has none")
    func culprits() async throws {
        let base = try await run([("a", "")], commit: "c0")
        _ = try await run([("b", "")], commit: "c1")
        let last = try await run([("a", "<failure/>")], commit: "c2")
        held.baselines.withLock { $0 = [baseline(base)] }
        try await serve { client in
            let (words, client) = (PBRegressionVerdicts.Client(wrapping: client), PBRegressions.Client(wrapping: client))
            func say(_ kind: PBRegressionVerdict.Kind, _ commit: String, version: Int64) async throws -> PBRegressionVerdict {
                try await words.putRegressionVerdict(
                    .with {
                        $0.run = last.description
                        $0.test = test("a")
                        $0.kind = kind
                        $0.reason = "seen"
                        $0.commitSha = commit
                        $0.version = version
                    })
            }
            func listed() async throws -> PBRegression {
                let found = try await client.listRegressions(.with { $0.run = last.description })
                return try #require(found.data.first)
            }
            #expect(try await listed().culpritSha.isEmpty)
            #expect(try await say(.regression, "c1", version: 1).commitSha == "c1")
            let named = try await listed()
            #expect(named.culpritSha == "c1" && named.assessment.verdict.commitSha == "c1" && named.suspects == ["c1", "c2"])
            for (kind, commit) in [(PBRegressionVerdict.Kind.flake, "c1"), (.environment, "c1"), (.regression, String(repeating: "c", count: 65))] {
                let refused = try await InProcess.fault { try await say(kind, commit, version: 2) }
                #expect(refused.code == "request.invalid" && refused.fields.first?.pointer == "/commit_sha")
            }
            _ = try await words.deleteRegressionVerdict(
                .with {
                    $0.run = last.description
                    $0.test = test("a")
                    $0.version = 2
                })
            #expect(try await listed().culpritSha.isEmpty)
            let all = try await words.listRegressionVerdicts(
                .with {
                    $0.run = last.description
                    $0.test = test("a")
                })
            #expect(all.data.map(\.commitSha) == ["", "c1"])
        }
    }
}
