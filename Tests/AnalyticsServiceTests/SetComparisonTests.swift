import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("branches and environments held against each other", .database(AnalyticsProgram.schema, JobSchema.schema))
struct SetComparisonTests {
    typealias TestID = ID<AnalyticsService.Test>

    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()
    /// A Wednesday.
    let today = Date(timeIntervalSince1970: 1_772_625_600)

    private var database: Database { TestDatabase.current.database }
    private var stabilities: StabilityStore { StabilityStore(database: database) }
    private var facts: FactStore { FactStore(database: database, stabilities: stabilities) }
    private var sheets: SheetStore { SheetStore(database: database) }

    private func batch(_ branch: String, in environment: String = "", daysAgo: Double = 0, _ facts: [(TestID, Outcome, Int64?)]) -> FactBatch {
        FactBatch(
            project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: "c", environment: environment,
            startedAt: today - daysAgo * 86_400,
            facts: facts.map {
                Fact(result: .new(), test: $0.0, suiteName: "cart", className: "", name: "adds", outcome: $0.1, duration: $0.2)
            })
    }

    private func sheet(_ branch: String, _ environment: String = "", weeks: Int = 4, ago: Int = 0, of tenant: ID<Tenant>? = nil) async throws
        -> TestSheet
    {
        let set = try #require(RunSet(branch: branch, environment: environment))
        return try await sheets.sheet(of: set, in: WeekRange(weeks, ago: ago, now: today), project: project, tenant: tenant ?? self.tenant)
    }

    @Test("a run counts for its branch, its environment and for both; a delivery that comes again adds nothing, another tenant sees nothing")
    func sets() async throws {
        let (one, other) = (TestID.new(), TestID.new())
        let first = batch("main", in: "staging", [(one, .passed, 1_000), (one, .failed, 9), (other, .skipped, nil)])
        for batch in [first, first, batch("main", in: "production", [(one, .errored, 5)]), batch("topic", in: "staging", [(one, .passed, nil)])] {
            try await facts.insert(batch, tenant: tenant)
        }
        let main = try await sheet("main")
        // Durations of what failed are no part of it. ln 1000 · 1024 = 7073.6
        #expect(main[one] == TestSums(passed: 1, failed: 2, skipped: 0, timed: 1, logs: 7_074, squares: 50_041_476))
        #expect(main[other] == TestSums(skipped: 1))
        let staging = try await sheet("", "staging")
        #expect(staging[one]?.passed == 2 && staging[one]?.failed == 1)
        let both = try await sheet("main", "production")
        #expect(both.count == 1 && both[one] == TestSums(failed: 1))
        let strangers = try await sheet("main", of: .new())
        #expect(strangers.count == 0)
    }

    @Test("only runs of the weeks that are asked for count, from Monday to Sunday")
    func weeks() async throws {
        #expect(WeekRange(2, now: today).weeks == ["2026-02-23", "2026-03-02"] && WeekRange(1, ago: 4, now: today).weeks == ["2026-02-02"])
        let test = TestID.new()
        for ago in [0, 2, 3, 9, 10, 30] as [Double] { try await facts.insert(batch("main", daysAgo: ago, [(test, .passed, 1)]), tenant: tenant) }
        let (this, last, both) = (try await sheet("main", weeks: 1), try await sheet("main", weeks: 1, ago: 1), try await sheet("main", weeks: 2))
        #expect(this[test]?.passed == 2 && last[test]?.passed == 2 && both[test]?.passed == 4)
    }

