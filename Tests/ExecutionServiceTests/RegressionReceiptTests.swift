import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
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

@Suite("what was said and told of regressions", .database(ExecutionProgram.schema, JobSchema.schema))
struct RegressionReceiptTests: RegressionSuite {
    let fixture = UploadFixture()
    let held = KnownBaselines()
    let turned = KnownTurns()
    let known = KnownFailures()

    @Test("a person overrules it, the latest word holds for later runs until the test passes, and taking it back leaves it to the machine")
    func verdicts() async throws {
        let base = try await run([("a", "")], commit: "c0")
        let first = try await run([("a", "<failure/>")], commit: "c1")
        let second = try await run([("a", "<failure/>")], commit: "c2")
        let elsewhere = try await run([("a", "<failure/>")], commit: "f1", branch: "feature")
        held.baselines.withLock { $0 = [baseline(base)] }
        try await serve { client in
            let (words, client) = (PBRegressionVerdicts.Client(wrapping: client), PBRegressions.Client(wrapping: client))
            func assessment(_ run: ID<Run>, branch: String = "") async throws -> PBRegressionAssessment {
                let found = try await client.listRegressions(
                    .with {
                        $0.run = run.description
                        $0.branch = branch
                    })
                return try #require(found.data.first).assessment
            }
            func say(_ kind: PBRegressionVerdict.Kind, on run: ID<Run>, version: Int64, test name: String = "a") async throws -> PBRegressionVerdict {
                try await words.putRegressionVerdict(
                    .with {
                        $0.run = run.description
                        $0.test = test(name)
                        $0.kind = kind
                        $0.reason = "meant"
                        $0.version = version
                    })
            }
            let unsaid = try await words.getRegressionVerdict(
                .with {
                    $0.run = first.description
                    $0.test = test("a")
                })
            #expect(unsaid.kind == .unspecified && unsaid.version == 1)
            let said = try await say(.noRegression, on: first, version: 1)
            #expect(said.version == 2 && said.decidedBy == "usr_a" && said.reason == "meant")
            for run in [first, second] {
                let held = try await assessment(run)
                #expect(held.kind == .noRegression && held.judgedKind == .uncertain && held.verdict.reason == "meant")
            }
            // Another branch is another question.
            #expect(try await assessment(elsewhere, branch: "main").kind == .uncertain)
            let stale = try await InProcess.fault { try await say(.regression, on: second, version: 1) }
            #expect(stale.code == "precondition_failed")
            let none = try await InProcess.fault { try await say(.regression, on: second, version: 0, test: "unheard of") }
            #expect(none.code == "regression.not_found")
            // What is said on a later run does not reach back.
            #expect(try await say(.regression, on: second, version: 2).version == 3)
            #expect(try await assessment(second).kind == .regression)
            #expect(try await assessment(first).kind == .noRegression)

            // The test has passed in between: what fails then is something new.
            let third = try await run([("a", "<failure/>")], commit: "c4")
            #expect(try await assessment(third).kind == .regression)
            let passedAt = try await fixture.runs.get(third, tenant: fixture.tenant).createdAt
            turned.turns.withLock { turns in
                turns = [
                    .with {
                        $0.test = test("a")
                        $0.lastPass = .with {
                            $0.run = base.description
                            $0.at = .init(milliseconds: passedAt.addingTimeInterval(-0.001))
                        }
                    }
                ]
            }
            #expect(try await assessment(third).kind == .uncertain)
            turned.turns.withLock { $0 = [] }

            _ = try await words.deleteRegressionVerdict(
                .with {
                    $0.run = second.description
                    $0.test = test("a")
                    $0.version = 3
                })
            let left = try await assessment(second)
            #expect(left.kind == .uncertain && left.judgedKind == .unspecified)
            let all = try await words.listRegressionVerdicts(
                .with {
                    $0.run = second.description
                    $0.test = test("a")
                })
            #expect(all.data.map(\.version) == [4, 3, 2] && all.data.map(\.kind) == [.unspecified, .regression, .noRegression])
        }
    }

