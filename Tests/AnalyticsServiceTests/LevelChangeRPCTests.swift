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

@Suite("changes of level that are kept, as callers get them", .database(AnalyticsProgram.schema, JobSchema.schema))
struct LevelChangeRPCTests {
    private let tenant = ID<Tenant>.new()
    private let project = ID<AnalyticsService.Project>.new()
    private let now = Date()

    private var database: Database { TestDatabase.current.database }
    private var levels: LevelChangeStore { LevelChangeStore(database: database) }
    private var rollups: RollupStore { RollupStore(database: database) }

    private func person(_ name: String = "usr_ann", projects: Set<UUID>? = nil) -> Caller {
        Caller(identity: CallerIdentity(tenant: tenant, actor: name, permissions: ["runs.read", "failures.triage"], projects: projects))
    }

    private func keep(worse: Int, _ part: TrendPart = .whole) async throws {
        try await levels.keep([LevelLook(part, days: LevelDays.made(worse: worse, until: now), at: now)], of: project, tenant: tenant)
    }

    private struct Clients: Sendable {
        let changes: PBLevelChanges.Client<InProcess.Transport>
        let verdicts: PBLevelChangeVerdicts.Client<InProcess.Transport>
        let trends: PBTrends.Client<InProcess.Transport>
    }

    private func serve(_ body: @Sendable (Clients) async throws -> Void) async throws {
        let services: [any RegistrableRPCService] = [
            LevelChangesRPC(levels: levels), LevelChangeVerdictsRPC(levels: levels),
            TrendsRPC(rollups: rollups, revisions: RevisionStore(database: database)),
        ]
        try await InProcess.serve(services, rules: AnalyticsContract.rules, as: person()) { client in
            try await body(
                Clients(
                    changes: PBLevelChanges.Client(wrapping: client), verdicts: PBLevelChangeVerdicts.Client(wrapping: client),
                    trends: PBTrends.Client(wrapping: client)))
        }
    }

    private func list(
        _ clients: Clients, _ change: @Sendable (inout PBListLevelChangesRequest) -> Void = { _ in }
    ) async throws -> PBListLevelChangesResponse {
        var request = PBListLevelChangesRequest()
        request.project = project.description
        change(&request)
        return try await clients.changes.listLevelChanges(request)
    }

    private func put(
        _ change: String, _ kind: PBLevelChangeVerdict.Kind, note: String = "", version: Int64 = 0
    ) -> PBPutLevelChangeVerdictRequest {
        .with { ($0.change, $0.kind, $0.note, $0.version) = (change, kind, note, version) }
    }

    @Test("changes are listed with the newest day first, page by page, by part and figure; gone and dismissed ones are there when they are asked for")
    func listed() async throws {
        let (cart, pay) = (TrendPart(dimension: .suite, value: "cart"), TrendPart(dimension: .branch, value: "pay"))
        try await keep(worse: 14)
        try await keep(worse: 20, cart)
        try await keep(worse: 10, pay)
        try await serve { clients in
            let whole = try await list(clients)
            let days = [10, 10, 14, 14, 20, 20].map { LevelDays.name($0, before: now) }
            #expect(whole.data.map(\.day) == days && !whole.page.hasMore_p)
            #expect(whole.data.map(\.dimension) == [.branch, .branch, .dimensionUnspecified, .dimensionUnspecified, .suite, .suite])
            #expect(whole.data.map(\.value) == ["pay", "pay", "", "", "cart", "cart"])
            #expect(whole.data.allSatisfy { $0.edition == ChangePoints.edition && $0.inputHash.count == 16 && !$0.hasGoneAt && $0.hasFoundAt })
            #expect(whole.data.allSatisfy { $0.project == project.description && $0.verdict.version == 1 && $0.verdict.change == $0.id })
            let rate = try #require(whole.data.last { $0.figure == .passRate })
            #expect(rate.before == 1 && rate.after == 0.75)

            let first = try await list(clients) { $0.limit = 3 }
            let cursor = first.page.nextCursor
            let rest = try await list(clients) { ($0.limit, $0.cursor) = (3, cursor) }
            #expect(first.data + rest.data == whole.data && first.data.count == 3 && !rest.page.hasMore_p)

            func count(_ change: @Sendable (inout PBListLevelChangesRequest) -> Void) async throws -> Int {
                try await list(clients, change).data.count
            }
            #expect(try await count { $0.whole = true } == 2)
            #expect(try await count { $0.dimension = .suite } == 2)
            #expect(try await count { ($0.dimension, $0.value) = (.suite, "pay") } == 0)
            #expect(try await count { ($0.dimension, $0.value) = (.branch, "pay") } == 2)
            #expect(try await count { $0.figure = .duration } == 3)

            _ = try await clients.verdicts.putLevelChangeVerdict(put(rate.id, .dismissed))
            try await keep(worse: 0, pay)
            #expect(try await count { _ in } == 3)
            #expect(try await count { $0.gone = true } == 5)
            #expect(try await count { $0.dismissed = true } == 4)
            #expect(try await count { ($0.gone, $0.dismissed) = (true, true) } == 6)
        }
    }

