import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("quarantine", .database(AnalyticsProgram.schema, JobSchema.schema))
struct QuarantineTests {
    typealias TestID = ID<AnalyticsService.Test>

    static let now = Date(timeIntervalSince1970: 1_790_000_000)
    static let limits = QuarantineLimits(most: 2, usualDays: 14, mostDays: 90)

    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()

    private var quarantines: QuarantineStore { QuarantineStore(database: TestDatabase.current.database, limits: Self.limits) }
    private var stabilities: StabilityStore { StabilityStore(database: TestDatabase.current.database) }

    private func act(_ key: String? = nil, days: Double = 0) -> QuarantineStore.Act {
        QuarantineStore.Act(project: project, tenant: tenant, actor: "key_a", key: key, now: Self.now + days * 86_400)
    }

    private func draft(_ reason: String = "late answers", owner: String = "@shop", days: Double? = nil) throws -> Quarantine.Draft {
        try Quarantine.Draft(
            owner: owner, ticket: "SHOP-12", reason: reason, expiresAt: days.map { Self.now + $0 * 86_400 }, at: Self.now, Self.limits)
    }

    /// Executions of tests, each a minute long.
    private func execute(_ tests: [TestID: Outcome], project: ID<Project>? = nil) async throws {
        let facts = FactStore(database: TestDatabase.current.database, stabilities: stabilities)
        try await facts.insert(
            FactBatch(
                project: project ?? self.project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c", startedAt: Self.now,
                facts: tests.map {
                    Fact(result: .new(), test: $0, suiteName: "s", className: "c", name: "n", outcome: $1, duration: 60_000_000)
                }), tenant: tenant)
    }

    private func tests(_ count: Int) async throws -> [TestID] {
        let tests = (0..<count).map { _ in TestID.new() }
        try await execute(Dictionary(uniqueKeysWithValues: tests.map { ($0, .failed) }))
        return tests
    }

    @Test(
        "an expiry is in the future and at most as far ahead as the limit; texts have something in them, and no control characters",
        arguments: [
            ("o", "t", "r", 1, nil), ("o", "", "r\nr", 90, nil), ("", "t", "r", 1, "/owner"), ("  ", "t", "r", 1, "/owner"),
            ("o\n", "t", "r", 1, "/owner"), ("o", "t\u{7F}", "r", 1, "/ticket"), ("o", "t", "", 1, "/reason"), ("o", "t", "r\0", 1, "/reason"),
            ("o", "t", "r", 0, "/expires_at"), ("o", "t", "r", -1, "/expires_at"), ("o", "t", "r", 90.1, "/expires_at"),
            (String(repeating: "o", count: 201), "t", "r", 1, "/owner"), ("o", String(repeating: "t", count: 501), "r", 1, "/ticket"),
            ("o", "t", String(repeating: "r", count: 1001), 1, "/reason"),
        ] as [(String, String, String, Double, String?)])
    func drafts(owner: String, ticket: String, reason: String, days: Double, pointer: String?) {
        var fault: Fault?
        do throws(Fault) {
            _ = try Quarantine.Draft(
                owner: owner, ticket: ticket, reason: reason, expiresAt: Self.now + days * 86_400, at: Self.now, Self.limits)
        } catch { fault = error }
        #expect(fault?.fields.first?.pointer == pointer)
    }

    @Test("what it costs is what the test ran since, until it is lifted; an expired one stands, is in force no more and makes room")
    func life() async throws {
        let all = try await tests(3)
        let made = try await quarantines.insert(draft(), of: all[0], act())
        #expect(made.expiresAt == Self.now + 14 * 86_400 && made.state(at: Self.now) == .active && made.createdBy == "key_a" && made.name == "n")
        #expect(made.cost == .init(executions: 0, failures: 0, duration: 0))
        try await execute([all[0]: .failed])
        try await execute([all[0]: .passed])
        let later = try await quarantines.get(all[0], project: project, tenant: tenant)
        #expect(later.cost == .init(executions: 2, failures: 1, duration: 120_000_000) && later.cost.minutes == 2)

        _ = try await quarantines.insert(draft(days: 1), of: all[1], act())
        let full = try await InProcess.fault { try await quarantines.insert(draft(), of: all[2], act()) }
        #expect(full.code == "quarantine.full")
        // A day later there is room, and nothing has run that would have made it.
        #expect(try await quarantines.inForce(project: project, at: Self.now + 2 * 86_400, tenant: tenant) == [all[0]])
        _ = try await quarantines.insert(draft(), of: all[2], act(days: 2))
        let longer = try Quarantine.Change(expiresAt: Self.now + 9 * 86_400, at: Self.now + 2 * 86_400, Self.limits)
        let stillFull = try await InProcess.fault { try await quarantines.update(longer, of: all[1], version: 0, act(days: 2)) }
        #expect(stillFull.code == "quarantine.full")

        try await quarantines.lift(all[0], version: 1, act(days: 3))
        try await execute([all[0]: .failed])
        let extended = try await quarantines.update(longer, of: all[1], version: 1, act(days: 3))
        #expect(extended.state(at: Self.now + 3 * 86_400) == .active && extended.version == 2 && extended.owner == "@shop")
        let gone = try await InProcess.fault { try await quarantines.get(all[0], project: project, tenant: tenant) }
        #expect(gone.code == "quarantine.not_found")
        let history = try await quarantines.list(
            PageRequest(limit: 10, cursor: ""), .init(test: all[0]), project: project, at: Self.now, tenant: tenant
        ).items
        #expect(history.map(\.cost.executions) == [2] && history.first?.liftedBy == "key_a" && history.first?.state(at: Self.now) == .lifted)
    }

