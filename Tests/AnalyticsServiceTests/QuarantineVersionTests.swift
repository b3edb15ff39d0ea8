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

@Suite("versions of quarantines", .database(AnalyticsProgram.schema, JobSchema.schema))
struct QuarantineVersionTests {
    typealias TestID = ID<AnalyticsService.Test>

    static let now = Date(timeIntervalSince1970: 1_790_000_000)
    static let limits = QuarantineLimits()

    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()

    private var database: Database { TestDatabase.current.database }
    private var quarantines: QuarantineStore { QuarantineStore(database: database, limits: Self.limits) }
    private var stabilities: StabilityStore { StabilityStore(database: database) }

    private static func day(_ days: Double) -> Date { now + days * 86_400 }

    private func act(by actor: String = "usr_a", days: Double = 0) -> QuarantineStore.Act {
        QuarantineStore.Act(project: project, tenant: tenant, actor: actor, now: Self.now + days * 86_400)
    }

    private func draft(_ reason: String = "late answers", owner: String = "@shop", days: Double = 10) throws -> Quarantine.Draft {
        try Quarantine.Draft(
            owner: owner, ticket: "SHOP-12", reason: reason, expiresAt: Self.now + days * 86_400, at: Self.now, Self.limits)
    }

    private func tests(_ count: Int) async throws -> [TestID] {
        let tests = (0..<count).map { _ in TestID.new() }
        try await FactStore(database: database, stabilities: stabilities).insert(
            FactBatch(
                project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c", startedAt: Self.now,
                facts: tests.map {
                    Fact(result: .new(), test: $0, suiteName: "s", className: "c", name: "n", outcome: .failed, duration: 60_000_000)
                }), tenant: tenant)
        return tests
    }

    private func versions(_ test: TestID, limit: Int = 50, cursor: String = "") async throws -> Page<QuarantineVersion> {
        try await quarantines.versions(PageRequest(limit: limit, cursor: cursor), of: test, project: project, tenant: tenant)
    }

    private func administer(_ statement: SQL) async throws {
        _ = try await TestDatabase.current.administer { try await $0.execute(.system, statement) }
    }

    @Test("what is edited, expires or is lifted stays readable: who said it and when, and how long it held")
    func life() async throws {
        let test = try await tests(1)[0]
        let made = try await quarantines.insert(draft(), of: test, act())
        let change = try Quarantine.Change(
            owner: "@pay", reason: "better known", expiresAt: Self.now + 3 * 86_400, at: Self.now + 86_400, Self.limits)
        _ = try await quarantines.update(change, of: test, version: 1, act(by: "usr_b", days: 1))
        // It is over on the third day, and on the fifth somebody renews it and then gives it up.
        let renewal = try Quarantine.Change(expiresAt: Self.now + 20 * 86_400, at: Self.now + 5 * 86_400, Self.limits)
        _ = try await quarantines.update(renewal, of: test, version: 2, act(by: "usr_c", days: 5))
        try await quarantines.lift(test, version: 3, act(by: "usr_d", days: 6))

        let said = try await versions(test).items
        #expect(said.map(\.kind) == [.lifted, .changed, .changed, .created] && said.map(\.version) == [4, 3, 2, 1])
        #expect(said.allSatisfy { $0.quarantine == made.id })
        #expect(said.map(\.saidBy) == ["usr_d", "usr_c", "usr_b", "usr_a"])
        #expect(said.compactMap(\.saidAt) == [Self.day(6), Self.day(5), Self.day(1), Self.day(0)])
        #expect(said.map(\.owner) == ["@pay", "@pay", "@pay", "@shop"])
        #expect(said.map(\.reason) == ["better known", "better known", "better known", "late answers"])
        #expect(said.map(\.ticket) == Array(repeating: "SHOP-12", count: 4))
        #expect(said.map(\.expiresAt) == [Self.day(20), Self.day(20), Self.day(3), Self.day(10)])
        let ends = said.map { $0.ending(at: Self.day(9)) }
        #expect(ends[0] == nil && ends.dropFirst().compactMap { $0?.at } == [Self.day(6), Self.day(3), Self.day(1)])
        #expect(ends.compactMap { $0?.isExpiry } == [false, true, false])
    }

    @Test(
        "a version ends when the next one is said or when it expires, whichever comes first",
        arguments: [
            // Expires after two seconds; the next is said after so many, if there is one, and when that was may not be known.
            ("created", false, nil, 1, nil, false), ("created", false, nil, 2, 2, true), ("changed", true, 1, 9, 1, false),
            ("changed", true, 3, 9, 2, true), ("changed", true, nil, 9, nil, false), ("lifted", false, nil, 9, nil, false),
        ] as [(String, Bool, Double?, Double, Double?, Bool)])
    func endings(kind: String, hasNext: Bool, next: Double?, asked: Double, ends: Double?, isExpiry: Bool) throws {
        let version = QuarantineVersion(
            quarantine: .new(), version: 1, kind: try #require(QuarantineVersion.Kind(rawValue: kind)), owner: "o", ticket: "", reason: "r",
            expiresAt: Self.now + 2, saidBy: "usr_a", saidAt: Self.now,
            successor: hasNext ? QuarantineVersion.Successor(saidAt: next.map { Self.now + $0 }) : nil)
        let ending = version.ending(at: Self.now + asked)
        #expect(ending?.at == ends.map { Self.now + $0 } && (ending?.isExpiry ?? false) == isExpiry)
    }

