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
import ValidationAPI

@testable import ValidationService

@Suite("baselines", .database(ValidationProgram.schema))
struct BaselineTests {
    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()

    private var baselines: BaselineStore { BaselineStore(database: TestDatabase.current.database) }

    /// A run that Execution has told of.
    private func finish(branch: String = "main", environment: String = "", lane: Lane = .trusted, passed: Int64 = 3, whole: Bool = true) async throws
        -> ID<Run>
    {
        let run = ID<Run>.new()
        try await ValidationStore(database: TestDatabase.current.database, jobs: JobQueue(database: TestDatabase.current.database)).complete(
            FinishedRun(
                run: run, project: project, lane: lane, branch: branch, environment: environment, commit: "c0ffee",
                startedAt: nil, tally: Tally(passed: passed, failed: 1), isWhole: whole), tenant: tenant)
        return run
    }

    private func propose(_ run: ID<Run>, by actor: String = "key_a") async throws -> Baseline {
        try await baselines.insert(run: run, note: "why", by: author(actor), project: project, tenant: tenant)
    }

    private func decide(_ baseline: Baseline, _ decision: Baseline.Decision = .approve, by actor: String = "usr_b") async throws -> Baseline {
        try await baselines.decide(baseline.id, decision, note: "seen", by: author(actor), tenant: tenant) { _ in }
    }

    private func author(_ actor: String, _ persons: Set<String> = []) -> Baseline.Author {
        Baseline.Author(actor: actor, persons: persons.union(actor.hasPrefix("usr_") ? [actor] : []))
    }

    private func withdraw(_ baseline: Baseline) async throws -> Baseline {
        try await baselines.withdraw(baseline.id, note: "half of it", by: "usr_c", tenant: tenant) { _ in }
    }

    private func inForce(_ branch: String = "main", _ environment: String = "") async throws -> [ID<Baseline>] {
        try await baselines.inForce(
            PageRequest(limit: 10, cursor: ""), line: (branch, environment), project: project, tenant: tenant
        ).items.map(\.id)
    }

    @Test("each branch and environment counts its own; the newest that is approved is in force, and all stay")
    func versions() async throws {
        let first = try await propose(finish())
        #expect(first.number == 1 && first.state == .proposed && first.commit == "c0ffee" && first.tally == Tally(passed: 3, failed: 1))
        #expect(try await inForce() == [])
        let approved = try await decide(first)
        #expect(approved.isInForce && approved.decidedBy == "usr_b" && approved.decisionNote == "seen" && approved.version == 2)
        let second = try await propose(finish())
        let staging = try await propose(finish(environment: "staging"))
        #expect(second.number == 2 && staging.number == 1)
        #expect(try await inForce() == [first.id])
        _ = try await decide(second)
        _ = try await decide(staging)
        #expect(try await inForce() == [second.id])
        #expect(try await inForce("main", "staging") == [staging.id])
        let all = try await baselines.list(
            PageRequest(limit: 10, cursor: ""), branch: "main", environment: "", states: [], project: project, tenant: tenant
        ).items
        #expect(all.map(\.number) == [2, 1] && all.map(\.isInForce) == [true, false])
        // What is in force is paged by branch and environment.
        let page = try await baselines.inForce(PageRequest(limit: 1, cursor: ""), line: nil, project: project, tenant: tenant)
        let rest = try await baselines.inForce(PageRequest(limit: 1, cursor: page.next ?? ""), line: nil, project: project, tenant: tenant)
        #expect((page.items + rest.items).map(\.id) == [second.id, staging.id] && rest.next == nil)
    }

    @Test("a run is one baseline at a time; one that is untrusted, in part, without a pass or unknown is none")
    func suitable() async throws {
        let run = try await finish()
        let made = try await propose(run)
        #expect(try await propose(run, by: "key_other") == made)
        for run in [try await finish(lane: .untrusted), try await finish(passed: 0), try await finish(whole: false)] {
            let fault = try await InProcess.fault { try await propose(run) }
            #expect(fault.code == "baselines.run_unsuitable")
        }
        let unknown = try await InProcess.fault { try await propose(.new()) }
        #expect(unknown.code == "validation.not_found" && unknown.kind == .notFound)
        #expect(unknown.detail.contains("not finished yet, or was imported (started_at)"))
    }