    @Test("what was said of a test before it was renamed holds for it, is counted on and listed with what is said since")
    func renamed() async throws {
        let base = try await run([("old", "")], commit: "c0")
        let first = try await run([("old", "<failure/>")], commit: "c1")
        held.baselines.withLock { $0 = [baseline(base)] }
        try await serve { client in
            let (words, client) = (PBRegressionVerdicts.Client(wrapping: client), PBRegressions.Client(wrapping: client))
            func say(_ kind: PBRegressionVerdict.Kind, of name: String, on run: ID<Run>, version: Int64) async throws -> PBRegressionVerdict {
                try await words.putRegressionVerdict(
                    .with {
                        $0.run = run.description
                        $0.test = test(name)
                        $0.kind = kind
                        $0.reason = name
                        $0.version = version
                    })
            }
            #expect(try await say(.flake, of: "old", on: first, version: 1).version == 2)
            _ = try await fixture.aliases.insert(
                ID(test("old"), field: "test"), of: ID(test("new"), field: "test"), note: "", by: "usr_a", project: fixture.project,
                tenant: fixture.tenant)
            let second = try await run([("new", "<failure/>")], commit: "c2")
            for run in [first, second] {
                let listed = try await client.listRegressions(.with { $0.run = run.description })
                let found = try #require(listed.data.first)
                #expect(found.test == test("new") && found.assessment.kind == .flake && found.assessment.verdict.test == test("new"))
            }
            let stale = try await InProcess.fault { try await say(.regression, of: "new", on: second, version: 1) }
            #expect(stale.code == "precondition_failed")
            #expect(try await say(.regression, of: "new", on: second, version: 2).version == 3)
            for name in ["new", "old"] {
                var (cursor, reasons) = ("", [String]())
                repeat {
                    let page = try await words.listRegressionVerdicts(
                        .with { [cursor] in
                            $0.run = second.description
                            $0.test = test(name)
                            $0.limit = 1
                            $0.cursor = cursor
                        })
                    reasons += page.data.map(\.reason)
                    cursor = page.page.nextCursor
                } while !cursor.isEmpty
                #expect(reasons == ["new", "old"])
            }
            // It is one test by whichever id it is named, and what is said of it from now on stands by the one that lasts.
            var takingBack = PBDeleteRegressionVerdictRequest.with {
                $0.run = second.description
                $0.test = test("old")
                $0.version = 3
            }
            _ = try await words.deleteRegressionVerdict(takingBack)
            let places = try await fixture.database.rows(
                .tenant(fixture.tenant), "select test_id from regression_verdicts where tenant_id = \(fixture.tenant) order by version"
            ) { try $0.value("test_id", as: ID<TestIdentity>.self).description }
            #expect(places == [test("old"), test("new"), test("new")])
            #expect(try await say(.flake, of: "new", on: second, version: 4).version == 5)
            takingBack.version = 5
            let codes = await withTaskGroup(of: String.self) { [takingBack] group in
                for isTakenBack in [true, false] {
                    group.addTask { [self] in
                        do {
                            if isTakenBack {
                                _ = try await words.deleteRegressionVerdict(takingBack)
                            } else {
                                _ = try await words.putRegressionVerdict(
                                    .with {
                                        $0.run = second.description
                                        $0.test = test("new")
                                        $0.kind = .regression
                                        $0.reason = "r"
                                        $0.version = 5
                                    })
                            }
                            return ""
                        } catch {
                            return (error as? RPCError).map { Fault($0).code } ?? "\(error)"
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.sorted() == ["", "precondition_failed"])
        }
    }

    @Test("a person says that a failure is a flake, or the environment's: it is counted as that, and no longer as a regression")
    func harmless() async throws {
        let base = try await run([("a", ""), ("b", ""), ("c", "")], commit: "c0")
        let last = try await run([("a", "<failure/>"), ("b", "<failure/>"), ("c", "<failure/>")], commit: "c1")
        held.baselines.withLock { $0 = [baseline(base)] }
        func stable(_ evidence: inout PBFailureEvidence) {
            evidence.kind = .stable
            evidence.confidence = 0.9
        }
        tell([("a", stable), ("b", stable), ("c", stable)])
        try await serve { client in
            let (words, client) = (PBRegressionVerdicts.Client(wrapping: client), PBRegressions.Client(wrapping: client))
            func list(_ kinds: [PBRegressionAssessment.Kind] = []) async throws -> PBListRegressionsResponse {
                try await client.listRegressions(
                    .with {
                        $0.run = last.description
                        $0.assessment = kinds
                    })
            }
            #expect(try await list().summary.assessed.regression == 3)
            for (name, kind) in [("a", PBRegressionVerdict.Kind.flake), ("b", .environment)] {
                let said = try await words.putRegressionVerdict(
                    .with {
                        $0.run = last.description
                        $0.test = test(name)
                        $0.kind = kind
                        $0.reason = "The host was out of memory."
                        $0.version = 1
                    })
                #expect(said.kind == kind && said.version == 2)
            }
            let found = try await list()
            let counts = found.summary.assessed
            #expect([counts.regression, counts.flake, counts.environment, counts.noRegression] == [1, 1, 1, 0])
            #expect(found.data.filter { $0.assessment.judgedKind == .regression }.map(\.name).sorted() == ["a", "b"])
            #expect(try await list([.regression]).data.map(\.name) == ["c"])
            #expect(try await list([.flake, .environment]).data.map(\.name).sorted() == ["a", "b"])
            let unknown = try await InProcess.fault {
                try await words.putRegressionVerdict(
                    .with {
                        $0.run = last.description
                        $0.test = test("c")
                        $0.kind = .UNRECOGNIZED(9)
                        $0.reason = "r"
                    })
            }
            #expect(unknown.code == "request.invalid")
        }
    }

    @Test("nothing of what was said can be changed or deleted, and of two words at once one is told that it came late")
    func history() async throws {
        let base = try await run([("a", "")], commit: "c0")
        let last = try await run([("a", "<failure/>")], commit: "c1")
        held.baselines.withLock { $0 = [baseline(base)] }
        try await serve { client in
            let client = PBRegressionVerdicts.Client(wrapping: client)
            let codes = await withTaskGroup(of: String.self) { group in
                for _ in 0..<2 {
                    group.addTask { [self] in
                        do {
                            _ = try await client.putRegressionVerdict(
                                .with {
                                    $0.run = last.description
                                    $0.test = test("a")
                                    $0.kind = .regression
                                    $0.reason = "r"
                                    $0.version = 1
                                })
                            return ""
                        } catch {
                            return (error as? RPCError).map { Fault($0).code } ?? "\(error)"
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.sorted() == ["", "precondition_failed"])
        }
        try await conclude(last)
        let counts = try await fixture.database.transaction(.tenant(fixture.tenant)) { tx in
            let tables: [SQL] = ["regression_verdicts", "regression_receipts"]
            var counts: [Int] = []
            for table in tables {
                counts.append(try await tx.execute("update \(fragment: table) set run_id = run_id"))
                counts.append(try await tx.execute("delete from \(fragment: table)"))
                counts.append(try await tx.one("select count(*) as n from \(fragment: table)") { try $0.value("n", as: Int.self) })
            }
            return counts
        }
        #expect(counts == [0, 0, 1, 0, 0, 1])
    }

    @Test("a run stays held against what it was told, another baseline can be named, and a replay agrees until its receipt is another")
    func receipts() async throws {
        let base = try await run([("a", ""), ("b", "<failure/>")], commit: "c0")
        let last = try await run([("a", "<failure/>"), ("b", "<failure/>")], commit: "c1")
        let (old, new) = (ID<ExecutionService.Baseline>.new(), ID<ExecutionService.Baseline>.new())
        held.baselines.withLock { $0 = [baseline(base, old)] }
        tell([
            (
                "a",
                {
                    $0.kind = .stable; $0.confidence = 0.9
                }
            )
        ])
        try await conclude(last)
        // What is written once must not hang on what of the run Analytics has by now.
        #expect(known.commits.withLock { $0 } == ["c1"])
        try await conclude(last)
        // What is approved or learnt from now on changes nothing of what was told.
        held.baselines.withLock { $0.append(baseline(last, new, number: 2)) }
        tell([
            (
                "a",
                {
                    $0.kind = .flaky; $0.confidence = 0.99
                }
            )
        ])
        let later = try await run([("a", "<failure/>")], commit: "c2")
        try await regressions { client in
            func list(_ run: ID<Run>, baseline: ID<ExecutionService.Baseline>? = nil) async throws -> PBListRegressionsResponse {
                try await client.listRegressions(
                    .with {
                        $0.run = run.description
                        if let baseline { $0.baseline = baseline.description }
                    })
            }
            let told = try await list(last)
            #expect(told.heldAgainst.number == 1 && told.summary.regressed == 1 && told.data.first?.assessment.kind == .flake)
            #expect(told.receipt.heldAgainst.baseline == old.description && told.receipt.summary.assessed.regression == 1)
            #expect(told.receipt.edition == AssessmentEdition.current.number && told.receipt.inputHash.count == 64)
            let other = try await list(last, baseline: new)
            #expect(other.heldAgainst.number == 2 && other.data.isEmpty && other.receipt.asked && !told.receipt.asked)
            #expect(try await list(later).heldAgainst.number == 2)
            // Of another project it is not there.
            let foreign = ID<ExecutionService.Baseline>.new()
            held.baselines.withLock { all in
                var theirs = baseline(base, foreign)
                theirs.project = ID<ExecutionService.Project>.new().description
                all.append(theirs)
            }
            let refused = try await InProcess.fault { try await list(last, baseline: foreign) }
            #expect(refused.code == "baseline.not_found")
            // A baseline that was withdrawn is still what the run was told.
            held.baselines.withLock { $0[0].state = .withdrawn }
            #expect(try await list(last).heldAgainst.withdrawn)

            let replay = try await client.replayRegressions(.with { $0.run = last.description })
            #expect(replay.agrees && replay.inputHash == told.receipt.inputHash && replay.summary == told.receipt.summary)
            let unheard = try await InProcess.fault { try await client.replayRegressions(.with { $0.run = base.description }) }
            #expect(unheard.code == "regressions.not_replayable")
            func basis(_ old: String, _ new: String) -> SQL { "basis = convert_to(replace(convert_from(basis, 'UTF8'), \(old), \(new)), 'UTF8')" }
            let changes: [(column: SQL, agrees: Bool)] = [
                (basis("\"stable\"", "\"flaky\""), false), (basis("\"flaky\"", "\"stable\""), true), ("input_hash = '\\x00'", false),
            ]
            for (column, agrees) in changes {
                let statement: SQL = "update regression_receipts set \(fragment: column)"
                _ = try await TestDatabase.current.administer { try await $0.execute(.system, statement) }
                #expect(try await client.replayRegressions(.with { $0.run = last.description }).agrees == agrees)
            }
        }
    }

    @Test("a receipt is judged again by the edition that reached it: the next one stands beside it, and says something else of the same")
    func editions() throws {
        let first = try #require(AssessmentEdition.numbered(1))
        // It is content with less, and asks people last.
        let second = AssessmentEdition(number: 2, order: [.incident, .machine, .person], flakeConfidence: 0.5)
        let numbers = AssessmentEdition.released.map(\.number)
        #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count && AssessmentEdition.current.number == numbers.last)

        let held = HeldAgainst(id: "bsl_1", number: 1, branch: "main", environment: "ci", run: .new(), commit: "c0")
        let known: [FailureEvidence?] = [
            FailureEvidence(machine: .flaky, confidence: 0.6), FailureEvidence(machine: .stable, confidence: 0.9, person: .flaky), nil,
        ]
        let differences = known.map { _ in
            TestDifference(kind: .newFailure, test: .new(), suiteName: "s", className: "", name: "a", base: nil, run: nil)
        }
        let evidence = Dictionary(uniqueKeysWithValues: zip(differences.map(\.test), known))
        let counts = RegressionCounts(added: 3)
        func receipt(by edition: AssessmentEdition, numbered number: Int32? = nil) throws -> RegressionReceipt {
            let basis = RegressionReceipt.Basis(held, differences, by: edition) { evidence[$0.test] ?? nil }
            let bytes = try basis.encoded()
            return RegressionReceipt(
                held: held, version: 1, counts: counts, assessed: AssessmentCounts(basis.failures.map(\.assessed), of: 3),
                edition: number ?? edition.number, inputHash: RegressionReceipt.Basis.hash(of: bytes), basis: bytes, judgedAt: Date())
        }
        func sums(_ kinds: RegressionAssessment.Kind...) -> AssessmentCounts { AssessmentCounts(kinds, of: 3) }
        func replay(_ receipt: RegressionReceipt) throws -> RegressionReplay {
            try RegressionReplay(receipt, counts, differences, among: [first, second])
        }
        let (old, new) = (try replay(receipt(by: first)), try replay(receipt(by: second)))
        #expect(old.agrees && new.agrees && old.inputHash != new.inputHash)
        #expect(old.assessed == sums(.uncertain, .flake, .uncertain) && new.assessed == sums(.flake, .regression, .uncertain))
        #expect(try !replay(receipt(by: first, numbered: 2)).agrees)
        let lost = #expect(throws: Fault.self) { try RegressionReplay(receipt(by: second), counts, differences) }
        #expect(lost?.code == "regressions.not_replayable")
    }
}