    @Test("after many deliveries of any size and order the sums are those of the stored facts (I4), and lie in a few parts")
    func recomputed() async throws {
        let tests = (0..<200).map { _ in TestID.new() }
        var seed: UInt64 = 3
        func random(_ bound: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % bound
        }
        for index in 0..<40 {
            let size = index % 10 == 0 ? 200 : 1 + random(30)
            let results = (0..<size).map { number in
                (tests[size == 200 ? number : random(200)], Outcome.allCases[random(4)], random(5) == 0 ? nil : Int64(random(1_000_000)))
            }
            let some = batch(index % 3 == 0 ? "topic" : "main", in: index % 2 == 0 ? "staging" : "", daysAgo: Double(random(20)), results)
            let more = batch("main", in: "staging", daysAgo: 1, [(tests[index], .passed, 77)])
            try await facts.insert(index % 4 == 0 ? [some, more] : [some], tenant: tenant)
        }
        let stored = try await database.rows(
            .tenant(tenant), "select test_id, outcome, duration_us, branch, environment from facts where tenant_id = \(tenant)"
        ) { row in
            (
                fact: Fact(
                    result: .new(), test: try row.value("test_id"), suiteName: "", className: "", name: "",
                    outcome: try Outcome(stored: row.value("outcome")), duration: try row.value("duration_us")),
                branch: try row.value("branch", as: String.self), environment: try row.value("environment", as: String.self)
            )
        }
        for (branch, environment) in [("main", ""), ("topic", ""), ("", "staging"), ("main", "staging"), ("topic", "staging")] {
            let expected = TestSheet(
                stored.filter { (branch.isEmpty || branch == $0.branch) && (environment.isEmpty || environment == $0.environment) }.map(\.fact))
            let kept = try await sheet(branch, environment)
            #expect(kept == expected && kept.count > 0)
        }
        let parts = try await database.rows(
            .tenant(tenant),
            """
            select array_agg(tests order by part)::text as tests from test_sheets where tenant_id = \(tenant) group by kind, branch, environment, week
            """
        ) { try $0.value("tests", as: String.self).dropFirst().dropLast().split(separator: ",").compactMap { Int($0) } }
        for sizes in parts { #expect(zip(sizes, sizes.dropFirst()).allSatisfy { $0 >= 2 * $1 }) }
    }

    @Test("tests that are joined are compared as one, also back in time, and apart again when they are parted")
    func aliases() async throws {
        let (old, new) = (TestID.new(), TestID.new())
        try await facts.insert(batch("main", [(old, .failed, 1), (new, .passed, 1)]), tenant: tenant)
        let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: QuarantineStore(database: database))
        try await aliases.set(old, to: new, project: project, tenant: tenant)
        try await facts.insert(batch("main", [(old, .failed, 1)]), tenant: tenant)
        let joined = try await sheet("main")
        #expect(joined.count == 1 && joined[new]?.failed == 2 && joined[new]?.passed == 1)
        try await aliases.set(old, to: nil, project: project, tenant: tenant)
        let parted = try await sheet("main")
        #expect(parted.count == 2 && parted[old]?.failed == 2)
    }