    @Test("those in force that expire within so many days are found, and none that is over, was lifted or ends later")
    func ending() async throws {
        let quarantines = QuarantineStore(database: TestDatabase.current.database, limits: QuarantineLimits(most: 9))
        let all = try await tests(4)
        for (test, days) in zip(all, [1.0, 3, 7, 8]) { _ = try await quarantines.insert(draft(days: days), of: test, act()) }
        try await quarantines.lift(all[2], version: 1, act())
        let later = Self.now + 2 * 86_400
        func found(_ days: Double, _ states: Set<Quarantine.State> = []) async throws -> Set<TestID> {
            let filter = QuarantineStore.Filter(states: states, expiresBy: later + days * 86_400)
            return try await Set(
                quarantines.list(PageRequest(limit: 10, cursor: ""), filter, project: project, at: later, tenant: tenant).items.map(\.test))
        }
        #expect(try await found(5) == [all[1]])
        #expect(try await found(6) == [all[1], all[3]])
        #expect(try await found(6, [.active]) == [all[1], all[3]])
        #expect(try await found(6, [.expired, .lifted]).isEmpty)
        #expect(try await found(0.5).isEmpty)
    }

    @Test("a repetition gets the first answer; the same again changes nothing, something else is in the way; an expired one is replaced")
    func repetitions() async throws {
        let test = try await tests(1)[0]
        let made = try await quarantines.insert(draft(days: 1), of: test, act("k"))
        #expect(try await quarantines.insert(draft("other"), of: test, act("k")) == made)
        #expect(try await quarantines.insert(draft(days: 1), of: test, act("l")) == made)
        let taken = try await InProcess.fault { try await quarantines.insert(draft("other"), of: test, act()) }
        #expect(taken.code == "quarantine.exists")
        let change = try Quarantine.Change(reason: "better known", at: Self.now, Self.limits)
        let changed = try await quarantines.update(change, of: test, version: 1, act("m"))
        #expect(try await quarantines.update(change, of: test, version: 1, act("m")) == changed)
        let stale = try await InProcess.fault { try await quarantines.update(change, of: test, version: 1, act("n")) }
        let staleLift = try await InProcess.fault { try await quarantines.lift(test, version: 1, act()) }
        #expect(stale.code == "precondition_failed" && staleLift.code == "precondition_failed")

        let again = try await quarantines.insert(draft("again"), of: test, act(days: 2))
        #expect(again.id != made.id)
        let all = try await quarantines.list(
            PageRequest(limit: 10, cursor: ""), .init(test: test), project: project, at: Self.now, tenant: tenant
        ).items
        #expect(all.map(\.reason) == ["again", "better known"] && all.map { $0.liftedAt == nil } == [true, false])
    }