    @Test("an expired one that is replaced has its end and the new one its beginning, page by page; what is repeated is no version")
    func replaced() async throws {
        let test = try await tests(1)[0]
        let first = try await quarantines.insert(draft("first", days: 1), of: test, act())
        _ = try await quarantines.insert(draft("first", days: 1), of: test, act(by: "usr_b"))
        let second = try await quarantines.insert(draft("second"), of: test, act(by: "usr_b", days: 2))
        let pages = try await [versions(test, limit: 2), versions(test, limit: 2, cursor: versions(test, limit: 2).next ?? "")]
        #expect(pages.map(\.items.count) == [2, 1] && pages[1].next == nil)
        let said = pages.flatMap(\.items)
        #expect(said.map(\.quarantine) == [second.id, first.id, first.id] && said.map(\.kind) == [.created, .lifted, .created])
        #expect(said.map(\.saidBy) == ["usr_b", "usr_b", "usr_a"] && said.map(\.reason) == ["second", "first", "first"])
        #expect(said[2].ending(at: Self.day(9)) == QuarantineVersion.Ending(at: Self.day(1), isExpiry: true))
        for cursor in ["x", "\(first.id)", "\(first.id)~x", "qrn_x~1"] {
            let fault = try await InProcess.fault { try await versions(test, cursor: cursor) }
            #expect(fault.code == "page.invalid_cursor")
        }
    }

