import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("changes of level as they are kept", .database(AnalyticsProgram.schema, JobSchema.schema))
struct LevelChangeStoreTests {
    let tenant = ID<Tenant>.new()
    let project = ID<AnalyticsService.Project>.new()
    let now = Date()

    private var database: Database { TestDatabase.current.database }
    private var rollups: RollupStore { RollupStore(database: database) }
    private var levels: LevelChangeStore { LevelChangeStore(database: database) }
    private var facts: FactStore { FactStore(database: database, stabilities: StabilityStore(database: database)) }

    private func keep(worse: Int, _ part: TrendPart = .whole, daysLater: Int = 0) async throws {
        let at = now + Double(daysLater) * 86_400
        try await levels.keep([LevelLook(part, days: LevelDays.made(worse: worse, until: at), at: at)], of: project, tenant: tenant)
    }

    private func all() async throws -> [LevelChange] {
        let everything = LevelChangeStore.Filter(gone: true, dismissed: true)
        return try await levels.list(PageRequest(limit: 200, cursor: ""), everything, of: project, tenant: tenant).items
    }

    private func revision() async throws -> Int64 {
        try await RevisionStore(database: database).current(project: project, tenant: tenant).number
    }

    @Test("a change that is found again keeps its id and what people said; one that is not is gone, can be read, and comes back")
    func renewed() async throws {
        try await keep(worse: 14)
        let first = try await all()
        #expect(first.count == 2 && first.allSatisfy { $0.goneAt == nil && $0.day == LevelDays.name(14, before: now) && $0.project == project })
        let rate = try #require(first.first { $0.figure == .passRate })
        #expect(rate.before == 1 && rate.after == 0.75 && rate.receipt.edition == ChangePoints.edition && rate.verdict.kind == nil)
        let word = try await levels.put(.confirmed, note: "new machine", on: rate.id, version: 1, by: "usr_ann", tenant: tenant)

        let before = try await revision()
        try await keep(worse: 14)
        #expect(try await all().map(\.receipt) == first.map(\.receipt))
        #expect(try await revision() == before, "the same found in the same is no news")

        // A day later, and two days earlier than it was thought.
        try await keep(worse: 17, daysLater: 1)
        let second = try await all()
        #expect(Set(second.map(\.id)) == Set(first.map(\.id)) && second.allSatisfy { $0.day == LevelDays.name(16, before: now) })
        let known = try #require(second.first { $0.id == rate.id })
        #expect(known.verdict == word && known.receipt.inputHash != rate.receipt.inputHash && known.receipt.lookedAt > rate.receipt.lookedAt)
        let (kept, input) = try await levels.receipt(of: rate.id, tenant: tenant)
        #expect(try kept == known && LevelReplay(kept, input: input).agrees)
        #expect(try await revision() != before)

        try await keep(worse: 0, daysLater: 1)
        let gone = try await all()
        #expect(gone.count == 2 && gone.allSatisfy { $0.goneAt != nil } && gone.map(\.receipt) == second.map(\.receipt))
        let standing = try await levels.list(PageRequest(limit: 50, cursor: ""), .init(), of: project, tenant: tenant).items
        #expect(standing.isEmpty)
        let stillKnown = try await levels.get(rate.id, tenant: tenant)
        #expect(stillKnown.verdict == word && stillKnown.goneAt != nil)
        let since = gone.map(\.goneAt)
        try await keep(worse: 0, daysLater: 2)
        #expect(try await all().map(\.goneAt) == since)

        try await keep(worse: 18, daysLater: 2)
        let back = try await all()
        #expect(back.allSatisfy { $0.goneAt == nil } && Set(back.map(\.id)) == Set(first.map(\.id)))
    }

    @Test("of two searches at once the one that looked earlier changes nothing, though it comes last")
    func overtaken() async throws {
        let cart = TrendPart(dimension: .suite, value: "cart")
        try await keep(worse: 15, daysLater: 1)
        let found = try await all()
        #expect(found.count == 2)
        // It finds nothing, or something else.
        for worse in [0, 20] {
            try await keep(worse: worse)
            #expect(try await all() == found)
        }
        try await keep(worse: 14, cart)
        #expect(try await all().count == 4, "another part was not looked at since")

        // What is gone since does not come back of an earlier look.
        try await keep(worse: 0, daysLater: 3)
        let gone = try await all()
        #expect(gone.filter { $0.goneAt != nil }.count == 2)
        try await keep(worse: 16, daysLater: 2)
        #expect(try await all() == gone)
        try await keep(worse: 18, daysLater: 4)
        #expect(try await all().allSatisfy { $0.goneAt == nil })
    }

