import AnalyticsAPI
import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import AnalyticsService

/// How what is found in a test's executions is kept.
extension TestChangeTests {
    @Test("of two looks at once the one that looked earlier changes nothing, and many of the same keep it once")
    func overtaken() async throws {
        try await insertChange()
        let earlier = try await look()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 { group.addTask { _ = try await levels.keep(earlier, of: project, tenant: tenant) } }
            try await group.waitForAll()
        }
        #expect(try await all().count == 1)
        try await insert(minutesAgo: 10, 15, slow: true)
        try await levels.keep(look(), of: project, tenant: tenant)
        let found = try await all()
        let kept = try await levels.keep(earlier, of: project, tenant: tenant)
        #expect(try await all() == found && kept.compactMap { $0?.id } == found.map(\.id))
        // It saw nothing of the slow ones.
        let fast = TestLook(test, newest: earlier.timed.executions.prefix(40).reversed(), at: earlier.at)
        try await levels.keep(fast, of: project, tenant: tenant)
        #expect(try await all() == found)
    }

    @Test("when a test is joined to another its changes and what was said of them go with it; a look at it that comes later keeps nothing")
    func joined() async throws {
        let lasting = TestID.new()
        try await insertChange()
        try await insert(minutesAgo: 90, 3, lasting)
        let stale = try await look()
        try await levels.keep(stale, of: project, tenant: tenant)
        let change = try #require(try await all().first)
        let word = try await levels.put(.confirmed, note: "known", on: change.id, version: 0, by: "usr_a", tenant: tenant)
        let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: QuarantineStore(database: database))
        try await aliases.set(test, to: lasting, project: project, tenant: tenant)
        #expect(try await levels.keep(stale, of: project, tenant: tenant) == [nil])
        #expect(try await all(test).isEmpty)
        #expect(try await all(lasting).map(\.id) == [change.id])
        try await serve { clients in
            let told = try await ask(clients)
            #expect(told.test == lasting.description && told.durations.count == 63 && told.data.map(\.levelChange) == [change.id.description])
            #expect(told.data.map(\.verdict.note) == [word.note] && told.data.map(\.verdict.kind) == [.confirmed])
        }
        #expect(try await all().map(\.part.value) == [lasting.description])
    }

    @Test("while tests are being joined, which takes as long as they have results, what is found in their executions is kept, and goes with the join")
    func joining() async throws {
        let lasting = TestID.new()
        try await insertChange()
        try await insert(minutesAgo: 90, 3, lasting)
        let found = try await look()
        let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: QuarantineStore(database: database))
        let joining = try await database.transaction(.tenant(tenant)) { tx in
            let holder = try await tx.one("select pg_backend_pid()::bigint as pid") { try $0.value("pid", as: Int64.self) }
            // Of all that joining writes this comes last, but for the changes.
            try await tx.execute("select from test_lines where tenant_id = \(tenant) and test_id = \(test) for update")
            let joining = Task { try await aliases.set(test, to: lasting, project: project, tenant: tenant) }
            try await eventually("it waits for the lines") {
                try await database.one(
                    .system, "select count(*) as n from pg_stat_activity where \(holder)::bigint = any(pg_blocking_pids(pid)::bigint[])"
                ) { try $0.value("n", as: Int.self) } == 1
            }
            let kept = try await levels.keep(found, of: project, tenant: tenant)
            #expect(kept.count == 1 && kept.allSatisfy { $0 != nil })
            return joining
        }
        try await joining.value
        #expect(try await all(test).isEmpty)
        #expect(try await all(lasting).count == 1)
    }

    @Test("what a release that kept no changes of tests left with one that it joined follows when the same is told again")
    func leftBehind() async throws {
        let lasting = TestID.new()
        try await insertChange()
        try await insert(minutesAgo: 90, 3, lasting)
        try await levels.keep(look(), of: project, tenant: tenant)
        let change = try #require(try await all().first)
        _ = try await levels.put(.confirmed, note: "known", on: change.id, version: 0, by: "usr_a", tenant: tenant)
        let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: QuarantineStore(database: database))
        try await aliases.set(test, to: lasting, project: project, tenant: tenant)
        // As that release leaves it.
        try await database.execute(.tenant(tenant), "update trend_changes set value = \(test.description) where tenant_id = \(tenant)")
        #expect(try await all(lasting).isEmpty)
        try await aliases.set(test, to: lasting, project: project, tenant: tenant)
        let moved = try await all(lasting)
        #expect(moved.map(\.id) == [change.id] && moved.map(\.verdict.note) == ["known"])
    }

    @Test("changes go with the days that are kept, and what was said of them too")
    func swept() async throws {
        try await insertChange()
        try await levels.keep(look(), of: project, tenant: tenant)
        let change = try #require(try await all().first)
        _ = try await levels.put(.dismissed, note: "", on: change.id, version: 0, by: "usr_a", tenant: tenant)
        try await levels.sweep()
        #expect(try await all().map(\.verdict.kind) == [.dismissed])
        #expect(try await levels.verdicts(PageRequest(limit: 9, cursor: ""), on: change.id, tenant: tenant).items.count == 1)
        let old = LevelDays.name(RollupStore.retention + 2, before: now)
        try await database.execute(.tenant(tenant), "update trend_changes set day = \(old)::text::date where tenant_id = \(tenant)")
        try await levels.sweep()
        #expect(try await all().isEmpty)
        #expect(try await levels.verdicts(PageRequest(limit: 9, cursor: ""), on: change.id, tenant: tenant).items.isEmpty)
    }

    // MARK: - Found without anybody asking

    private func rollUp() async throws {
        let job = Job(tenant: tenant, kind: RollUpTestDays.Payload.kind)
        try await RollUpTestDays(days: TestDayStore(database: database), jobs: JobQueue(database: database)).handle(.init(project: project), job)
    }

    private func search() async throws {
        let job = Job(tenant: tenant, kind: FindTrendChanges.Payload.kind)
        try await FindTrendChanges(rollups: RollupStore(database: database), levels: levels).handle(.init(project: project), job)
    }

    @Test("the nightly search finds what became slower of the tests with most time, today's executions included; run twice it writes nothing more")
    func searched() async throws {
        let (day, idle) = (24 * 60.0, TestID.new())
        try await insert(minutesAgo: 2 * day, 40, commit: "old")
        try await insert(minutesAgo: day, 12, slow: true, commit: "new")
        try await insert(minutesAgo: 0, 8, slow: true)
        // It has taken no time on the last days that are over.
        try await insert(minutesAgo: 20 * day, 40, idle)
        try await insert(minutesAgo: 0, 20, slow: true, idle)
        try await search()
        #expect(try await all().isEmpty, "no day has been counted")
        try await rollUp()
        try await search()
        let found = try await all()
        #expect(found.map(\.part.value) == [test.description] && found.map { $0.start?.commit } == ["new"])
        let change = try #require(found.first)
        let (kept, input) = try await levels.receipt(of: change.id, tenant: tenant)
        #expect(try kept == change && LevelReplay(kept, input: input).agrees && input.split(separator: "\n").count == 60)
        let written = try await versions()
        try await search()
        #expect(try await versions() == written)
        // Who asks is told of the same one.
        try await serve { clients in
            let told = try await ask(clients)
            #expect(told.data.map(\.levelChange) == [change.id.description])
        }
        #expect(try await versions() == written)
    }

    @Test("of a project's tests those that took most time on the last days that are over are looked at, whatever part of them is read at once")
    func busiest() async throws {
        let tests = (0..<5).map { _ in TestID.new() }
        for (index, test) in tests.enumerated() { try await insert(minutesAgo: 24 * 60, index + 1, test) }
        for ago in [0, 9] { try await insert(minutesAgo: Double(ago) * 24 * 60, 50, tests[0]) }
        try await rollUp()
        let days = TestDayStore(database: database)
        for part in [1, 2, 5, 100] {
            let busiest = try await days.busiest(3, of: project, last: TestLook.days, atOnce: part, tenant: tenant)
            #expect(busiest == [tests[4], tests[3], tests[2]], "\(part)")
        }
        #expect(try await days.busiest(9, of: project, last: TestLook.days, tenant: tenant).count == 5)
        #expect(try await days.busiest(9, of: .new(), last: TestLook.days, tenant: tenant).isEmpty)
        #expect(try await days.busiest(9, of: project, last: TestLook.days, tenant: .new()).isEmpty)
    }
}
