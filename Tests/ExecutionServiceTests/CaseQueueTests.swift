import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ExecutionService

/// Leases. Each test has a database of its own, since a claim takes from all tenants.
@Suite struct CaseQueueTests {
    @Test("two workers that claim at the same time never get the same case", .database(ExecutionProgram.schema, JobSchema.schema))
    func exclusive() async throws {
        let fixture = CaseFixture()
        let run = try await fixture.start(200, concurrency: 64)
        let claimed = try await withThrowingTaskGroup(of: [ClaimedCase].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let worker = UUID()
                    var mine: [ClaimedCase] = []
                    for _ in 0..<10 { mine += try await fixture.queue.claim(3, tenantCap: 1000, worker: worker) }
                    return mine
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(claimed.count == 64, "a run uses its own concurrency and no more")
        #expect(Set(claimed.map(\.id)).count == claimed.count)
        #expect(claimed.allSatisfy { $0.run == run.id && $0.attempt == 1 && $0.epoch == 1 && $0.suiteName == "Suite" })
        #expect(claimed.contains { $0.isFirst })
    }

    @Test("cases are claimed in the order of the suite", .database(ExecutionProgram.schema, JobSchema.schema))
    func order() async throws {
        let fixture = CaseFixture()
        _ = try await fixture.start(5)
        let names = try await fixture.queue.claim(3, tenantCap: 20, worker: UUID()).map(\.name)
        #expect(names == ["case 0", "case 1", "case 2"])
    }

    @Test("a claim that waited knows the secrets of what was started while it did", .database(ExecutionProgram.schema, JobSchema.schema))
    func secretsMeanwhile() async throws {
        let fixture = CaseFixture()
        let project = ID<Project>.new()
        let patient = try TestDatabase.current.pool(size: 1, statementTimeout: 60_000)
        defer { patient.close() }
        let (claim, secret, plain) = try await fixture.database.transaction(.system) { tx in
            // As a claim that takes long.
            try await tx.execute("select pg_advisory_xact_lock(hashtext('claim_cases'), hashtext(current_schema()))")
            let claim = Task { try await CaseQueue(database: patient).claim(2, tenantCap: 20, worker: UUID()) }
            try await eventually("the claim waits") {
                try await fixture.database.one(
                    .system,
                    """
                    select count(*) as n from pg_locks
                    where locktype = 'advisory' and not granted
                        and database = (select oid from pg_database where datname = current_database())
                    """
                ) { try $0.value("n", as: Int.self) } == 1
            }
            let draft = try TestSecret.Draft(
                project: project, name: "TOKEN", environment: "", value: "s3cr3t", hosts: AllowedHost.list(["api.example.com"]))
            _ = try await CaseFixture.secrets(fixture.database).insert(draft, by: "me", key: nil, tenant: fixture.tenant)
            return (claim, try await fixture.start(1, project: project), try await fixture.start(1))
        }
        let claimed = try await claim.value
        #expect(claimed.count == 2)
        #expect(claimed.first { $0.run == secret.id }?.hasSecrets == true)
        #expect(claimed.first { $0.run == plain.id }?.hasSecrets == false, "nothing is asked for a project that has none")
    }

    @Test("a run never has more cases under way than its own concurrency", .database(ExecutionProgram.schema, JobSchema.schema))
    func runConcurrency() async throws {
        let fixture = CaseFixture()
        let narrow = try await fixture.start(10, concurrency: 2)
        let wide = try await fixture.start(10, concurrency: 8)
        let claimed = try await fixture.queue.claim(64, tenantCap: 1000, worker: UUID())
        #expect(claimed.filter { $0.run == narrow.id }.count == 2)
        #expect(claimed.filter { $0.run == wide.id }.count == 8)
        #expect(try await fixture.queue.claim(64, tenantCap: 1000, worker: UUID()).isEmpty)
        _ = try await fixture.record.record(CaseFixture.passed([claimed.first { $0.run == narrow.id }].compactMap(\.self)), tenant: fixture.tenant)
        #expect(try await fixture.queue.claim(64, tenantCap: 1000, worker: UUID()).map(\.run) == [narrow.id])
    }

    @Test("tenants take turns, however much one of them has waiting", .database(ExecutionProgram.schema, JobSchema.schema))
    func fairness() async throws {
        let (large, small) = (CaseFixture(), CaseFixture())
        for _ in 0..<3 { _ = try await large.start(100, concurrency: 64) }
        _ = try await small.start(4, concurrency: 64)
        let claimed = try await large.queue.claim(8, tenantCap: 1000, worker: UUID())
        #expect(claimed.filter { $0.tenant == small.tenant }.count == 4)
        // Who has more under way waits until the others have caught up.
        _ = try await small.start(10, concurrency: 64)
        _ = try await large.queue.claim(8, tenantCap: 1000, worker: UUID())
        let counts = try await TestDatabase.current.database.rows(
            .system, "select count(*) as n from run_cases where state = 'running' group by tenant_id"
        ) { try $0.value("n", as: Int.self) }
        #expect(counts == [8, 8])
    }

    @Test("one tenant has at most its cap under way, over all workers", .database(ExecutionProgram.schema, JobSchema.schema))
    func tenantCap() async throws {
        let (hot, other) = (CaseFixture(), CaseFixture())
        for _ in 0..<5 { _ = try await hot.start(50) }
        let total = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<6 { group.addTask { try await hot.queue.claim(10, tenantCap: 20, worker: UUID()).count } }
            return try await group.reduce(0, +)
        }
        #expect(total == 20)
        _ = try await other.start(1)
        #expect(try await hot.queue.claim(10, tenantCap: 20, worker: UUID()).map(\.tenant) == [other.tenant])
    }

