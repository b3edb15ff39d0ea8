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

@Suite("changes of how long tests take, as they are kept and told", .database(AnalyticsProgram.schema, JobSchema.schema))
struct TestChangeTests {
    typealias TestID = ID<AnalyticsService.Test>

    let tenant = ID<Tenant>.new()
    let project = ID<AnalyticsService.Project>.new()
    let test = TestID.new()
    let now = Date()

    var database: Database { TestDatabase.current.database }
    var stabilities: StabilityStore { StabilityStore(database: database) }
    var facts: FactStore { FactStore(database: database, stabilities: stabilities) }
    var levels: LevelChangeStore { LevelChangeStore(database: database) }
    private var revisions: RevisionStore { RevisionStore(database: database) }

    /// Executions of one run, some ten milliseconds each or sixteen.
    func insert(
        minutesAgo: Double, _ count: Int, slow: Bool = false, _ test: TestID? = nil, branch: String = "main", commit: String = "c"
    ) async throws {
        try await facts.insert(
            FactBatch(
                project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: commit, startedAt: now - minutesAgo * 60,
                facts: (0..<count).map { index in
                    Fact(
                        result: .new(), test: test ?? self.test, suiteName: "s", className: "", name: "adds up", outcome: .passed,
                        duration: (slow ? 16_000 : 10_000) + Int64(index * 37 % 400))
                }), tenant: tenant)
    }

    /// Forty executions, and twenty that take longer.
    func insertChange(_ test: TestID? = nil) async throws {
        try await insert(minutesAgo: 60, 40, test, commit: "old")
        try await insert(minutesAgo: 30, 20, slow: true, test, commit: "new")
    }

    func look(_ test: TestID? = nil, at: Date = Date()) async throws -> TestLook {
        let test = test ?? self.test
        let newest = try await facts.latest(TestLook.mostExecutions, of: [test], branch: "", tenant: tenant)
        return TestLook(test, newest: newest[test] ?? [], at: at)
    }

    func all(_ test: TestID? = nil) async throws -> [LevelChange] {
        let filter = LevelChangeStore.Filter(dimension: .test, value: test?.description, gone: true, dismissed: true)
        return try await levels.list(PageRequest(limit: 200, cursor: ""), filter, of: project, tenant: tenant).items
    }

    /// Which version each row is of, whatever is in it.
    func versions() async throws -> [String] {
        try await database.rows(
            .tenant(tenant), "select id::text || ' ' || xmin::text as version from trend_changes where tenant_id = \(tenant) order by id"
        ) { try $0.value("version", as: String.self) }
    }

    private func person(_ name: String = "usr_ann", projects: Set<UUID>? = nil, tenant: ID<Tenant>? = nil) -> Caller {
        Caller(
            identity: CallerIdentity(
                tenant: tenant ?? self.tenant, actor: name, permissions: ["runs.read", "failures.triage"], projects: projects))
    }

    struct Clients: Sendable {
        let durations: PBTestDurations.Client<InProcess.Transport>
        let changes: PBLevelChanges.Client<InProcess.Transport>
        let verdicts: PBLevelChangeVerdicts.Client<InProcess.Transport>
        let trends: PBTrends.Client<InProcess.Transport>
    }

    func serve(_ body: @Sendable (Clients) async throws -> Void) async throws {
        let services: [any RegistrableRPCService] = [
            TestDurationsRPC(tests: TestStore(database: database), facts: facts, revisions: revisions), LevelChangesRPC(levels: levels),
            LevelChangeVerdictsRPC(levels: levels), TrendsRPC(rollups: RollupStore(database: database), revisions: revisions),
        ]
        try await InProcess.serve(services, rules: AnalyticsContract.rules, as: person()) { client in
            try await body(
                Clients(
                    durations: PBTestDurations.Client(wrapping: client), changes: PBLevelChanges.Client(wrapping: client),
                    verdicts: PBLevelChangeVerdicts.Client(wrapping: client), trends: PBTrends.Client(wrapping: client)))
        }
    }

