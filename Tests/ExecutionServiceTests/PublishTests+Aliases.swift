import AnalyticsAPI
import ExecutionAPI
import Foundation
import Jobs
import Postgres
import Primitives
import Synchronization
import TestSupport
import Testing
import ValidationAPI

@testable import ExecutionService

/// What others hear of renames.
extension PublishTests {
    @Test("Analytics and Validation hear that tests are one, and that they are no longer", .database(ExecutionProgram.schema, JobSchema.schema))
    func alias() async throws {
        let world = World(fixture: UploadFixture())
        let (fixture, aliases) = (world.fixture, world.fixture.aliases)
        let (old, new) = (ID<TestIdentity>.new(), ID<TestIdentity>.new())
        _ = try await aliases.insert(new, of: old, note: "", by: "key_test", project: fixture.project, tenant: fixture.tenant)
        try await world.work { try await eventually(within: .seconds(20)) { try await world.settled() } }
        try await aliases.delete(new, project: fixture.project, tenant: fixture.tenant)
        try await world.work { try await eventually(within: .seconds(20)) { try await world.settled() } }
        let heard = world.analytics.aliases.withLock { $0 }
        #expect(heard.map(\.test) == [old.description, ""])
        #expect(heard.allSatisfy { $0.alias == new.description && $0.project == fixture.project.description })
        let grouped = world.validation.aliases.withLock { $0 }
        #expect(grouped.map(\.test) == heard.map(\.test))
        #expect(grouped.allSatisfy { $0.alias == new.description && $0.project == fixture.project.description })
        // Joining long histories takes minutes, not the 10 s of any call.
        let left = world.analytics.left.withLock { $0 }
        #expect(left.count == 2 && left.allSatisfy { ($0 ?? .zero) > .seconds(120) })
    }

    @Test(
        "each receiver has a job of its own for each alias that is another's now, and is told what holds when it runs",
        .database(ExecutionProgram.schema, JobSchema.schema))
    func aliasJobs() async throws {
        let world = World(fixture: UploadFixture())
        let (fixture, aliases) = (world.fixture, world.fixture.aliases)
        let (first, second, third) = (ID<TestIdentity>.new(), ID<TestIdentity>.new(), ID<TestIdentity>.new())
        _ = try await aliases.insert(first, of: second, note: "", by: "key_test", project: fixture.project, tenant: fixture.tenant)
        // The first is the third's from now on.
        _ = try await aliases.insert(second, of: third, note: "", by: "key_test", project: fixture.project, tenant: fixture.tenant)
        for kind in [PublishAlias.Payload.kind, PublishAliasToGroups.Payload.kind] {
            let waiting = try await fixture.database.one(
                .tenant(fixture.tenant), "select count(*) as n from jobs where tenant_id = \(fixture.tenant) and kind = \(kind)"
            ) { try $0.value("n", as: Int.self) }
            #expect(waiting == 3, "\(kind)")
        }
        try await world.work { try await eventually(within: .seconds(20)) { try await world.settled() } }
        let grouped = world.validation.aliases.withLock { $0 }
        #expect(grouped.count == 3 && grouped.allSatisfy { $0.test == third.description })
        #expect(Set(grouped.map(\.alias)) == [first.description, second.description])
        #expect(world.analytics.aliases.withLock { $0.map(\.test) } == grouped.map(\.test))
        // Made again it is told again: Validation may have missed it when it was made.
        _ = try await aliases.insert(first, of: third, note: "", by: "key_test", project: fixture.project, tenant: fixture.tenant)
        try await world.work { try await eventually(within: .seconds(20)) { try await world.settled() } }
        #expect(world.validation.aliases.withLock { $0.count } == 4 && world.analytics.aliases.withLock { $0.count } == 3)
    }