    @Test("what cannot be meant is refused")
    func refused() async throws {
        try await keep(worse: 14)
        try await serve { clients in
            let change = try #require(try await list(clients).data.first)
            func refusal(_ change: @Sendable (inout PBListLevelChangesRequest) -> Void) async throws -> Fault {
                try await InProcess.fault { try await list(clients, change) }
            }
            #expect(try await refusal { $0.value = "cart" }.fields.map(\.pointer) == ["value"])
            #expect(try await refusal { ($0.whole, $0.dimension) = (true, .suite) }.fields.map(\.pointer) == ["whole"])
            #expect(try await refusal { $0.figure = .UNRECOGNIZED(9) }.fields.map(\.pointer) == ["figure"])
            for cursor in ["x", "2026-03-01", "2026-02-31~\(change.id)", "2026-03-01~tst_00000000000000000000000000"] {
                #expect(try await refusal { $0.cursor = cursor }.code == "page.invalid_cursor")
            }
            for (kind, note, pointer) in [
                (PBLevelChangeVerdict.Kind.unspecified, "", "/kind"), (.UNRECOGNIZED(7), "", "/kind"), (.dismissed, "a\u{0}", "/note"),
                (.confirmed, String(repeating: "n", count: 1001), "/note"),
            ] {
                let fault = try await InProcess.fault { try await clients.verdicts.putLevelChangeVerdict(put(change.id, kind, note: note)) }
                #expect(fault.kind == .invalid && fault.fields.map(\.pointer) == [pointer])
            }
            let unknown = ID<LevelChange>.new().description
            let calls: [@Sendable (String) async throws -> Void] = [
                { id in _ = try await clients.changes.getLevelChange(.with { $0.change = id }) },
                { id in _ = try await clients.changes.replayLevelChange(.with { $0.change = id }) },
                { id in _ = try await clients.verdicts.getLevelChangeVerdict(.with { $0.change = id }) },
                { id in _ = try await clients.verdicts.putLevelChangeVerdict(put(id, .dismissed)) },
                { id in _ = try await clients.verdicts.deleteLevelChangeVerdict(.with { $0.change = id }) },
                { id in _ = try await clients.verdicts.listLevelChangeVerdicts(.with { $0.change = id }) },
            ]
            for call in calls {
                #expect(try await InProcess.fault { try await call(unknown) }.code == "level_change.not_found")
                let foreign = try await Caller.with(person(projects: [ID<AnalyticsService.Project>.new().uuid])) {
                    try await InProcess.fault { try await call(change.id) }
                }
                #expect(foreign.kind == .notFound || foreign.kind == .forbidden)
            }
        }
    }

    @Test("a change tells the days that it was found in, and is found in them again; where a row was tampered with it is not the same")
    func replayed() async throws {
        try await keep(worse: 14)
        try await serve { clients in
            for change in try await list(clients).data {
                let receipt = try await clients.changes.getLevelChange(.with { $0.change = change.id })
                #expect(receipt.change == change && receipt.days.count == 60)
                let last = try #require(receipt.days.last)
                #expect(last.day == LevelDays.name(1, before: now) && last.passed == 75 && last.judged == 100 && last.medianUs == 2_000)
                let replay = try await clients.changes.replayLevelChange(.with { $0.change = change.id })
                #expect(replay.agrees && replay.receipt == change && replay.inputHash == change.inputHash)
                #expect(replay.day == change.day && replay.before == change.before && replay.after == change.after)
            }
            for (update, isFound) in [
                ("level_after = level_after * 1.01", true), ("input = replace(input, ' 100/100 ', ' 99/100 ')", true), ("input = ''", false),
            ] as [(SQL, Bool)] {
                let change = try #require(try await list(clients).data.first)
                try await database.execute(.tenant(tenant), "update trend_changes set \(fragment: update) where tenant_id = \(tenant)")
                let replay = try await clients.changes.replayLevelChange(.with { $0.change = change.id })
                #expect(!replay.agrees && replay.hasDay == isFound && replay.hasAfter == isFound)
                // Another search finds the level as it was.
                try await keep(worse: 14)
            }
            let change = try #require(try await list(clients).data.first)
            try await database.execute(.tenant(tenant), "update trend_changes set edition = 99 where tenant_id = \(tenant)")
            let fault = try await InProcess.fault { try await clients.changes.replayLevelChange(.with { $0.change = change.id }) }
            #expect(fault.code == "level_change.not_replayable")
        }
    }