    @Test("a run that was rejected or withdrawn by mistake is proposed again, as one more; what was decided stays")
    func restored() async throws {
        let run = try await finish()
        let rejected = try await decide(propose(run), .reject)
        let second = try await propose(run, by: "usr_d")
        #expect(second.id != rejected.id && second.number == 2 && second.state == .proposed && second.proposedBy == "usr_d")
        #expect(second.run == run && second.tally == rejected.tally && second.commit == rejected.commit)
        let approved = try await decide(second)
        #expect(approved.isInForce)
        // While it is approved it is the one that is given.
        #expect(try await propose(run) == approved)
        let withdrawn = try await withdraw(approved)
        let third = try await propose(run)
        #expect(third.number == 3 && third.state == .proposed)
        #expect(try await propose(run) == third)
        #expect(try await decide(third).isInForce)
        #expect(try await inForce() == [third.id])
        let all = try await baselines.list(
            PageRequest(limit: 10, cursor: ""), branch: nil, environment: nil, states: [], project: project, tenant: tenant
        ).items
        #expect(all.map(\.state) == [.approved, .withdrawn, .rejected] && Array(all.dropFirst()) == [withdrawn, rejected])
    }

    @Test("of a run that is proposed again by many at once there is one proposal more")
    func restoredAtOnce() async throws {
        let run = try await finish()
        let dead = try await decide(propose(run), .reject)
        let (store, project, tenant) = (baselines, project, tenant)
        let ids = try await withThrowingTaskGroup(of: ID<Baseline>.self) { group in
            for number in 0..<4 {
                group.addTask {
                    try await store.insert(
                        run: run, note: "", by: Baseline.Author(actor: "key_\(number)", persons: []), project: project, tenant: tenant
                    ).id
                }
            }
            return try await group.reduce(into: Set<ID<Baseline>>()) { _ = $0.insert($1) }
        }
        #expect(ids.count == 1 && !ids.contains(dead.id))
        // Nor can the service make two by itself.
        await #expect(throws: (any Error).self) {
            try await store.database.execute(
                .tenant(tenant),
                """
                insert into baselines (
                    tenant_id, id, project_id, branch, environment, number, run_id, commit_sha, passed, failed, errored, skipped, note, proposed_by)
                select tenant_id, gen_random_uuid(), project_id, branch, environment, number + 10, run_id, commit_sha, passed, failed, errored,
                    skipped, note, proposed_by
                from baselines where tenant_id = \(tenant) and id = \(dead.id)
                """)
        }
    }

    @Test("a decision stays; with the rule of two persons nobody approves what they proposed, and may take it back")
    func decisions() async throws {
        let made = try await propose(finish(), by: "usr_a")
        let rule = try await baselines.put(twoPersons: true, version: 1, of: project, tenant: tenant)
        #expect(rule == .init(twoPersons: true, version: 2))
        let stale = try await InProcess.fault { try await baselines.put(twoPersons: false, version: 1, of: project, tenant: tenant) }
        #expect(stale.code == "precondition_failed")
        let own = try await InProcess.fault { try await decide(made, by: "usr_a") }
        #expect(own.code == "baselines.own_proposal")
        let approved = try await decide(made)
        #expect(try await decide(made) == approved)
        let late = try await InProcess.fault { try await decide(made, .reject) }
        #expect(late.code == "baselines.decided")
        let other = try await propose(finish(), by: "usr_a")
        #expect(try await decide(other, .reject, by: "usr_a").state == .rejected)
        #expect(try await inForce() == [made.id])
    }

    @Test(
        "for the rule of two a person is whoever signed in, whose key it is, or who acts in their place; a key that is nobody's is itself",
        arguments: [
            ("key_a", ["usr_a"], "usr_a", ["usr_a"], false), ("key_a", ["usr_a"], "key_b", ["usr_a"], false),
            ("usr_a", ["usr_a"], "key_a", ["usr_a"], false),
            ("key_a", ["usr_a"], "usr_b", ["usr_b"], true), ("key_a", [], "usr_a", ["usr_a"], true), ("key_a", [], "key_a", [], false),
            ("usr_a", ["usr_a"], "usr_b", ["usr_b", "usr_a"], false), ("upt_1", [], "usr_a", ["usr_a"], true),
        ] as [(String, Set<String>, String, Set<String>, Bool)])
    func persons(proposer: String, behind: Set<String>, decider: String, others: Set<String>, may: Bool) async throws {
        _ = try await baselines.put(twoPersons: true, version: 0, of: project, tenant: tenant)
        let made = try await baselines.insert(
            run: finish(), note: "", by: Baseline.Author(actor: proposer, persons: behind), project: project, tenant: tenant)
        let approve = { [baselines, tenant] in
            try await baselines.decide(
                made.id, .approve, note: "", by: Baseline.Author(actor: decider, persons: others), tenant: tenant
            ) { _ in }
        }
        if may {
            #expect(try await approve().isInForce)
        } else {
            #expect(try await InProcess.fault { try await approve() }.code == "baselines.own_proposal")
        }
    }

    @Test("an approval is withdrawn once, and what was approved before it holds again")
    func withdrawal() async throws {
        let first = try await decide(propose(finish()))
        let second = try await decide(propose(finish()))
        #expect(try await inForce() == [second.id])
        let withdrawn = try await withdraw(second)
        #expect(withdrawn.state == .withdrawn && withdrawn.withdrawal?.by == "usr_c" && withdrawn.withdrawal?.note == "half of it")
        // The approval is still told.
        #expect(withdrawn.decidedBy == "usr_b" && withdrawn.decisionNote == "seen" && withdrawn.version == 3 && !withdrawn.isInForce)
        #expect(try await inForce() == [first.id])
        #expect(try await withdraw(second) == withdrawn)
        for decision in [Baseline.Decision.approve, .reject] {
            let late = try await InProcess.fault { try await decide(second, decision) }
            #expect(late.code == "baselines.decided")
        }
        let proposed = try await propose(finish())
        let early = try await InProcess.fault { try await withdraw(proposed) }
        #expect(early.code == "baselines.not_approved")
        let listed = try await baselines.list(
            PageRequest(limit: 10, cursor: ""), branch: nil, environment: nil, states: [.withdrawn], project: project, tenant: tenant)
        #expect(listed.items == [withdrawn])
        _ = try await withdraw(first)
        #expect(try await inForce() == [])
    }

    @Test(
        "the archive refuses what is no decision, to the service as well",
        arguments: [
            "update baselines set note = 'other'", "update baselines set decided_by = 'usr_x' where state = 'approved'",
            "update baselines set state = 'proposed' where state <> 'proposed'", "update baselines set state = 'approved' where state = 'rejected'",
            "update baselines set state = 'rejected' where state = 'approved'",
            "update baselines set withdrawn_at = now() where state = 'proposed'",
        ] as [SQL])
    func archive(statement: SQL) async throws {
        let approved = try await decide(propose(finish()))
        _ = try await decide(propose(finish()), .reject)
        _ = try await propose(finish())
        await #expect(throws: (any Error).self) { try await baselines.database.execute(.tenant(tenant), statement) }
        #expect(try await baselines.database.execute(.tenant(tenant), "delete from baselines") == 0)
        #expect(try await baselines.get(approved.id, tenant: tenant) == approved)
    }

    @Test("proposals that come at once get numbers of their own")
    func race() async throws {
        let runs = [try await finish(), try await finish(), try await finish(), try await finish()]
        let (store, project, tenant) = (baselines, project, tenant)
        let numbers = try await withThrowingTaskGroup(of: Int64.self) { group in
            for run in runs {
                group.addTask {
                    try await store.insert(
                        run: run, note: "", by: Baseline.Author(actor: "key_a", persons: []), project: project, tenant: tenant
                    ).number
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(numbers.sorted() == [1, 2, 3, 4])
    }

    @Test("over RPC: proposed by a key, approved by a person, refused to builds that are not trusted")
    func rpc() async throws {
        let run = try await finish()
        let rpc: [any RegistrableRPCService] = [BaselinesRPC(baselines: baselines), BaselinesInForceRPC(baselines: baselines)]
        let key = Caller(tenant: tenant, actor: "key_a", permissions: ["results.write"])
        try await InProcess.serve(rpc, rules: ValidationContract.rules, as: key, signedBy: "gateway") { client in
            let client = PBBaselines.Client(wrapping: client)
            let request = PBCreateBaselineRequest.with {
                $0.project = project.description
                $0.run = run.description
                $0.note = "release"
            }
            let made = try await client.createBaseline(request)
            #expect(made.state == .proposed && made.proposedBy == "key_a" && made.counts.total == 4 && !made.inForce && made.note == "release")
            let refused = try await InProcess.fault { try await client.approveBaseline(.with { $0.baseline = made.id }) }
            #expect(refused.kind == .forbidden)
            let person = Caller(tenant: tenant, actor: "usr_b", permissions: ["suites.write", "runs.read"])
            try await Caller.with(person) {
                let approved = try await client.approveBaseline(.with { $0.baseline = made.id })
                #expect(approved.state == .approved && approved.inForce && approved.decidedBy == "usr_b")
                let listed = try await client.listBaselines(
                    .with {
                        $0.project = project.description
                        $0.state = [.approved]
                    })
                #expect(listed.data == [approved])
            }
        }
    }
}