    @Test("a call that lands behind a later one does not have the last word", .database(ExecutionProgram.schema, JobSchema.schema))
    func overtaken() async throws {
        let world = World(fixture: UploadFixture())
        let (fixture, aliases) = (world.fixture, world.fixture.aliases)
        let (old, new) = (ID<TestIdentity>.new(), ID<TestIdentity>.new())
        world.validation.isOvertaken.store(true, ordering: .relaxed)
        world.analytics.isOvertaken.store(true, ordering: .relaxed)
        _ = try await aliases.insert(new, of: old, note: "", by: "key_test", project: fixture.project, tenant: fixture.tenant)
        try await world.work {
            try await eventually {
                !world.validation.isOvertaken.load(ordering: .relaxed) && !world.analytics.isOvertaken.load(ordering: .relaxed)
            }
            // Both are being told of the alias.
            try await aliases.delete(new, project: fixture.project, tenant: fixture.tenant)
            try await eventually(within: .seconds(20)) { try await world.settled() }
        }
        #expect(world.validation.aliases.withLock { $0.map(\.test) } == ["", old.description, ""])
        #expect(world.analytics.aliases.withLock { $0.map(\.test) } == ["", old.description, ""])
    }

    @Test("an alias that changes with every call is left to another try of the job", .database(ExecutionProgram.schema, JobSchema.schema))
    func restless() async throws {
        let fixture = UploadFixture()
        let (aliases, project, tenant) = (fixture.aliases, fixture.project, fixture.tenant)
        let (old, new) = (ID<TestIdentity>.new(), ID<TestIdentity>.new())
        let told = Mutex<[String]>([])
        await #expect(throws: AliasAnnouncement.StillChanging.self) {
            try await AliasAnnouncement(aliases: aliases).make(of: new, project: project, tenant: tenant) { test in
                told.withLock { $0.append(test) }
                if test.isEmpty {
                    _ = try await aliases.insert(new, of: old, note: "", by: "key_test", project: project, tenant: tenant)
                } else {
                    try await aliases.delete(new, project: project, tenant: tenant)
                }
            }
        }
        #expect(told.withLock { $0 } == ["", old.description, ""])
    }

    @Test(
        "aliases from before Validation heard of any are told to it once the release comes, while others go on adding jobs",
        .database(ExecutionProgram.schema, JobSchema.schema))
    func knownAliases() async throws {
        let world = World(fixture: UploadFixture())
        let (fixture, database, tenant) = (world.fixture, world.fixture.database, world.fixture.tenant)
        let (first, second) = (ID<TestIdentity>.new(), ID<TestIdentity>.new())
        _ = try await fixture.aliases.insert(first, of: second, note: "", by: "key_test", project: fixture.project, tenant: tenant)
        try await database.execute(.tenant(tenant), "delete from jobs where tenant_id = \(tenant)")
        // As whoever owns both tables, and is no superuser: bound by their policies, of whichever tenant.
        let owner = try await database.one(.system, "select current_user::text as name") { try $0.value("name", as: String.self) }
        try await TestDatabase.current.administer { admin in
            try await admin.execute(.system, "alter table test_aliases owner to \(identifier: owner)")
            try await admin.execute(.system, "alter table jobs owner to \(identifier: owner)")
        }
        let file = try #require(ExecutionProgram.schema.files.first { $0.name == "0024_known_aliases.sql" }?.sql)
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.execute("lock table jobs in row exclusive mode")
            try await database.execute(.tenant(.new()), SQL(stringLiteral: file))
        }
        let isForced = try await database.one(
            .system, "select relforcerowsecurity as forced from pg_class where oid = to_regclass('test_aliases')"
        ) { try $0.value("forced", as: Bool.self) }
        #expect(isForced)
        try await world.work { try await eventually(within: .seconds(20)) { try await world.settled() } }
        let told = world.validation.aliases.withLock { $0 }
        #expect(told.map(\.alias) == [first.description] && told.map(\.test) == [second.description])
        #expect(told.map(\.project) == [fixture.project.description] && world.analytics.aliases.withLock { $0.isEmpty })
    }
}
