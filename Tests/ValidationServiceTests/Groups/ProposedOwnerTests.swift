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

@Suite("whose the tests of a group are is proposed as its owner", .database(ValidationProgram.schema, JobSchema.schema))
struct ProposedOwnerTests {
    private func refused(_ hosts: ClosedRange<Int>) -> [String] { hosts.map { "connection to 10.0.0.\($0):5432 refused" } }

    private func proposed(_ fixture: GroupFixture) async throws -> [String] { try #require(await fixture.list().first).proposedOwners }

    @Test("three are proposed, whose most tests are first, until somebody is; the filter finds whom the group was given to alone")
    func most() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(refused(1...5), at: 0, owners: [["@d"], ["@b", "@c"], ["@b"], ["@a"], []]))
        let group = try #require(await fixture.list().first)
        #expect(group.tests == 5 && PBFailureGroup(group).proposedOwners == ["@b", "@a", "@c"] && group.owner.isEmpty)
        #expect(try await fixture.list(GroupFilter(owner: "@b")).isEmpty)
        // A test counts once, however often it fails.
        for hour in 1..<4 { try await fixture.deliver(fixture.batch(refused(1...1), at: Double(hour), owners: [["@d"]])) }
        #expect(try await proposed(fixture) == ["@b", "@a", "@c"])

