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

@Suite("regressions", .database(ExecutionProgram.schema, JobSchema.schema))
struct RegressionTests: RegressionSuite {
    let fixture = UploadFixture()
    let held = KnownBaselines()
    let turned = KnownTurns()
    let known = KnownFailures()

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
        try await regressions { client in
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
            var plain = summary
            plain.clearAssessed()
            #expect(states.data.map(\.run) == [last.description] && states.data.first?.summary == plain)
        }
    }

    @Test("runs are put in the order in which they began, as executions are: a long one that came last may have been the first")
    func overlapping() async throws {
        let now = Date()
        func run(_ commit: String, begun minutes: Double) async throws -> ID<Run> {
            let stamp = now.addingTimeInterval(-minutes * 60).formatted(.iso8601)
            let xml = Data("<testsuite name='s' timestamp='\(stamp)'><testcase name='\(commit)'/></testsuite>".utf8)
            return try await fixture.upload(xml, name: UUID().uuidString, commit: commit).upload.run
        }
        _ = try await run("c2", begun: 50)
        _ = try await run("c3", begun: 40)
        let bad = try await run("c4", begun: 30)
        let good = try await run("c1", begun: 60)
        _ = try await run("c0", begun: 70)
        let store = RegressionStore(database: fixture.database, comparisons: ComparisonStore(database: fixture.database))
        let commits = try await store.commits(after: good, upTo: bad, branch: "main", project: fixture.project, tenant: fixture.tenant)
        #expect(commits == ["c2", "c3", "c4"])
        func newest(after base: ID<Run>) async throws -> ID<Run>? {
            try await store.newest(after: fixture.run(base), branch: "main", environment: "ci", tenant: fixture.tenant)
        }
        #expect(try await newest(after: good) == bad)
        #expect(try await newest(after: bad) == nil)
    }

    /// Both in minutes before now.
    private func place(_ run: ID<Run>, begun: Double, came: Double) async throws {
        let (begun, came) = (Date().addingTimeInterval(-begun * 60), Date().addingTimeInterval(-came * 60))
        try await fixture.database.execute(
            .tenant(fixture.tenant),
            "update runs set started_at = \(begun), created_at = \(came) where tenant_id = \(fixture.tenant) and id = \(run)")
    }

    @Test("suspects are what came up to a day after it began, and what has not waited for longer than an hour until it began")
    func window() async throws {
        let good = try await run([("a", "")], commit: "good")
        let bad = try await run([("a", "<failure/>")], commit: "bad")
        try await place(good, begun: 2_000, came: 2_000)
        try await place(bad, begun: 1_900, came: 1_900)
        for (commit, begun, came) in [("waited", 1_990, 2_050), ("stale", 1_980, 2_100), ("late", 1_970, 600), ("lost", 1_960, 400)] {
            try await place(run([("a", "")], commit: commit), begun: Double(begun), came: Double(came))
        }
        let store = RegressionStore(database: fixture.database, comparisons: ComparisonStore(database: fixture.database))
        let commits = try await store.commits(after: good, upTo: bad, branch: "main", project: fixture.project, tenant: fixture.tenant)
        #expect(commits == ["waited", "late", "bad"])
    }

    @Test("the newest run is the one that began last, however many that began before it came after it")
    func overtaken() async throws {
        let base = try await run([("a", "")], commit: "c0")
        let last = try await run([("a", "")], commit: "c2")
        let slow = try await run([("a", "")], commit: "c1")
        try await place(base, begun: 90, came: 80)
        try await place(slow, begun: 60, came: 10)
        try await place(last, begun: 40, came: 30)
        let copies = try await fixture.database.execute(
            .tenant(fixture.tenant),
            """
            insert into runs
            select c.* from runs r
            cross join generate_series(1, 300) as n
            cross join lateral jsonb_populate_record(
                r, jsonb_build_object('id', gen_random_uuid(), 'created_at', r.created_at + make_interval(secs => n))) as c
            where r.tenant_id = \(fixture.tenant) and r.id = \(slow)
            """)
        #expect(copies == 300)
        let store = RegressionStore(database: fixture.database, comparisons: ComparisonStore(database: fixture.database))
        func newest(after base: ID<Run>) async throws -> ID<Run>? {
            try await store.newest(after: fixture.run(base), branch: "main", environment: "ci", tenant: fixture.tenant)
        }
        #expect(try await newest(after: base) == last)
        #expect(try await newest(after: last) == nil)
    }

    @Test("without a baseline there is nothing to hold a run against; another branch's can be named; two baselines are compared by their runs")
    func branches() async throws {
        let base = try await run([("a", "")], commit: "c0")
        let feature = try await run([("a", "<failure/>")], commit: "f1", branch: "feature")
        let (first, second) = (ID<ExecutionService.Baseline>.new(), ID<ExecutionService.Baseline>.new())
        held.baselines.withLock { $0 = [baseline(base, first), baseline(feature, second, branch: "release")] }
        try await regressions { client in
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

    @Test("each regression says what it is believed to be and why; one call asks about all, and what is narrowed to is counted")
    func assessments() async throws {
        let names = ["broke", "flake", "host", "new", "word"]
        let base = try await run(names.map { ($0, "") }, commit: "c0")
        let last = try await run(names.map { ($0, "<failure/>") }, commit: "c1")
        held.baselines.withLock { $0 = [baseline(base)] }
        tell([
            (
                "broke",
                {
                    $0.kind = .stable; $0.confidence = 0.97; $0.reasons = ["It has never failed in 40 results."]
                }
            ),
            (
                "flake",
                {
                    $0.kind = .flaky; $0.confidence = 0.95; $0.flakyChance = 0.95; $0.quarantined = true
                }
            ),
            (
                "host",
                {
                    $0.kind = .stable; $0.incident = ID<ExecutionService.Baseline>.new().description; $0.incidentReason = "On runner-7."
                }
            ),
            (
                "word",
                {
                    $0.kind = .stable; $0.said = .flaky; $0.saidReason = "It waits for a clock."
                }
            ),
        ])
        try await regressions { client in
            let found = try await client.listRegressions(.with { $0.run = last.description })
            let kinds = Dictionary(uniqueKeysWithValues: found.data.map { ($0.name, $0.assessment.kind) })
            #expect(kinds == ["broke": .regression, "flake": .flake, "host": .environment, "new": .uncertain, "word": .flake])
            let counts = found.summary.assessed
            #expect([counts.regression, counts.flake, counts.environment, counts.uncertain, counts.unassessed] == [1, 2, 1, 1, 0])
            #expect(known.calls.withLock { $0 } == [5])
            let flake = try #require(found.data.first { $0.name == "flake" }).assessment
            #expect(flake.quarantined && flake.confidence == 0.95 && flake.reasons.last == "The test is in quarantine.")
            let broke = try #require(found.data.first { $0.name == "broke" }).assessment
            #expect(broke.reasons.contains("Other than this failure: It has never failed in 40 results.") && broke.judgedKind == .unspecified)

            var names: [String] = []
            var cursor = ""
            repeat {
                let page = try await client.listRegressions(
                    .with {
                        $0.run = last.description
                        $0.assessment = [.flake, .environment]
                        $0.limit = 1
                        $0.cursor = cursor
                    })
                names += page.data.map(\.name)
                cursor = page.page.nextCursor
            } while !cursor.isEmpty
            #expect(names.sorted() == ["flake", "host", "word"])
        }
    }

    @Test(
        "what speaks for the failure itself comes before what speaks for its test, a person before the machine",
        arguments: [
            (FailureEvidence(), .uncertain), (FailureEvidence(machine: .stable, confidence: 0.9), .regression),
            (FailureEvidence(machine: .flaky, confidence: 0.95), .flake), (FailureEvidence(machine: .flaky, confidence: 0.6), .uncertain),
            (FailureEvidence(machine: .regressed, confidence: 0.9), .regression), (FailureEvidence(machine: .broken, confidence: 1), .regression),
            (FailureEvidence(machine: .environment, confidence: 0.9), .uncertain), (FailureEvidence(machine: .unknown), .uncertain),
            (FailureEvidence(machine: .stable, passedOnCommit: true), .flake),
            (FailureEvidence(machine: .flaky, confidence: 0.95, person: .stable), .regression),
            (FailureEvidence(machine: .stable, person: .environment), .environment),
            (FailureEvidence(machine: .stable, passedOnCommit: true, person: .stable, incident: "inc_1"), .environment),
            (FailureEvidence(machine: .stable, passedOnCommit: true, person: .stable), .flake),
            (FailureEvidence(machine: .stable, confidence: 0.9, isQuarantined: true), .regression),
        ] as [(FailureEvidence, RegressionAssessment.Kind)])
    func assessment(evidence: FailureEvidence, expected: RegressionAssessment.Kind) throws {
        let assessment = RegressionAssessment(evidence, by: try #require(AssessmentEdition.numbered(1)))
        #expect(assessment.kind == expected && !assessment.reasons.isEmpty)
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