    @Test("the latest person's word holds, what was said stays readable, and taking it back leaves the machine's")
    func latest() async throws {
        try await keep(worse: 14)
        try await serve { clients in
            let change = try #require(try await list(clients).data.first)
            let before = try await clients.verdicts.getLevelChangeVerdict(.with { $0.change = change.id })
            #expect(before.version == 1 && before.kind == .unspecified && !before.hasDecidedAt && before.decidedBy.isEmpty)
            let first = try await clients.verdicts.putLevelChangeVerdict(put(change.id, .dismissed, note: "a holiday", version: 1))
            #expect(first.version == 2 && first.kind == .dismissed && first.decidedBy == "usr_ann" && first.note == "a holiday" && first.hasDecidedAt)
            let stale = try await InProcess.fault { try await clients.verdicts.putLevelChangeVerdict(put(change.id, .confirmed, version: 1)) }
            #expect(stale.code == "precondition_failed")
            let second = try await Caller.with(person("usr_bob")) {
                try await clients.verdicts.putLevelChangeVerdict(put(change.id, .confirmed, note: "new machine", version: 2))
            }
            #expect(second.version == 3 && second.decidedBy == "usr_bob")
            #expect(try await clients.changes.getLevelChange(.with { $0.change = change.id }).change.verdict == second)
            #expect(try await clients.verdicts.getLevelChangeVerdict(.with { $0.change = change.id }) == second)

            _ = try await clients.verdicts.deleteLevelChangeVerdict(.with { $0.change = change.id })
            _ = try await clients.verdicts.deleteLevelChangeVerdict(.with { $0.change = change.id })
            let after = try await clients.verdicts.getLevelChangeVerdict(.with { $0.change = change.id })
            #expect(after.version == 4 && after.kind == .unspecified && after.decidedBy == "usr_ann")
            let page = try await clients.verdicts.listLevelChangeVerdicts(.with { ($0.change, $0.limit) = (change.id, 2) })
            #expect(page.data.map(\.version) == [4, 3] && page.data.map(\.kind) == [.unspecified, .confirmed] && page.page.hasMore_p)
            let cursor = page.page.nextCursor
            let rest = try await clients.verdicts.listLevelChangeVerdicts(.with { ($0.change, $0.limit, $0.cursor) = (change.id, 2, cursor) })
            #expect(rest.data == [first] && !rest.page.hasMore_p)
        }
    }

    @Test("an answer about changes names those that are kept with what was said last, and another word makes it another answer")
    func told() async throws {
        let facts = FactStore(database: database, stabilities: StabilityStore(database: database))
        for ago in (0..<30).reversed() {
            try await facts.insert(
                FactBatch(
                    project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c", startedAt: now - Double(ago) * 86_400,
                    facts: (0..<20).map { index in
                        Fact(
                            result: .new(), test: .new(), suiteName: "cart", className: "", name: "n",
                            outcome: ago < 15 && index < 5 ? .failed : .passed, duration: nil)
                    }), tenant: tenant)
        }
        try await serve { clients in
            @Sendable func ask(_ dimension: PBTrendDimension.Value = .dimensionUnspecified, known: Int64 = 0) async throws -> PBTrendChanges {
                try await clients.trends.getTrendChanges(
                    .with {
                        ($0.project, $0.dimension, $0.revision) = (project.description, dimension, known)
                        if dimension != .dimensionUnspecified { $0.value = "cart" }
                    })
            }
            let before = try await ask()
            #expect(before.data.count == 1 && before.data[0].levelChange.isEmpty && !before.data[0].hasVerdict)
            try await FindTrendChanges(rollups: rollups, levels: levels).handle(
                .init(project: project), Job(tenant: tenant, kind: FindTrendChanges.Payload.kind))
            let found = try await ask(known: before.revision)
            let change = try #require(found.data.first)
            #expect(change.levelChange.hasPrefix("tch_") && change.verdict.version == 1 && change.verdict.kind == .unspecified)
            let suite = try #require(try await ask(.suite).data.first)
            #expect(suite.levelChange.hasPrefix("tch_") && suite.levelChange != change.levelChange)
            #expect(try await ask(known: found.revision).data.isEmpty)

            let word = try await clients.verdicts.putLevelChangeVerdict(put(change.levelChange, .dismissed, note: "a holiday", version: 1))
            let said = try await ask(known: found.revision)
            #expect(said.revision != found.revision && said.data.map(\.verdict) == [word] && said.data[0].day == change.day)
            #expect(try await ask(.suite).data.map(\.verdict.kind) == [.unspecified])
            _ = try await clients.verdicts.deleteLevelChangeVerdict(.with { ($0.change, $0.version) = (change.levelChange, 2) })
            #expect(try await ask(known: said.revision).data.map(\.verdict.kind) == [.unspecified])
        }
    }
}