        let given = try await fixture.triage.apply(.assign("@a"), to: group.id, fixture.scope)
        #expect(PBFailureGroup(given).proposedOwners.isEmpty && given.owner == "@a")
        #expect(try await fixture.list(GroupFilter(owner: "@a")).count == 1)
        let free = try await fixture.triage.apply(.assign(""), to: group.id, fixture.scope)
        #expect(PBFailureGroup(free).proposedOwners == ["@b", "@a", "@c"])
    }

    @Test("each test of a group says whose it is, since when, and what is proposed can be counted again from that")
    func counted() async throws {
        let fixture = GroupFixture()
        let owners = [["@d"], ["@b", "@c"], ["@b"], ["@a"], []]
        try await fixture.deliver(fixture.batch(refused(1...5), at: 0, owners: owners))
        try await fixture.deliver(fixture.batch(refused(1...1), at: 2, owners: [["@c"]]))
        // Who comes later and says nothing, or says what was so before, changes nothing.
        try await fixture.deliver(fixture.batch(refused(1...2), at: 3))
        try await fixture.deliver(fixture.batch(refused(1...1), at: 1, owners: [["@old"]]))
        try await fixture.renew()
        let groups = FailureGroupsRPC(groups: fixture.groups, members: fixture.members, failures: fixture.failures)
        let caller = Caller(tenant: fixture.tenant, actor: "usr_1", permissions: ["runs.read"])
        try await InProcess.serve([groups], rules: ValidationContract.rules, as: caller) { client in
            let groups = PBFailureGroups.Client(wrapping: client)
            let group = try #require(try await groups.listFailureGroups(.with { $0.project = fixture.project.description }).data.first)
            func tests(limit: Int32, after cursor: String = "") async throws -> PBListGroupTestsResponse {
                try await groups.listGroupTests(
                    .with { ($0.project, $0.group, $0.limit, $0.cursor) = (fixture.project.description, group.id, limit, cursor) })
            }
            let all = try await tests(limit: 50).data
            #expect(all.map(\.owners) == [["@c"], ["@b", "@c"], ["@b"], ["@a"], []])
            let since: [Double?] = [2, 0, 0, 0, nil]
            #expect(all.map { $0.hasOwnersAt ? $0.ownersAt.date : nil } == since.map { $0.map(GroupFixture.hour) })
            var counts: [String: Int] = [:]
            for owner in all.flatMap(\.owners) { counts[owner, default: 0] += 1 }
            let counted = counts.sorted { (-$0.value, $0.key) < (-$1.value, $1.key) }.prefix(3).map(\.key)
            #expect(group.proposedOwners == counted && counted == ["@b", "@c", "@a"])
            let page = try await tests(limit: 1)
            let rest = try await tests(limit: 4, after: page.page.nextCursor)
            #expect(page.data + rest.data == all)
        }
    }

    @Test("whose a test is its latest failure says, in whatever order reports come", arguments: 0..<4)
    func latest(seed: Int) async throws {
        var chance = Chance(UInt64(seed))
        let fixture = GroupFixture()
        let batches = [["@old"], ["@late"], ["@a"], ["@new", "@z"], ["@new"]].enumerated().map { place, owners in
            // The last two are of one moment: the longer list holds.
            fixture.batch(refused(1...1), at: Double(min(place, 3)), owners: [owners])
        }
        let unknown = [2.5, 9].map { fixture.batch(refused(1...1), at: $0) }
        for batch in (batches + unknown).shuffled(using: &chance) { try await fixture.deliver(batch) }
        try await fixture.renew()
        #expect(try await proposed(fixture) == ["@new", "@z"], "who says nothing changes nothing")
    }

    @Test("of a test that several signatures of a group made fail the latest of all says it, in whatever order reports come", arguments: 0..<4)
    func several(seed: Int) async throws {
        var chance = Chance(UInt64(seed))
        let fixture = GroupFixture()
        let texts = ["no route to warehouse", "disk quota was exceeded"]
        for text in texts { try await fixture.deliver(fixture.batch([text], at: 0)) }
        let groups = try await fixture.list().map(\.id)
        _ = try await fixture.decisions.merge([groups[1]], into: groups[0], by: fixture.author(), at: GroupFixture.hour(1), fixture.scope)
        let batches = [(0, 2.0, "@a"), (1, 3, "@b"), (0, 4, "@a")].map { text, hour, owner in
            fixture.batch([texts[text]], at: hour, owners: [[owner]])
        }
        for batch in batches.shuffled(using: &chance) { try await fixture.deliver(batch) }
        try await fixture.renew()
        #expect(try await proposed(fixture) == ["@a"])
    }

    @Test("whose known tests are now is told when the groups are looked through, and at once when a new test comes; nothing else counts them")
    func later() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(refused(1...1), at: 0, owners: [["@old"]]))
        for owners in [["@new"], [], ["@new"]] { try await fixture.deliver(fixture.batch(refused(1...1), at: 1, owners: [owners])) }
        #expect(try await proposed(fixture) == ["@old"])
        try await fixture.renew()
        #expect(try await proposed(fixture) == ["@new"])
        try await fixture.deliver(fixture.batch(refused(1...1), at: 2, owners: [["@newer"]]))
        try await fixture.deliver(fixture.batch(refused(1...2), at: 3))
        #expect(try await proposed(fixture) == ["@newer"])
        // Nothing is marked any more, so nothing is counted.
        try await fixture.database.execute(
            .tenant(fixture.tenant), "update failure_groups set proposed_owners = '{@nobody}' where tenant_id = \(fixture.tenant)")
        try await fixture.renew()
        #expect(try await proposed(fixture) == ["@nobody"])
    }

    @Test("what is put together proposes for all its tests, and an untrusted run proposes nobody")
    func joined() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(
            fixture.batch(["no route to warehouse", "disk quota was exceeded", "queue is full"], at: 0, owners: [["@a"], ["@b"], ["@b"]]))
        let groups = try await fixture.list().map(\.id)
        let whole = try await fixture.decisions.merge(
            Array(groups.dropFirst()), into: groups[0], by: fixture.author(), at: GroupFixture.hour(1), fixture.scope)
        #expect(whole.proposedOwners == ["@b", "@a"] && whole.tests == 3)
        try await fixture.deliver(fixture.batch(["no route to warehouse"], at: 2, lane: .untrusted, owners: [["@mallory"]]))
        #expect(try await proposed(fixture) == ["@b", "@a"])
    }

    @Test("an owner that no group could be given to is left out, and the failure filed all the same")
    func unfit() async throws {
        let fixture = GroupFixture()
        let message = PBFailedResult.with {
            $0.result = ID<ValidationService.Result>.new().description
            $0.test = GroupFixture.test(0).description
            $0.outcome = .failed
            $0.message = "no route to warehouse"
            $0.owners = ["@a", "", "@a", String(repeating: "x", count: 101), "two\nlines", "@acme/pay, \"core\""]
        }
        let intake = ValidationService.IntakeRPC(
            failures: fixture.failures, validations: fixture.validations, rules: RuleStore(database: fixture.database))
        try await InProcess.serve(
            [intake], rules: ValidationContract.rules, as: .service("execution", tenant: fixture.tenant), signedBy: "execution"
        ) { client in
            _ = try await PBIntake.Client(wrapping: client).submitFailures(
                .with {
                    $0.project = fixture.project.description
                    $0.run = ID<ValidationService.Run>.new().description
                    $0.batch = "upl_1"
                    $0.lane = .trusted
                    $0.startedAt = Google_Protobuf_Timestamp(milliseconds: GroupFixture.start)
                    $0.results = [message]
                })
        }
        let group = try #require(await fixture.list().first)
        #expect(group.failures == 1 && group.lastSeen.result.description == message.result)
        #expect(group.proposedOwners == ["@a", "@acme/pay, \"core\""])
    }
}