    func ask(_ clients: Clients, branch: String = "", known: Int64 = 0, of test: TestID? = nil) async throws -> PBTestDurationSummary {
        let test = test ?? self.test
        return try await clients.durations.getTestDurations(.with { ($0.test, $0.branch, $0.revision) = (test.description, branch, known) })
    }

    private func list(
        _ clients: Clients, _ change: @Sendable (inout PBListLevelChangesRequest) -> Void = { _ in }
    ) async throws -> [PBLevelChange] {
        var request = PBListLevelChangesRequest()
        (request.project, request.dimension) = (project.description, .test)
        change(&request)
        return try await clients.changes.listLevelChanges(request).data
    }

    private func put(_ change: String, _ kind: PBLevelChangeVerdict.Kind, note: String = "") -> PBPutLevelChangeVerdictRequest {
        .with { ($0.change, $0.kind, $0.note) = (change, kind, note) }
    }

    // MARK: - Told when asked

    @Test("what is found is kept by the first who asks; who asks again of the same executions writes nothing, and the answer is the same one")
    func keptOnce() async throws {
        try await insertChange()
        try await serve { clients in
            let first = try await ask(clients)
            let change = try #require(first.data.first)
            #expect(first.data.count == 1 && change.levelChange.hasPrefix("tch_") && change.commitSha == "new")
            #expect(change.verdict.version == 1 && change.verdict.kind == .unspecified && change.verdict.change == change.levelChange)
            let written = try await versions()
            #expect(written.count == 1)
            for _ in 0..<2 { #expect(try await ask(clients) == first) }
            #expect(try await versions() == written)
            // What was kept is part of the answer already, so the answer of this revision stays the answer.
            #expect(try await ask(clients, known: first.revision) == PBTestDurationSummary.with { $0.revision = first.revision })

            let kept = try #require(try await list(clients).first)
            #expect(kept.id == change.levelChange && kept.value == test.description && kept.testName == "adds up" && kept.figure == .duration)
            #expect(kept.result == change.result && kept.commitSha == "new" && kept.executedAt == change.executedAt && kept.branch.isEmpty)
            #expect(kept.day == (now - 1_800).day && kept.inputHash == first.inputHash && kept.edition == first.edition && !kept.hasGoneAt)
            #expect(Int64(kept.before) == change.beforeUs && Int64(kept.after) == change.afterUs)
        }
    }

    @Test("a dismissed change stays dismissed while executions come, also late; it is told with the word, and another word makes another answer")
    func dismissed() async throws {
        try await insertChange()
        try await serve { clients in
            let first = try await ask(clients)
            let change = try #require(first.data.first)
            let word = try await clients.verdicts.putLevelChangeVerdict(put(change.levelChange, .dismissed, note: "a slow runner"))
            let told = try await ask(clients, known: first.revision)
            #expect(told.revision != first.revision && told.data.map(\.verdict) == [word] && told.data[0].result == change.result)

            try await insert(minutesAgo: 10, 15, slow: true)
            let later = try await ask(clients)
            #expect(later.data.map(\.levelChange) == [change.levelChange] && later.data.map(\.verdict) == [word])
            #expect(later.inputHash != first.inputHash)
            // In the middle, before the change: it lies thirty executions further on.
            try await insert(minutesAgo: 45, 30)
            let late = try await ask(clients)
            #expect(late.data.map(\.levelChange) == [change.levelChange] && late.data.map(\.verdict) == [word])
            // The window has moved past the first forty.
            try await insert(minutesAgo: 5, 420, slow: true)
            let moved = try await ask(clients)
            #expect(moved.durations.count == 500 && moved.data.map(\.levelChange) == [change.levelChange] && moved.data.map(\.verdict) == [word])
            #expect(try await list(clients).isEmpty)
            let listed = try await list(clients) { $0.dismissed = true }
            #expect(listed.map(\.id) == [change.levelChange] && listed.map(\.inputHash) == [moved.inputHash])

            // Older than all that is looked at: it is told no more, and stays what it was.
            try await insert(minutesAgo: 1, 500, slow: true)
            #expect(try await ask(clients).data.isEmpty)
            let beyond = try await list(clients) { $0.dismissed = true }
            #expect(beyond == listed)
        }
    }

    @Test("what is not found any more is gone, can be read, and comes back with what was said")
    func gone() async throws {
        try await insertChange()
        try await serve { clients in
            let change = try #require(try await ask(clients).data.first?.levelChange)
            let word = try await clients.verdicts.putLevelChangeVerdict(put(change, .confirmed))
            try await database.execute(
                .tenant(tenant), "update facts set duration_us = duration_us - 6000 where tenant_id = \(tenant) and duration_us >= 16000")
            #expect(try await ask(clients).data.isEmpty)
            #expect(try await list(clients).isEmpty)
            let gone = try #require(try await list(clients) { $0.gone = true }.first)
            #expect(gone.id == change && gone.hasGoneAt && gone.verdict == word)
            let written = try await versions()
            _ = try await ask(clients)
            #expect(try await versions() == written)
            try await database.execute(
                .tenant(tenant), "update facts set duration_us = duration_us + 6000 where tenant_id = \(tenant) and commit_sha = 'new'")
            let back = try await ask(clients)
            #expect(back.data.map(\.levelChange) == [change] && back.data.map(\.verdict) == [word])
            #expect(try await list(clients).map(\.id) == [change])
        }
    }

    @Test("those of executions on one branch are their own, with their own words")
    func branches() async throws {
        try await insert(minutesAgo: 60, 40)
        try await insert(minutesAgo: 50, 40, branch: "release")
        try await insert(minutesAgo: 30, 60, slow: true, branch: "release")
        try await serve { clients in
            let any = try #require(try await ask(clients).data.first)
            let release = try #require(try await ask(clients, branch: "release").data.first)
            #expect(any.levelChange != release.levelChange)
            #expect(try await ask(clients, branch: "main").data.isEmpty)
            let word = try await clients.verdicts.putLevelChangeVerdict(put(release.levelChange, .dismissed))
            #expect(try await ask(clients, branch: "release").data.map(\.verdict) == [word])
            #expect(try await ask(clients).data.map(\.verdict.kind) == [.unspecified])
            #expect(try await Set(list(clients) { $0.dismissed = true }.map(\.branch)) == ["", "release"])
        }
    }

    // MARK: - Receipts and lists

    @Test("a change tells the executions that it was found in, and is found in them again when there are no facts any more; tampered with it is not")
    func replayed() async throws {
        try await insertChange()
        try await serve { clients in
            let told = try await ask(clients)
            let id = told.data[0].levelChange
            func replay() async throws -> PBLevelChangeReplay { try await clients.changes.replayLevelChange(.with { $0.change = id }) }
            try await database.execute(.tenant(tenant), "delete from facts where tenant_id = \(tenant)")
            let receipt = try await clients.changes.getLevelChange(.with { $0.change = id })
            #expect(receipt.days.isEmpty && receipt.executions.count == 60 && receipt.executions[40].result == told.data[0].result)
            #expect(receipt.executions[0].durationUs == 10_000 && receipt.executions[40].durationUs == 16_000)
            let again = try await replay()
            #expect(again.agrees && again.receipt == receipt.change && again.inputHash == told.inputHash)
            #expect(again.day == receipt.change.day && again.result == receipt.change.result && again.after == receipt.change.after)

            for (tamper, restore, isFound) in [
                ("level_after = level_after * 2", "level_after = level_after / 2", true),
                ("input = replace(input, ' 10000', ' 10001')", "input = replace(input, ' 10001', ' 10000')", true),
                ("input = ''", "edition = 99", false),
            ] as [(SQL, SQL, Bool)] {
                try await database.execute(.tenant(tenant), "update trend_changes set \(fragment: tamper) where tenant_id = \(tenant)")
                let other = try await replay()
                #expect(!other.agrees && other.hasDay == isFound && other.result.isEmpty != isFound)
                try await database.execute(.tenant(tenant), "update trend_changes set \(fragment: restore) where tenant_id = \(tenant)")
            }
            let fault = try await InProcess.fault { try await replay() }
            #expect(fault.code == "level_change.not_replayable")
        }
    }

    @Test("those of tests are a list of their own, by test, also by a name that it had; where no test is meant they are refused")
    func listed() async throws {
        let (other, former) = (TestID.new(), TestID.new())
        try await insertChange()
        try await insertChange(other)
        try await levels.keep([LevelLook(.whole, days: LevelDays.made(worse: 14, until: now), at: now)], of: project, tenant: tenant)
        try await serve { clients in
            for one in [test, other] { _ = try await ask(clients, of: one) }
            #expect(try await Set(list(clients).map(\.value)) == Set([test, other].map(\.description)))
            #expect(try await list(clients) { $0.value = other.description }.map(\.value) == [other.description])
            #expect(try await list(clients) { $0.figure = .passRate }.isEmpty)
            #expect(try await list(clients) { $0.value = TestID.new().description }.isEmpty)
            let parts = try await list(clients) { $0.dimension = .dimensionUnspecified }
            #expect(parts.count == 2 && parts.allSatisfy { $0.dimension == .dimensionUnspecified && $0.result.isEmpty && $0.testName.isEmpty })
            let first = try await clients.changes.listLevelChanges(
                .with { ($0.project, $0.dimension, $0.limit) = (project.description, .test, 1) })
            let rest = try await list(clients) { ($0.limit, $0.cursor) = (1, first.page.nextCursor) }
            #expect(Set((first.data + rest).map(\.value)) == Set([test, other].map(\.description)))

            let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: QuarantineStore(database: database))
            try await aliases.set(former, to: other, project: project, tenant: tenant)
            #expect(try await list(clients) { $0.value = former.description }.map(\.value) == [other.description])

            let unclear = try await InProcess.fault { try await list(clients) { $0.value = "cart" } }
            #expect(unclear.code == "request.invalid_id" && unclear.fields.map(\.pointer) == ["value"])
            let calls: [@Sendable () async throws -> Void] = [
                { _ = try await clients.trends.getTrend(.with { ($0.project, $0.dimension) = (project.description, .test) }) },
                { _ = try await clients.trends.listTrendValues(.with { ($0.project, $0.dimension) = (project.description, .test) }) },
                { _ = try await clients.trends.getTrendChanges(.with { ($0.project, $0.dimension) = (project.description, .test) }) },
            ]
            for call in calls {
                let fault = try await InProcess.fault { try await call() }
                #expect(fault.code == "request.invalid" && fault.fields.map(\.pointer) == ["dimension"])
            }
        }
    }