    @Test("parts of one project, projects and organizations are told apart")
    func apart() async throws {
        let cart = TrendPart(dimension: .suite, value: "cart")
        try await keep(worse: 14)
        try await keep(worse: 14, cart)
        #expect(try await all().count == 4)
        // Of one part nothing is said by what another one did.
        try await keep(worse: 0, TrendPart(dimension: .branch, value: "cart"))
        #expect(try await all().allSatisfy { $0.goneAt == nil })
        let found = try await levels.list(of: cart, from: LevelDays.name(10, before: now), project: project, tenant: tenant)
        #expect(found.count == 2 && found.allSatisfy { $0.part == cart })
        #expect(try await levels.list(of: cart, from: LevelDays.name(8, before: now), project: project, tenant: tenant).isEmpty)
        let everything = LevelChangeStore.Filter(gone: true, dismissed: true)
        let page = try PageRequest(limit: 50, cursor: "")
        #expect(try await levels.list(page, everything, of: .new(), tenant: tenant).items.isEmpty)
        #expect(try await levels.list(page, everything, of: project, tenant: .new()).items.isEmpty)
        let fault = try await InProcess.fault { try await levels.get(found[0].id, tenant: .new()) }
        #expect(fault.code == "level_change.not_found")
    }

    @Test("nobody's word can be changed or deleted, or seen by others")
    func wordsStay() async throws {
        try await keep(worse: 14)
        let change = try #require(try await all().first)
        _ = try await levels.put(.dismissed, note: "", on: change.id, version: 0, by: "usr_a", tenant: tenant)
        let changed = try await database.execute(.tenant(tenant), "update trend_change_verdicts set note = 'x' where tenant_id = \(tenant)")
        let deleted = try await database.execute(.tenant(tenant), "delete from trend_change_verdicts where tenant_id = \(tenant)")
        let seen = try await database.rows(.tenant(.new()), "select 1 as one from trend_change_verdicts") { _ in 1 }.count
        #expect(changed == 0 && deleted == 0 && seen == 0)
    }

    @Test("changes of days that are not kept go, however many, with what was said of them; so does a word that was put meanwhile")
    func swept() async throws {
        for value in ["a", "b", "c"] { try await keep(worse: 14, TrendPart(dimension: .suite, value: value)) }
        let staying = try #require(try await all().last)
        let word = try await levels.put(.confirmed, note: "stays", on: staying.id, version: 0, by: "usr_a", tenant: tenant)
        let due = try await all().filter { $0.id != staying.id }
        #expect(due.count == 5)
        for change in due { _ = try await levels.put(.dismissed, note: "", on: change.id, version: 0, by: "usr_a", tenant: tenant) }
        let old = LevelDays.name(RollupStore.retention + 2, before: now)
        try await database.execute(
            .tenant(tenant), "update trend_changes set day = \(old)::text::date where tenant_id = \(tenant) and id <> \(staying.id)")
        let gone = ID<LevelChange>.new()
        try await database.execute(
            .tenant(tenant),
            """
            insert into trend_change_verdicts (tenant_id, change_id, version, project_id, kind, note, decided_by, decided_at)
            values (\(tenant), \(gone), 2, \(project), 'dismissed', '', 'usr_a', now())
            """)
        try await levels.sweep(atOnce: 2)
        #expect(try await all().map(\.id) == [staying.id])
        let left = try await database.rows(.tenant(tenant), "select note from trend_change_verdicts where tenant_id = \(tenant)") {
            try $0.value("note", as: String.self)
        }
        #expect(left == [word.note])
    }