    @Test("a lost lease goes to another worker, and the first one's result is refused", .database(ExecutionProgram.schema, JobSchema.schema))
    func leaseLoss() async throws {
        let fixture = CaseFixture()
        let run = try await fixture.start(1)
        let (first, second) = (UUID(), UUID())
        let stale = try await fixture.lapsing.claim(1, tenantCap: 20, worker: first)
        #expect(try await fixture.queue.claim(1, tenantCap: 20, worker: second).isEmpty, "nobody gets it before it is collected")
        #expect(try await fixture.queue.requeueExpired() == 1)
        #expect(try await fixture.record.record(CaseFixture.passed(stale), tenant: fixture.tenant) == 1, "it is nobody's now")
        let taken = try await fixture.queue.claim(1, tenantCap: 20, worker: second)
        #expect(taken.map(\.id) == stale.map(\.id))
        #expect(taken.map(\.attempt) == [2])
        #expect(taken.map(\.epoch) == [2])
        #expect(try await fixture.queue.renew(Set(stale.map(\.fence)), worker: first).isEmpty)
        #expect(try await fixture.queue.renew(Set(taken.map(\.fence)), worker: second) == Set(taken.map(\.fence)))
        #expect(try await fixture.record.record(CaseFixture.passed(stale), tenant: fixture.tenant) == 1)
        #expect(try await fixture.run(run.id).counts == Counts(pending: 1))
        #expect(try await fixture.record.record(CaseFixture.passed(taken), tenant: fixture.tenant) == 0)
        #expect(try await fixture.record.record(CaseFixture.passed(taken), tenant: fixture.tenant) == 1, "written twice it is refused")
        #expect(try await fixture.run(run.id).state == .passed)
        #expect(try await fixture.listed(run.id).map(\.attempt) == [2])
    }

    @Test("a lease that is renewed is not collected", .database(ExecutionProgram.schema, JobSchema.schema))
    func renewal() async throws {
        let fixture = CaseFixture()
        _ = try await fixture.start(2)
        let worker = UUID()
        let claimed = try await fixture.lapsing.claim(2, tenantCap: 20, worker: worker)
        #expect(try await fixture.queue.renew([claimed[0].fence], worker: worker) == [claimed[0].fence])
        #expect(try await fixture.queue.requeueExpired() == 1, "only the one that its worker no longer holds")
    }

    @Test("the third loss gives a case up instead of trying it again", .database(ExecutionProgram.schema, JobSchema.schema))
    func thirdLoss() async throws {
        let fixture = CaseFixture()
        _ = try await fixture.start(1)
        for _ in 0..<2 {
            #expect(try await fixture.lapsing.claim(1, tenantCap: 20, worker: UUID()).count == 1)
            #expect(try await fixture.queue.claimLost(worker: UUID()).isEmpty)
            #expect(try await fixture.queue.requeueExpired() == 1)
        }
        #expect(try await fixture.lapsing.claim(1, tenantCap: 20, worker: UUID()).map(\.attempt) == [3])
        #expect(try await fixture.queue.requeueExpired() == 0)
        let lost = try await fixture.queue.claimLost(worker: UUID())
        #expect(lost.map(\.attempt) == [3])
        #expect(lost.map(\.epoch) == [4])
        #expect(try await fixture.queue.claimLost(worker: UUID()).isEmpty, "only one collector gets it")
    }

    @Test("what is given back counts no attempt", .database(ExecutionProgram.schema, JobSchema.schema))
    func giveBack() async throws {
        let fixture = CaseFixture()
        _ = try await fixture.start(3)
        let worker = UUID()
        let claimed = try await fixture.queue.claim(2, tenantCap: 20, worker: worker)
        #expect(try await fixture.queue.giveBack(worker: worker) == 2)
        #expect(try await fixture.record.record(CaseFixture.passed(claimed), tenant: fixture.tenant) == 2)
        let again = try await fixture.queue.claim(3, tenantCap: 20, worker: UUID())
        #expect(again.map(\.attempt) == [1, 1, 1])
        #expect(again.map(\.epoch) == [2, 2, 1])
    }
}