    @Test("of two tests that become one all that their quarantines said is read under its name, and the one that gave way has ended by nobody")
    func joined() async throws {
        let all = try await tests(2)
        _ = try await quarantines.insert(draft("shorter", days: 2), of: all[0], act())
        let longer = try await quarantines.insert(draft("longer", days: 9), of: all[1], act())
        let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: quarantines)
        try await aliases.set(all[0], to: all[1], project: project, tenant: tenant)
        let said = try await versions(all[1]).items
        #expect(said.map(\.reason) == ["longer", "shorter", "shorter"] && said.map(\.kind) == [.created, .lifted, .created])
        #expect(said[1].saidBy == nil && said[1].saidAt != nil && said[0].quarantine == longer.id)
        #expect(try await versions(all[0]).items.isEmpty)
    }

    @Test("what a release that keeps no versions was told is kept with the next change, as far as it is known")
    func past() async throws {
        let test = try await tests(1)[0]
        let made = try await quarantines.insert(draft(), of: test, act())
        let own: SQL = "tenant_id = \(tenant)"
        try await administer("delete from quarantine_versions where \(fragment: own)")
        // By version the creator is known, and the moment; of a change neither.
        _ = try await quarantines.update(Quarantine.Change(reason: "second", at: Self.now, Self.limits), of: test, version: 0, act(by: "usr_b"))
        try await administer("update quarantines set version = 3, reason = 'third' where \(fragment: own)")
        try await quarantines.lift(test, version: 0, act(by: "usr_c", days: 1))
        let said = try await versions(test).items
        #expect(said.map(\.version) == [4, 3, 2, 1] && said.map(\.reason) == ["third", "third", "second", "late answers"])
        #expect(said.map(\.saidBy) == ["usr_c", nil, "usr_b", "usr_a"] && said[1].saidAt == nil && said[3].saidAt == made.createdAt)
        #expect(said[2].ending(at: Self.now + 86_400) == nil)
    }

    @Test("what such a release has lifted is over since then; of what it has changed first nobody knows since when")
    func liftedBefore() async throws {
        let all = try await tests(2)
        for (index, test) in all.enumerated() {
            _ = try await quarantines.insert(draft(), of: test, act())
            try await administer(
                """
                update quarantines set version = \(Int64(index + 2)), lifted_at = \(Self.day(2)), lifted_by = 'usr_b'
                where tenant_id = \(tenant) and test_id = \(test)
                """)
        }
        let (lifted, changed) = try await (versions(all[0]).items, versions(all[1]).items)
        #expect(lifted.map(\.version) == [1] && changed.map(\.version) == [1])
        #expect(lifted.first?.ending(at: Self.day(20)) == QuarantineVersion.Ending(at: Self.day(2), isExpiry: false))
        #expect(changed.first?.successor == QuarantineVersion.Successor(saidAt: nil))
        #expect(changed.first?.ending(at: Self.day(20)) == nil)
    }

    @Test("who changes a quarantine of which such a release kept nothing locks it first, as those do who join tests: neither waits for the other")
    func locked() async throws {
        let test = try await tests(1)[0]
        let made = try await quarantines.insert(draft(), of: test, act())
        try await administer("delete from quarantine_versions where tenant_id = \(tenant)")
        let change = try Quarantine.Change(reason: "second", at: Self.now, Self.limits)
        let changing = try await database.transaction(.tenant(tenant)) { tx in
            let holder = try await tx.one("select pg_backend_pid()::bigint as pid") { try $0.value("pid", as: Int64.self) }
            try await tx.pipeline([
                "select set_config('lock_timeout', '500', true)",
                "select from quarantines where tenant_id = \(tenant) and id = \(made.id) for update",
            ])
            let changing = Task { try await quarantines.update(change, of: test, version: 0, act(by: "usr_b")) }
            try await eventually("the change waits") {
                try await database.one(
                    .system, "select count(*) as n from pg_stat_activity where \(holder)::bigint = any(pg_blocking_pids(pid)::bigint[])"
                ) { try $0.value("n", as: Int.self) } == 1
            }
            try await QuarantineStore.keepPast([made.id], tenant: tenant, in: tx)
            return changing
        }
        #expect(try await changing.value.reason == "second")
        #expect(try await versions(test).items.map(\.saidBy) == ["usr_b", "usr_a"])
    }

    @Test("versions are only added, and what excuses a test is told with who said it, its long texts cut")
    func inForce() async throws {
        let test = try await tests(2)[0]
        let long = String(repeating: "ü", count: 400)
        let made = try await quarantines.insert(draft(long), of: test, act())
        _ = try await quarantines.update(
            Quarantine.Change(ticket: long, at: Self.now, Self.limits), of: test, version: 1, act(by: "usr_b"))
        let untouched = try await database.transaction(.tenant(tenant)) { tx in
            [try await tx.execute("update quarantine_versions set owner = owner"), try await tx.execute("delete from quarantine_versions")]
        }
        #expect(untouched == [0, 0])
        let entries = try await quarantines.entriesInForce(project: project, at: Self.now + 9 * 86_400, tenant: tenant)
        #expect(entries.map(\.quarantine) == [made.id] && entries.map(\.test) == [test] && entries.map(\.version) == [2])
        #expect(entries.map(\.saidBy) == ["usr_b"] && entries.map(\.owner) == ["@shop"] && entries.map(\.expiresAt) == [made.expiresAt])
        #expect(entries[0].reason == String(long.prefix(300)) && entries[0].ticket == entries[0].reason)
        #expect(try await quarantines.entriesInForce(project: project, at: Self.now + 10 * 86_400, tenant: tenant).isEmpty)
    }

    @Test("over RPC: who may read runs lists versions; another project has none; Execution is told the tests, by what, and at which moment")
    func rpc() async throws {
        let test = try await tests(1)[0]
        let services: [any RegistrableRPCService] = [
            QuarantinesRPC(quarantines: quarantines), QuarantinedTestsRPC(quarantines: quarantines),
        ]
        let caller = Caller(tenant: tenant, actor: "usr_a", permissions: ["suites.write", "runs.read"])
        try await InProcess.serve(services, rules: AnalyticsContract.rules, as: caller, signedBy: "gateway") { client in
            let list = PBQuarantines.Client(wrapping: client)
            let made = try await list.createQuarantine(
                .with {
                    $0.project = project.description; $0.test = test.description; $0.owner = "@a"; $0.reason = "r"
                })
            let said = try await list.listQuarantineVersions(
                .with {
                    $0.project = project.description; $0.test = test.description
                })
            #expect(said.data.map(\.kind) == [.created] && said.data.map(\.saidBy) == ["usr_a"] && said.data.map(\.quarantine) == [made.id])
            #expect(said.data[0].hasSaidAt && !said.data[0].hasEndedAt && !said.data[0].hasExpired && said.data[0].expiresAt == made.expiresAt)
            let other = try await list.listQuarantineVersions(
                .with {
                    $0.project = ID<Project>.new().description; $0.test = test.description
                })
            #expect(other.data.isEmpty)
        }
        let service = Caller.service("execution", tenant: tenant)
        try await InProcess.serve(services, rules: AnalyticsContract.rules, as: service, signedBy: "execution") { client in
            let held = try await PBQuarantinedTests.Client(wrapping: client).listQuarantinedTests(.with { $0.project = project.description })
            #expect(held.tests == [test.description] && held.data.map(\.test) == held.tests && held.hasAt)
            #expect(held.data.map(\.version) == [1] && held.data.map(\.saidBy) == ["usr_a"] && held.data.map(\.owner) == ["@a"])
        }
    }
}