    @Test("of two that judge at once on one version one is told")
    func race() async throws {
        try await keep(worse: 14)
        let change = try #require(try await all().first)
        let wins = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<6 {
                group.addTask { (try? await levels.put(.dismissed, note: "n", on: change.id, version: 1, by: "usr_a", tenant: tenant)) != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wins == 1)
        #expect(try await levels.verdicts(PageRequest(limit: 50, cursor: ""), on: change.id, tenant: tenant).items.map(\.version) == [2])
    }

    // MARK: - Search

    private func insert(daysAgo: Int, branch: String = "main", tags: [String] = [], _ results: [(suite: String, outcome: Outcome)]) async throws {
        try await facts.insert(
            FactBatch(
                project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: "c", tags: tags,
                startedAt: now - Double(daysAgo) * 86_400,
                facts: results.map {
                    Fact(result: .new(), test: .new(), suiteName: $0.suite, className: "", name: "n", outcome: $0.outcome, duration: nil)
                }), tenant: tenant)
    }

    private func search() async throws {
        let job = Job(tenant: tenant, kind: FindTrendChanges.Payload.kind)
        try await FindTrendChanges(rollups: rollups, levels: levels).handle(.init(project: project), job)
    }

    @Test("the search keeps what is found of the project and of its parts on days that are over; run twice it keeps the same")
    func searched() async throws {
        for ago in (0..<30).reversed() {
            // Today nothing passes, which may be the beginning of a run of failures.
            let failing = ago == 0 ? 20 : ago < 15 ? 5 : 0
            try await insert(daysAgo: ago, tags: ["os:mac"], (0..<20).map { ("cart", $0 < failing ? .failed : .passed) })
            try await insert(daysAgo: ago, branch: "topic", (0..<10).map { _ in ("pay", .passed) })
        }
        try await search()
        let first = try await all()
        let parts = Set(first.map { "\($0.part.dimension) \($0.part.value)" })
        #expect(parts == ["all ", "suite cart", "branch main", "tag os:mac"] && first.count == 4)
        #expect(first.allSatisfy { $0.figure == .passRate && $0.day == LevelDays.name(14, before: now) && !$0.rises })
        #expect(first.filter { $0.part.dimension != .all }.allSatisfy { $0.before == 1 && $0.after == 0.75 })
        for change in first {
            let (kept, input) = try await levels.receipt(of: change.id, tenant: tenant)
            #expect(try LevelReplay(kept, input: input).agrees && !input.contains(now.day))
        }
        try await search()
        #expect(try await all() == first)

        // What came of days that are over makes it another series; the failures are gone, and so is the change.
        try await database.execute(
            .tenant(tenant),
            "update rollups set passed = passed + failed, failed = 0 where tenant_id = \(tenant) and project_id = \(project)")
        try await search()
        let gone = try await all()
        #expect(gone.map(\.id) == first.map(\.id) && gone.allSatisfy { $0.goneAt != nil })
        try await search()
        #expect(try await all() == gone)
    }

    @Test("of each dimension those with most results are looked at, and not what a delivery had no room for")
    func busiest() async throws {
        for number in 0..<4 { try await insert(daysAgo: 2, branch: "b\(number)", (0...number).map { _ in ("s\(number)", .passed) }) }
        try await insert(daysAgo: 1, branch: RollupKey.rest, (0..<9).map { _ in ("s0", .passed) })
        // Not over, and over long ago.
        for ago in [0, 95] { try await insert(daysAgo: ago, branch: "other", (0..<50).map { _ in ("other", .passed) }) }
        func busiest(_ most: Int) async throws -> [String] {
            try await rollups.busiest(most, of: project, last: LevelLook.days, tenant: tenant).map { "\($0.dimension) \($0.value)" }
        }
        #expect(try await busiest(2) == ["branch b2", "branch b3", "suite s0", "suite s3"])
        #expect(try await busiest(1) == ["branch b3", "suite s0"])
        #expect(try await busiest(20).count == 8)
        #expect(try await rollups.busiest(20, of: project, last: LevelLook.days, tenant: .new()).isEmpty)
    }

    @Test("days are looked through once they have been counted, by one search a round")
    func asked() async throws {
        try await insert(daysAgo: 1, [("cart", .passed)])
        let job = Job(tenant: tenant, kind: RollUpTestDays.Payload.kind)
        for _ in 0..<2 {
            try await RollUpTestDays(days: TestDayStore(database: database), jobs: JobQueue(database: database)).handle(.init(project: project), job)
        }
        let waiting = try await database.rows(
            .tenant(tenant), "select payload->>'project' as project from jobs where tenant_id = \(tenant) and kind = 'find-trend-changes'"
        ) { try $0.value("project", as: String.self) }
        #expect(waiting == [project.description])
    }
}
