import AnalyticsAPI
import CommonAPI
import Foundation
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import AnalyticsService

/// What an ill environment does to scores and change points: nothing.
@Suite("scores beside an ill environment", .database(AnalyticsProgram.schema, JobSchema.schema))
struct EnvironmentScoreTests {
    typealias TestID = ID<AnalyticsService.Test>

    private let tenant = ID<Tenant>.new()
    private let project = ID<Project>.new()
    private let tests = (0..<12).map { _ in TestID.new() }
    private let began = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded() - 10 * 3_600)

    private var database: Database { TestDatabase.current.database }
    private var stabilities: StabilityStore { StabilityStore(database: database) }
    private var environments: EnvironmentStore { EnvironmentStore(database: database, stabilities: stabilities) }
    private var rollups: RollupStore { RollupStore(database: database) }

    /// Nine runs of one commit on three hosts, an hour apart; ten of the twelve tests fail on `ill`, and the eleventh in the first two runs, wherever.
    private func illHost() async throws {
        for number in 0..<9 {
            let host = ["good", "ill", "fair"][number % 3]
            let batch = FactBatch(
                project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c1", environment: "staging",
                startedAt: began + Double(number) * 3_600,
                facts: tests.enumerated().map { index, test in
                    let fails = index < 10 ? host == "ill" : index == 10 && number < 2
                    return Fact(
                        result: .new(), test: test, suiteName: "suite \(index % 2)", className: "class \(index)", name: "test \(index)",
                        outcome: fails ? .failed : .passed, duration: 1, host: host)
                })
            try await FactStore(database: database, stabilities: stabilities).insert(batch, tenant: tenant)
        }
    }

    private func search() async throws {
        let job = Job(tenant: tenant, kind: SearchEnvironment.Payload.kind)
        try await SearchEnvironment(environments: environments).handle(.init(project: project), job)
    }

    private func incident() async throws -> EnvironmentIncident? {
        try await environments.list(PageRequest(limit: 50, cursor: ""), states: nil, project: project, tenant: tenant).items.first
    }

    private func answer(revision: Int64 = 0) async throws -> PBQualityScore {
        let rpc = QualityScoresRPC(
            tests: TestStore(database: database), rollups: rollups, sheets: SheetStore(database: database),
            revisions: RevisionStore(database: database))
        return try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway") {
            try await PBQualityScores.Client(wrapping: $0).getQualityScore(
                .with {
                    $0.project = project.description
                    $0.revision = revision
                })
        }
    }

    private func measured(_ score: PBQualityScore, _ name: PBQualityTerm.Name) -> Double? { score.data.first { $0.name == name }?.measured }

    @Test("an incident leaves the score alone from the first of its failures on, until it is dismissed; each time the answer has another revision")
    func score() async throws {
        try await illHost()
        let before = try await answer()
        #expect(measured(before, .failing) == 32.0 / 108)
        // On the ill host for one hour each, and once for two.
        #expect(measured(before, .recovery).map { abs($0 - 1) < 0.02 } == true)
        try await search()
        let found = try #require(await incident())
        #expect(found.failures == 30)
        let after = try await answer(revision: before.revision)
        #expect(measured(after, .failing) == 2.0 / 78 && measured(after, .recovery).map { abs($0 - 2) < 0.03 } == true)
        #expect(after.revision != before.revision && after.score > before.score)
        try await search()
        #expect(try await answer(revision: after.revision).data.isEmpty)

        let isDismissed = try await environments.decide(.dismissed, on: found, by: "usr_1", reason: "", at: Date(), tenant: tenant)
        let again = try await answer(revision: after.revision)
        #expect(isDismissed && again.data == before.data && again.revision != after.revision)
        let isReinstated = try await environments.decide(.reinstated, on: found, by: "usr_2", reason: "", at: Date(), tenant: tenant)
        let last = try await answer(revision: again.revision)
        #expect(isReinstated && last.data == after.data && last.revision != again.revision)
    }

    @Test("what a person declares leaves the score alone as well, also when the place is found later, until it is dismissed")
    func declared() async throws {
        try await illHost()
        let before = try await answer()
        let now = Date()
        let declaration = try EnvironmentDeclaration(.host("ill"), from: nil, to: nil, at: now)
        let said = try await environments.declare(
            declaration, of: project, by: "usr_1", reason: "disk full", at: now, tenant: tenant)
        let after = try await answer(revision: before.revision)
        // One of the two failures that were nobody's happened there, too.
        #expect(measured(after, .failing) == 1.0 / 77 && after.score > before.score && after.revision != before.revision)
        try await search()
        let found = try #require(await incident())
        #expect(found.id == said.incident && !found.isFound && found.isUpheld && found.failures == 31)
        #expect(try await answer().data == after.data)
        _ = try await environments.decide(.dismissed, on: found, by: "usr_2", reason: "", at: now, tenant: tenant)
        try await search()
        #expect(try await answer().data == before.data)
    }

    @Test("what an incident takes is counted by day, suite, branch and environment beside the sums, which stay those of what was reported")
    func parts() async throws {
        try await illHost()
        func failures(_ dimension: TrendDimension, _ value: String) async throws -> [Int64] {
            let days = try await rollups.days(dimension, value, project: project, last: 3, tenant: tenant)
            let all = days.reduce(into: Day(day: "")) { $0.add($1) }
            return [all.tally.failed, all.environmental, all.telling.failed]
        }
        try await search()
        for (dimension, value) in [(TrendDimension.all, ""), (.branch, "main"), (.environment, "staging")] {
            #expect(try await failures(dimension, value) == [32, 30, 2])
        }
        #expect(try await failures(.suite, "suite 0") == [17, 15, 2])
        #expect(try await failures(.suite, "suite 1") == [15, 15, 0])
        let days = try await rollups.days(.all, "", project: project, last: 3, tenant: tenant)
        #expect(days.reduce(0) { $0 + $1.environmental } == 30 && days.reduce(0) { $0 + $1.tally.failed } == 32)
        // What turns out to fail elsewhere on the commit is the tests' again.
        let elsewhere = FactBatch(
            project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c1", startedAt: began + 9 * 3_600,
            facts: tests.prefix(2).enumerated().map { index, test in
                Fact(
                    result: .new(), test: test, suiteName: "suite \(index)", className: "class \(index)", name: "test \(index)", outcome: .failed,
                    duration: nil, host: "good")
            })
        try await FactStore(database: database, stabilities: stabilities).insert(elsewhere, tenant: tenant)
        try await search()
        let given = try await failures(.all, "")
        #expect(given == [34, 24, 10])
    }

    @Test("a suite that was too many for its delivery is taken from the rest of its day, and nothing falls below 0")
    func rest() async throws {
        let many = (0...9).map { index in
            Fact(result: .new(), test: .new(), suiteName: "s \(index)", className: "", name: "", outcome: .failed, duration: nil, host: "h")
        }
        let batch = FactBatch(project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c", startedAt: began, facts: many)
        try await FactStore(database: database, stabilities: stabilities, mostSuites: 9).insert(batch, tenant: tenant)
        let failures = try await environments.window(of: project, at: Date(), tenant: tenant).failures
        let suites = Dictionary(uniqueKeysWithValues: many.map { ($0.result, $0.suiteName) })
        func rest(_ counts: EnvironmentCounts) async throws -> Int64? {
            _ = try await database.transaction(.tenant(tenant)) { [project, tenant] in
                try await $0.pipeline(RollupStore.counting(counts, project: project, tenant: tenant))
            }
            return try await rollups.days(.suite, RollupKey.rest, project: project, last: 3, tenant: tenant).first?.environmental
        }
        #expect(try await rest(EnvironmentCounts(taken: failures, given: [], suites: suites, tags: [:])) == 1)
        #expect(try await rest(EnvironmentCounts(taken: [], given: failures + failures, suites: suites, tags: [:])) == 0)
    }

    @Test("a suite that was counted under the rest of its day is given back there although it stands there by its name since")
    func restSince() async throws {
        let facts = (0...9).map { index in
            Fact(result: .new(), test: .new(), suiteName: "s \(index)", className: "", name: "", outcome: .failed, duration: nil, host: "h")
        }
        func insert(_ facts: [Fact], room: Int) async throws {
            let batch = FactBatch(
                project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c", startedAt: began, facts: facts)
            try await FactStore(database: database, stabilities: stabilities, mostSuites: room).insert(batch, tenant: tenant)
        }
        func environmental(_ suite: String) async throws -> Int64? {
            try await rollups.days(.suite, suite, project: project, last: 3, tenant: tenant).first?.environmental
        }
        try await insert(facts, room: 9)
        let declaration = try EnvironmentDeclaration(.host("h"), from: nil, to: nil, at: Date())
        _ = try await environments.declare(declaration, of: project, by: "usr_1", reason: "disk full", at: Date(), tenant: tenant)
        let last = "s 9"
        #expect(try await environmental(RollupKey.rest) == 1)
        try await insert([Fact(result: .new(), test: .new(), suiteName: last, className: "", name: "", outcome: .passed, duration: nil)], room: 10)
        let known = try #require(try await incident())
        _ = try await environments.decide(.dismissed, on: known, by: "usr_1", reason: "", at: Date(), tenant: tenant)
        let left = [try await environmental(RollupKey.rest), try await environmental(last), try await environmental("s 0")]
        #expect(left == [0, 0, 0])
    }

    @Test("what was counted under a suite is given back there although its test has been joined to one of another")
    func joined() async throws {
        func failures(_ suite: String) async throws -> Int64 {
            try await rollups.days(.suite, suite, project: project, last: 3, tenant: tenant).map(\.environmental).reduce(0, +)
        }
        try await illHost()
        try await search()
        let counted = [try await failures("suite 0"), try await failures("suite 1")]
        #expect(counted[0] > 0 && counted[1] > 0)
        let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: QuarantineStore(database: database))
        try await aliases.set(tests[0], to: tests[11], project: project, tenant: tenant)
        try await database.execute(.tenant(tenant), "update tests set suite_name = 'suite 1' where tenant_id = \(tenant) and id = \(tests[11])")
        let known = try #require(try await incident())
        for (decision, kept) in [(EnvironmentVerdict.Decision.dismissed, [Int64(0), 0]), (.reinstated, counted)] {
            _ = try await environments.decide(decision, on: known, by: "usr_ann", reason: "", at: Date(), tenant: tenant)
            let now = [try await failures("suite 0"), try await failures("suite 1")]
            #expect(now == kept)
        }
        // As by the release before, which kept none: a failure stands under the suite of its test.
        try await database.execute(.tenant(tenant), "update environment_failures set suite_name = null where tenant_id = \(tenant)")
        _ = try await environments.decide(.dismissed, on: known, by: "usr_ann", reason: "", at: Date(), tenant: tenant)
        let fallen = try await failures("suite 0")
        #expect(fallen > 0 && fallen < counted[0])
    }

    @Test("a pass rate that falls for the environment's sake is no change")
    func changes() {
        func days(environmental: Int64) -> [Day] {
            (0..<40).map { number in
                let isIll = number >= 25
                return Day(
                    day: Date(timeIntervalSince1970: Double(number) * 86_400).day,
                    tally: AnalyticsService.Tally(passed: 190, failed: Int64(number % 3) + (isIll ? 25 : 0), errored: isIll ? 5 : 0),
                    environmental: isIll ? environmental : 0)
            }
        }
        #expect(TrendChange.all(in: days(environmental: 0)).map(\.figure) == [.passRate])
        #expect(TrendChange.all(in: days(environmental: 30)).isEmpty)
    }

    @Test("recoveries that an environment made up go with its failures and come back with them")
    func recoveries() {
        let hour: Int64 = 3_600_000
        func line(_ outcomes: String) -> TestLine {
            var line = TestLine(branch: "main", environment: "")
            line.state = StabilityState(
                outcomes.enumerated().filter { $0.element != " " }.map { index, letter in
                    TestObservation(at: Int64(index) * hour, order: UInt32(index), commit: UInt64(index + 1), passed: letter == "p")
                })
            return line
        }
        let whole = line("pffpfpp")
        #expect(whole.state.recoveries == [Recovery(at: 3 * hour, length: 2 * hour), Recovery(at: 5 * hour, length: hour)])
        var changes = RecoveryChanges()
        // The first of two failures was the environment's, and so was the third.
        changes.add(before: [whole], after: [line("p fp pp")])
        let key = RollupKey(dimension: .branch, value: "main", day: "1970-01-01")
        #expect(changes.keys == [key] && changes.gone[key]?.count == 2 && changes.come[key]?.count == 1)
        var known = DurationHistogram()
        for length in [2, 1, 9] { known.record(Int64(length) * hour * 1_000) }
        let left = changes.applied(to: known, of: key)
        #expect(left.count == 2 && left.minimum == hour * 1_000 && left.maximum == 9 * hour * 1_000)
    }
}