    @Test("what fails more, is slower, came or went is told, surest first, page by page")
    func comparison() async throws {
        let (worse, slower, gone, came, same) = (TestID.new(), TestID.new(), TestID.new(), TestID.new(), TestID.new())
        for run in 0..<12 {
            let pace = Int64(1_000 + run * 7)
            try await facts.insert(
                batch("main", [(worse, .passed, pace), (slower, .passed, pace), (gone, .passed, pace), (same, .passed, pace)]), tenant: tenant)
            try await facts.insert(
                batch(
                    "topic",
                    [(worse, run < 9 ? .failed : .passed, pace), (slower, .passed, pace * 2), (came, .passed, pace), (same, .passed, pace)]),
                tenant: tenant)
        }
        let compared = try await SetComparison(sheet("main"), sheet("topic"))
        #expect(compared.rows.map(\.test).prefix(2) == [slower, worse] && compared.paired == 3 && compared.timed == 3)
        let kinds = Dictionary(uniqueKeysWithValues: compared.rows.map { ($0.test, $0.kinds) })
        #expect(kinds == [worse: [.failsMore], slower: [.slower], gone: [.removed], came: [.added], same: [.alike]])
        let effect = try #require(compared.rows.first { $0.test == worse }?.failureEffect)
        #expect(effect.size == 0.75 && effect.low > 0.3)
        let factor = try #require(compared.duration.effect)
        #expect(exp(factor.size) > 1.2 && exp(factor.size) < 1.3)
        let all = Set(SetComparison.Kind.allCases)
        var listed: [TestID] = []
        var cursor: String?
        repeat {
            let page = compared.page(all, from: .sureness(after: try RowKey(cursor)), limit: 2)
            listed += page.items.map(\.test)
            cursor = page.next
        } while cursor != nil
        #expect(listed == compared.rows.map(\.test))
        let byID = compared.page(all, from: .id(after: nil), limit: 5).items.map(\.test)
        #expect(byID == listed.sorted() && compared.page(all, from: .id(after: byID[1]), limit: 2).items.map(\.test) == Array(byID[2...3]))
        #expect(compared.page([.added, .removed], from: .sureness(after: nil), limit: 5).items.count == 2)
        for broken in ["", "x~y", "1~tst_1", "18446744073709551615~\(worse)"] { #expect(throws: Fault.self) { try RowKey(broken) } }
    }

    @Test("callers get differences with names, effects and a summary; a score with all its terms; what cannot be compared is refused with its field")
    func served() async throws {
        let (worse, same) = (TestID.new(), TestID.new())
        for run in 0..<10 {
            for branch in ["main", "topic"] {
                var some = batch(branch, [(worse, branch == "main" || run == 0 ? .passed : .failed, 5_000), (same, .passed, 5_000)])
                some = FactBatch(
                    project: project, run: some.run, event: some.event, branch: branch, commit: "c\(run)", startedAt: Date() - Double(10 - run),
                    facts: some.facts)
                try await facts.insert(some, tenant: tenant)
            }
        }
        let tests = TestStore(database: database)
        let services: [any RegistrableRPCService] = [
            SetComparisonsRPC(sheets: sheets, tests: tests, revisions: RevisionStore(database: database)),
            QualityScoresRPC(
                tests: tests, rollups: RollupStore(database: database), sheets: sheets, revisions: RevisionStore(database: database)),
        ]
        try await InProcess.serve(services, rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway") { client in
            let comparisons = PBSetComparisons.Client(wrapping: client)
            func asked(_ change: (inout PBCompareSetsRequest) -> Void) -> PBCompareSetsRequest {
                var request = PBCompareSetsRequest()
                (request.project, request.branch, request.baseBranch) = (project.description, "topic", "main")
                change(&request)
                return request
            }
            let answer = try await comparisons.compareSets(asked { _ in })
            let row = try #require(answer.data.first)
            #expect(answer.data.count == 1 && row.test == worse.description && row.name == "adds" && row.kinds == [.failsMore])
            #expect(row.failure.effect == 0.9 && row.failure.falseShare < 0.001 && row.base.failureRate == 0 && row.set.failed == 9)
            #expect(answer.summary.paired == 2 && answer.summary.alike == 1 && answer.summary.failure.effect == 0.45)
            #expect(answer.summary.failure.low < 0 && answer.summary.duration.effect == 1 && answer.summary.duration.tests == 2)
            let alike = try await comparisons.compareSets(asked { $0.kind = [.alike] })
            #expect(alike.data.map(\.test) == [same.description] && !alike.data[0].failure.hasChance)
            let changes: [(String, @Sendable (inout PBCompareSetsRequest) -> Void)] = [
                ("branch", { $0.branch = "" }), ("base_branch", { $0.baseBranch = "" }), ("weeks", { $0.weeks = 14 }),
                ("base_weeks_ago", { $0.baseWeeksAgo = 53 }), ("base_branch", { $0.branch = "main" }),
                ("base_branch", { ($0.branch, $0.weeks, $0.baseWeeksAgo) = ("main", 3, 2) }), ("kind", { $0.kind = [.unspecified] }),
            ]
            for (field, change) in changes {
                let request = asked(change)
                let fault = try await InProcess.fault { try await comparisons.compareSets(request) }
                #expect(fault.kind == .invalid && fault.fields.map(\.pointer) == [field])
            }
            let ago = try await comparisons.compareSets(asked { ($0.branch, $0.weeks, $0.baseWeeksAgo) = ("main", 2, 2) })
            #expect(ago.data.map(\.kinds) == [[.added], [.added]])
            let scores = PBQualityScores.Client(wrapping: client)
            let score = try await scores.getQualityScore(.with { $0.project = project.description })
            #expect(score.mainBranch == "main" && !score.data.contains { $0.name == .recovery || $0.name == .slower })
            let tried = try await scores.getQualityScore(
                .with {
                    $0.project = project.description
                    ($0.failingWeight, $0.flakyWeight, $0.regressedWeight) = (0, 0, 0)
                })
            #expect(tried.score == 100 && tried.data.first { $0.name == .skipped }?.points == 100)

            // Whoever has the answer of a revision is told no more than that it is the same.
            let known = asked { $0.revision = answer.revision }
            let same = try await comparisons.compareSets(known)
            #expect(answer.revision > 0 && same == PBCompareSetsResponse.with { $0.revision = answer.revision } && score.revision == answer.revision)
            try await facts.insert(batch("main", [(worse, .skipped, nil)]), tenant: tenant)
            let next = try await comparisons.compareSets(known)
            #expect(next.revision > answer.revision && next.summary.paired == 2)
            let unchanged = try await scores.getQualityScore(
                .with {
                    $0.project = project.description
                    $0.revision = next.revision
                })
            #expect(unchanged.data.isEmpty && !unchanged.hasScore)
        }
    }

    @Test("a sheet is the same after it was written down and read; what was cut short or made up is not read")
    func bytes() {
        let sheet = TestSheet(
            (0..<300).map { index in
                Fact(
                    result: .new(), test: .new(), suiteName: "", className: "", name: "", outcome: index % 3 == 0 ? .failed : .passed,
                    duration: Int64(index) * 997)
            })
        let bytes = sheet.bytes
        #expect(TestSheet(bytes: bytes) == sheet && bytes.count < 300 * 32)
        #expect(TestSheet(bytes: TestSheet().bytes) == TestSheet())
        for length in 0..<200 { #expect(TestSheet(bytes: Array(bytes.prefix(length))) == nil) }
        #expect(TestSheet(bytes: bytes + [0]) == nil && TestSheet(bytes: [2, 0]) == nil)
        #expect(TestSheet(bytes: [1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]) == nil)
    }

    @Test(
        "parts that are not twice as large as what follows are merged with it",
        arguments: [
            ([], 5, 0), ([10], 5, 1), ([10], 6, 0), ([100, 10], 5, 2), ([100, 10], 6, 1), ([100, 40, 10], 6, 2), ([100, 32, 10], 8, 1),
            ([90, 32, 10], 8, 0),
        ] as [([Int], Int, Int)])
    func parts(sizes: [Int], size: Int, staying: Int) {
        #expect(SheetParts.staying(sizes, adding: size) == staying)
    }

    @Test("how long tests failed on a branch is counted when they pass again, once, and not for a retry within a run")
    func recoveries() async throws {
        let rollups = RollupStore(database: database)
        let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded())
        let (one, other) = (TestID.new(), TestID.new())
        func run(_ hoursAgo: Double, branch: String = "main", _ outcomes: (Outcome, Outcome), tries: Int = 0) async throws {
            try await facts.insert(
                FactBatch(
                    project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: "\(hoursAgo)",
                    startedAt: now - hoursAgo * 3_600,
                    facts: zip([one, other], [outcomes.0, outcomes.1]).map {
                        Fact(
                            result: .new(), test: $0, suiteName: "", className: "", name: "", outcome: $1, duration: nil,
                            failedTries: $1 == .passed ? tries : 0)
                    }), tenant: tenant)
        }
        try await run(50, (.passed, .passed))
        try await run(40, (.failed, .passed))
        try await run(38, (.errored, .passed), tries: 2)
        try await run(34, (.skipped, .failed))
        try await run(30, (.passed, .failed))
        // Late, and between what is known.
        try await run(36, (.failed, .passed))
        try await run(39, branch: "topic", (.passed, .passed))
        try await run(4, (.passed, .passed))
        let main = try #require(await rollups.mainBranch(project: project, last: 30, tenant: tenant))
        #expect(main.name == "main" && main.recoveries.count == 2)
        #expect(main.recoveries.minimum == 10 * 3_600_000_000 && main.recoveries.maximum == 30 * 3_600_000_000)
        let measured = QualityScore.measured(days: [], census: TestCensus(), recoveries: main.recoveries)
        #expect(measured[.recovery].map { abs($0 - 10) < 0.1 } == true)
        let nobody = try await rollups.mainBranch(project: .new(), last: 30, tenant: tenant)
        #expect(nobody == nil)
    }

    @Test("the share of tests that became slower is measured from the main branch's last weeks and those before")
    func pace() async throws {
        let tests = (0..<10).map { _ in TestID.new() }
        for week in 0..<8 {
            for day in 0..<2 {
                try await facts.insert(
                    batch(
                        "main", daysAgo: Double(week * 7 + day),
                        tests.enumerated().map { ($1, .passed, Int64((10_000 + week * 13 + day * 29) * ($0 < 2 && week < 4 ? 2 : 1))) }),
                    tenant: tenant)
            }
        }
        let pace = try await SetComparison(sheet("main", ago: 4), sheet("main"))
        #expect(QualityScore.measured(days: [], census: TestCensus(), pace: pace)[.slower] == 0.2)
        #expect(QualityScore.weeks(days: 1) == 1 && QualityScore.weeks(days: 15) == 3 && QualityScore.weeks(days: 400) == 4)
        #expect(QualityScore.measured(days: [], census: TestCensus(), pace: SetComparison(TestSheet(), TestSheet()))[.slower] == nil)
    }
}