    @Test("others see nothing of it: neither another organization nor who is bound to another project")
    func apart() async throws {
        try await insertChange()
        try await serve { clients in
            let id = try #require(try await ask(clients).data.first?.levelChange)
            let calls: [@Sendable () async throws -> Void] = [
                { _ = try await clients.changes.getLevelChange(.with { $0.change = id }) },
                { _ = try await clients.changes.replayLevelChange(.with { $0.change = id }) },
                { _ = try await clients.verdicts.getLevelChangeVerdict(.with { $0.change = id }) },
                { _ = try await clients.verdicts.putLevelChangeVerdict(put(id, .dismissed)) },
                { _ = try await clients.verdicts.listLevelChangeVerdicts(.with { $0.change = id }) },
            ]
            for call in calls {
                let foreign = try await Caller.with(person(tenant: .new())) { try await InProcess.fault { try await call() } }
                #expect(foreign.code == "level_change.not_found")
                let bound = try await Caller.with(person(projects: [ID<AnalyticsService.Project>.new().uuid])) {
                    try await InProcess.fault { try await call() }
                }
                #expect(bound.kind == .notFound || bound.kind == .forbidden)
            }
            let seen = try await Caller.with(person(tenant: .new())) { try await list(clients) }
            #expect(seen.isEmpty)
        }
        // What a release before migration 0031 lists of a project.
        let before = try await database.rows(
            .tenant(tenant), "select dimension from trend_changes where tenant_id = \(tenant) and project_id = \(project)"
        ) { try $0.value("dimension", as: String.self) }
        #expect(before.isEmpty)
        #expect(try await all().count == 1)
    }
}
