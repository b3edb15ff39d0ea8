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

@Suite("revisions of answers", .database(AnalyticsProgram.schema, JobSchema.schema))
struct RevisionTests {
    typealias TestID = ID<AnalyticsService.Test>

    let tenant = ID<Tenant>.new()
    let project = ID<AnalyticsService.Project>.new()
    let test = TestID.new()
    let now = Date()

    private var database: Database { TestDatabase.current.database }
    private var stabilities: StabilityStore { StabilityStore(database: database) }
    private var facts: FactStore { FactStore(database: database, stabilities: stabilities) }
    private var tests: TestStore { TestStore(database: database) }
    private var quarantines: QuarantineStore { QuarantineStore(database: database) }
    private var revisions: RevisionStore { RevisionStore(database: database) }

    private func insert(_ tests: [TestID], minutesAgo: Double = 1) async throws {
        try await facts.insert(
            FactBatch(
                project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c", startedAt: now - minutesAgo * 60,
                facts: tests.map { Fact(result: .new(), test: $0, suiteName: "s", className: "", name: "n", outcome: .passed, duration: 5) }),
            tenant: tenant)
    }

    private struct Told: Equatable {
        let revision: Int64
        /// Nothing but the revision.
        let isEmpty: Bool
    }

    /// What each question is answered by whoever knows the answer of a revision.
    private func ask(known: [String: Int64] = [:]) async throws -> [String: Told] {
        let services: [any RegistrableRPCService] = [
            TestTrendsRPC(tests: tests, days: TestDayStore(database: database), revisions: revisions),
            TestDurationsRPC(tests: tests, facts: facts, revisions: revisions), TestGridsRPC(tests: tests, facts: facts, revisions: revisions),
            TestsRPC(tests: tests, facts: facts, revisions: revisions),
            StabilitiesRPC(tests: tests, stabilities: stabilities, quarantines: quarantines, revisions: revisions),
        ]
        return try await InProcess.serve(
            services, rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway"
        ) { client in
            var told: [String: Told] = [:]
            func tell<Answer: Equatable>(_ name: String, _ revision: Int64, _ answer: Answer, _ only: Answer) {
                told[name] = Told(revision: revision, isEmpty: answer == only)
            }
            let trend = try await PBTestTrends.Client(wrapping: client).getTestTrend(
                .with { ($0.test, $0.revision) = (test.description, known["trend"] ?? 0) })
            tell("trend", trend.revision, trend, .with { $0.revision = trend.revision })
            let durations = try await PBTestDurations.Client(wrapping: client).getTestDurations(
                .with { ($0.test, $0.revision) = (test.description, known["durations"] ?? 0) })
            tell("durations", durations.revision, durations, .with { $0.revision = durations.revision })
            let grid = try await PBTestGrids.Client(wrapping: client).getTestGrid(
                .with { ($0.project, $0.revision) = (project.description, known["grid"] ?? 0) })
            tell("grid", grid.revision, grid, .with { $0.revision = grid.revision })
            let list = try await PBTests.Client(wrapping: client).listTests(
                .with { ($0.project, $0.revision) = (project.description, known["tests"] ?? 0) })
            tell("tests", list.revision, list, .with { $0.revision = list.revision })
            let history = try await PBTests.Client(wrapping: client).listHistory(
                .with { ($0.test, $0.revision) = (test.description, known["history"] ?? 0) })
            tell("history", history.revision, history, .with { $0.revision = history.revision })
            let stability = try await PBStabilities.Client(wrapping: client).getTestStability(
                .with { ($0.test, $0.revision) = (test.description, known["stability"] ?? 0) })
            tell("stability", stability.revision, stability, .with { $0.revision = stability.revision })
            let flaky = try await PBStabilities.Client(wrapping: client).listFlakyTests(
                .with { ($0.project, $0.revision) = (project.description, known["flaky"] ?? 0) })
            tell("flaky", flaky.revision, flaky, .with { $0.revision = flaky.revision })
            return told
        }
    }

    private func act(at now: Date) -> QuarantineStore.Act { .init(project: project, tenant: tenant, actor: "usr_ann", now: now) }

    @Test("whoever has the answer of a revision is told nothing else, until a fact, a word, an alias or a quarantine changes it")
    func changes() async throws {
        try await insert([test])
        var last = try await ask()
        #expect(last.count == 7 && last.values.allSatisfy { $0.revision > 0 && !$0.isEmpty })
        func expectChanged(_ what: String, _ names: Set<String>? = nil) async throws {
            let next = try await ask(known: last.mapValues(\.revision))
            let changed = Set(next.filter { !$0.value.isEmpty || $0.value.revision != last[$0.key]?.revision }.keys)
            #expect(changed == (names ?? Set(last.keys)), "\(what)")
            #expect(next.allSatisfy { changed.contains($0.key) == (last[$0.key]?.revision != $0.value.revision) }, "\(what)")
            last = try await ask()
        }
        try await expectChanged("nothing", [])
        try await insert([test])
        try await expectChanged("a fact")
        try await database.execute(.tenant(tenant), RevisionStore.raising(of: [test], tenant: tenant))
        try await expectChanged("what verdicts raise")
        let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: quarantines)
        try await aliases.set(.new(), to: test, project: project, tenant: tenant)
        try await expectChanged("an alias")
        let draft = try Quarantine.Draft(
            owner: "ann", ticket: "", reason: "It waits.", expiresAt: now + 86_400, at: now, QuarantineLimits())
        _ = try await quarantines.insert(draft, of: test, act(at: now))
        try await expectChanged("a quarantine")
        // It expires, which nobody writes down.
        try await database.execute(.tenant(tenant), "update quarantines set expires_at = \(now - 60) where tenant_id = \(tenant)")
        try await expectChanged("an expiry", ["flaky"])
        try await quarantines.lift(test, version: 0, act(at: now))
        try await expectChanged("lifting it")
        try await expectChanged("nothing more", [])
    }

    @Test("each change makes another revision, however many there have been; day and edition stay readable beside it")
    func many() {
        let (day, most): (Int64, Int64) = (20_784, 1 << 28)
        let counts: [Int64] = [0, 1, most - 2, most - 1, most, most + 1, 3 * most - 1, Int64.max - 1]
        for changes in counts {
            let (number, next) = (AnswerRevision(day: day, changes: changes).number, AnswerRevision(day: day, changes: changes + 1).number)
            #expect(number != next, "\(changes)")
            for known in [number, next] {
                #expect(known / most / 64 == day && known / most % 64 == AnswerRevision.edition && known < 1 << 53, "\(changes)")
            }
        }
    }

    @Test("a revision of the clock is one of its own for each moment, and none where nothing has expired")
    func clock() {
        let moments = (0..<100).map { now + Double($0) }
        let numbers = Set(moments.map { AnswerRevision.number(357_443_871_473_665, since: $0) })
        #expect(numbers.count == 100 && numbers.allSatisfy { $0 > 0 && $0 < 1 << 53 })
        #expect(AnswerRevision.number(7, since: nil) == 7)
    }
}