    @Test("two that are made at once for the last place do not both get it")
    func race() async throws {
        let all = try await tests(4)
        let store = quarantines
        let (act, draft) = (act(), try draft())
        let made = await withTaskGroup(of: Bool.self) { group in
            for test in all { group.addTask { (try? await store.insert(draft, of: test, act)) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == Self.limits.most)
    }

    @Test("a test that is not known, or another project's, cannot be quarantined")
    func unknown() async throws {
        let foreign = TestID.new()
        try await execute([foreign: .failed], project: .new())
        for test in [TestID.new(), foreign] {
            let fault = try await InProcess.fault { try await quarantines.insert(draft(), of: test, act()) }
            #expect(fault.code == "test.not_found")
        }
    }

    @Test("what was quarantined under a test's old name is so under its new one, at the same cost")
    func alias() async throws {
        let all = try await tests(2)
        _ = try await quarantines.insert(draft(), of: all[0], act())
        try await execute([all[0]: .failed, all[1]: .passed])
        let aliases = AliasStore(database: TestDatabase.current.database, stabilities: stabilities, quarantines: quarantines)
        try await aliases.set(all[0], to: all[1], project: project, tenant: tenant)
        let moved = try await quarantines.get(all[1], project: project, tenant: tenant)
        #expect(moved.cost == .init(executions: 1, failures: 1, duration: 60_000_000))
        try await execute([all[0]: .failed])
        #expect(try await quarantines.get(all[1], project: project, tenant: tenant).cost.executions == 2)
    }

    @Test("of two quarantines of what is one test, the one that ends later goes on, whichever name it had", arguments: [true, false])
    func aliasOfTwo(longerUnderAlias: Bool) async throws {
        let all = try await tests(2)
        for test in all {
            let isLonger = (test == all[0]) == longerUnderAlias
            _ = try await quarantines.insert(draft(isLonger ? "longer" : "shorter", days: isLonger ? 9 : 2), of: test, act())
        }
        try await execute([all[0]: .failed, all[1]: .passed])
        let aliases = AliasStore(database: TestDatabase.current.database, stabilities: stabilities, quarantines: quarantines)
        try await aliases.set(all[0], to: all[1], project: project, tenant: tenant)
        // When the shorter one has ended, the test is quarantined all the same.
        let standing = try await quarantines.inForce(project: project, at: Self.now + 3 * 86_400, tenant: tenant)
        #expect(standing == [all[1]])
        let moved = try await quarantines.get(all[1], project: project, tenant: tenant)
        #expect(moved.reason == "longer" && moved.version == 1)
        #expect(moved.cost.executions == 1)
    }

    @Test("over RPC: lists by state and owner, page by page; who may only read changes nothing")
    func rpc() async throws {
        let all = try await tests(2)
        let rpc = QuarantinesRPC(quarantines: quarantines)
        let caller = Caller(tenant: tenant, actor: "usr_a", permissions: ["suites.write", "runs.read"])
        try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: caller, signedBy: "gateway") { client in
            let client = PBQuarantines.Client(wrapping: client)
            for (test, owner) in zip(all, ["@a", "@b"]) {
                let made = try await client.createQuarantine(
                    .with {
                        $0.project = project.description; $0.test = test.description; $0.owner = owner; $0.reason = "r"
                    })
                #expect(made.state == .active && made.createdBy == "usr_a" && made.version == 1 && made.hasCostMinutes)
            }
            let first = try await client.listQuarantines(
                .with {
                    $0.project = project.description; $0.limit = 1
                })
            let second = try await client.listQuarantines(
                .with {
                    $0.project = project.description; $0.limit = 1; $0.cursor = first.page.nextCursor; $0.state = [.active]
                })
            #expect((first.data + second.data).map(\.owner) == ["@b", "@a"] && !second.page.hasMore_p)
            let owned = try await client.listQuarantines(
                .with {
                    $0.project = project.description; $0.owner = "@a"
                })
            #expect(owned.data.map(\.test) == [all[0].description])
            // They end in 14 days.
            for (days, count) in [(13, 0), (14, 2)] as [(Int32, Int)] {
                let soon = try await client.listQuarantines(
                    .with {
                        $0.project = project.description; $0.expiresWithinDays = days
                    })
                #expect(soon.data.count == count)
            }
            let far = try await InProcess.fault {
                try await client.listQuarantines(
                    .with {
                        $0.project = project.description; $0.expiresWithinDays = 91
                    })
            }
            #expect(far.fields.first?.pointer == "expires_within_days")
            _ = try await client.liftQuarantine(
                .with {
                    $0.project = project.description; $0.test = all[0].description
                })
            let lifted = try await client.listQuarantines(
                .with {
                    $0.project = project.description; $0.state = [.lifted, .expired]
                })
            #expect(lifted.data.map(\.state) == [.lifted] && lifted.data.first?.liftedBy == "usr_a")
            let changed = try await client.updateQuarantine(
                .with {
                    $0.project = project.description; $0.test = all[1].description; $0.ticket = "T-1"; $0.version = 1
                })
            #expect(changed.ticket == "T-1" && changed.owner == "@b" && changed.version == 2)
            let reader = Caller(tenant: tenant, actor: "usr_b", permissions: ["runs.read"])
            let refused = try await Caller.with(reader) {
                try await InProcess.fault {
                    try await client.liftQuarantine(
                        .with {
                            $0.project = project.description; $0.test = all[1].description
                        })
                }
            }
            #expect(refused.kind == .forbidden)
        }
    }
}
