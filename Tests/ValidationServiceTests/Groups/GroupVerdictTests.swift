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

@Suite("what is said of failures reaches their groups", .database(ValidationProgram.schema, JobSchema.schema))
struct GroupVerdictTests {
    private var verdicts: VerdictStore { VerdictStore(database: TestDatabase.current.database) }

    private func say(_ category: ValidationService.Category, _ severity: Severity? = nil, of failure: FiledFailure, _ fixture: GroupFixture)
        async throws
    {
        _ = try await verdicts.put(category, severity, note: "", on: failure.result.result, version: 0, by: "usr_a", tenant: fixture.tenant)
    }

    @Test("a group is of the category that a person named last for any of its failures, and the machine's when all is taken back")
    func latest() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch(["connection to 10.0.0.1:1 refused", "connection to 10.0.0.2:1 refused", "no route to warehouse"], at: 0)
        try await fixture.deliver(batch)
        let group = try #require(await fixture.list(by: .failures).first)
        #expect(group.category == .network && group.overruled == nil)
        func shown() async throws -> FailureGroup { try await fixture.groups.get(group.id, fixture.scope) }

        try await say(.environment, .low, of: batch.failures[0], fixture)
        var now = try await shown()
        #expect(now.category == .environment && now.severity == .low && now.overruled == Overruled(category: .network, severity: .high))
        #expect(now.verdictResult == batch.failures[0].result.result)
        try await say(.data, of: batch.failures[1], fixture)
        now = try await shown()
        #expect(now.category == .data && now.severity == .high)
        // What comes later changes nothing of it, and it is what groups are found by.
        let later = fixture.batch(["connection to 10.0.0.3:1 refused"], at: 5)
        try await fixture.deliver(later)
        now = try await shown()
        #expect(now.category == .data && now.failures == 3)
        #expect(now.verdictResult == batch.failures[1].result.result && now.lastSeen.result != now.verdictResult)
        #expect(try await fixture.list(GroupFilter(categories: [.data])).map(\.id) == [group.id])
        #expect(try await fixture.list(GroupFilter(categories: [.network])).count == 1, "the other group is as it was")

        try await verdicts.delete(on: batch.failures[1].result.result, by: "usr_a", tenant: fixture.tenant)
        now = try await shown()
        #expect(now.category == .environment && now.overruled?.category == .network && now.verdictResult == batch.failures[0].result.result)
        try await verdicts.delete(on: batch.failures[0].result.result, by: "usr_a", tenant: fixture.tenant)
        now = try await shown()
        #expect(now.category == .network && now.overruled == nil && now.verdictResult == nil)
    }

    @Test("of what is left the latest word holds, whichever release took it; what is said last holds at once, also when the clock was set back")
    func left() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch(Array(repeating: "no route to warehouse", count: 4), at: 0)
        try await fixture.deliver(batch)
        let group = try #require(await fixture.list().first).id
        func shown() async throws -> ValidationService.Category { try await fixture.groups.get(group, fixture.scope).category }
        func change(_ sql: SQL) async throws { try await fixture.database.execute(.tenant(fixture.tenant), sql) }
        func takeBack(_ number: Int) async throws {
            try await verdicts.delete(on: batch.failures[number].result.result, by: "usr_a", tenant: fixture.tenant)
        }
        for (number, word) in [ValidationService.Category.environment, .data, .setup, .dns].enumerated() {
            try await say(word, of: batch.failures[number], fixture)
        }
        // As an earlier release takes words: when is in the verdict alone.
        let early = [batch.failures[0].result.result, batch.failures[2].result.result]
        try await change("update failures set verdict_at = null where tenant_id = \(fixture.tenant) and result_id = any(\(early))")
        for (number, left) in [(3, ValidationService.Category.setup), (2, .data), (1, .environment)] {
            try await takeBack(number)
            #expect(try await shown() == left, "\(number)")
        }
        let (first, tomorrow) = (batch.failures[0].result.result, Date().addingTimeInterval(86_400))
        try await change("update failure_verdicts set decided_at = \(tomorrow) where tenant_id = \(fixture.tenant) and result_id = \(first)")
        try await say(.tls, of: batch.failures[1], fixture)
        #expect(try await shown() == .tls)
        // What no group shows is taken back without a change.
        try await takeBack(0)
        #expect(try await shown() == .tls)
        try await takeBack(1)
        #expect(try await shown() == .network)
    }

    @Test("groups that are put together show the latest word of all, and each its own again when they are taken apart; nobody forgets them")
    func merged() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch(["no route to warehouse", "orders table was locked meanwhile"], at: 0)
        try await fixture.deliver(batch)
        try await say(.environment, of: batch.failures[0], fixture)
        try await say(.concurrency, of: batch.failures[1], fixture)
        let groups = try await fixture.list()
        #expect(Set(groups.map(\.category)) == [.environment, .concurrency])
        let whole = try await fixture.decisions.merge([groups[1].id], into: groups[0].id, by: fixture.author(), at: Date(), fixture.scope)
        #expect(whole.category == .concurrency && whole.overruled?.category == .network)
        #expect(whole.verdictResult == batch.failures[1].result.result)
        let kept = ID<Signature>(uuid: batch.failures[1].signature.id.uuid)
        _ = try await fixture.decisions.split([kept], and: [], from: whole.id, by: fixture.author(), at: Date(), fixture.scope)
        #expect(try await Set(fixture.list().map(\.category)) == [.environment, .concurrency])
        #expect(try await fixture.upkeep.forget(before: GroupFixture.hour(100), fixture.scope) == 0)
    }

    @Test("words that come at once, with failures, in any order leave what one after the other leaves", arguments: 0..<3)
    func race(seed: Int) async throws {
        var chance = Chance(UInt64(seed))
        let fixture = GroupFixture()
        let batches = (0..<6).map { fixture.batch(["no route to warehouse", "orders table was locked meanwhile"], at: Double($0)) }
        try await fixture.deliver(batches[0])
        let words: [ValidationService.Category] = [.environment, .data, .setup, .dns, .tls, .resource]
        let order = words.shuffled(using: &chance)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for batch in batches.dropFirst() { group.addTask { try await fixture.deliver(batch) } }
            for (number, word) in order.enumerated() {
                group.addTask { try await say(word, of: batches[0].failures[number % 2], fixture) }
                if number == 3 {
                    group.addTask { try await verdicts.delete(on: batches[0].failures[0].result.result, by: "usr_b", tenant: fixture.tenant) }
                }
            }
            try await group.waitForAll()
        }
        for (place, failure) in batches[0].failures.enumerated() {
            let holds = try await verdicts.get(failure.result.result, tenant: fixture.tenant).category
            let id = ID<FailureGroup>(uuid: failure.signature.id.uuid)
            let group = try await fixture.groups.get(id, fixture.scope)
            #expect(group.category == holds ?? .network && group.failures == 6 && (group.overruled == nil) == (holds == nil), "\(place)")
        }
    }

    @Test("the machine's category of a group follows the rules when its last failure is judged again, beside a person's")
    func rejudged() async throws {
        let fixture = JudgingFixture()
        try await fixture.serve { clients in
            let results = try await fixture.file(["the sandbox answered nothing useful", "the sandbox answered nothing useful"])
            let groups = GroupStore(database: fixture.database)
            let scope = ProjectScope(tenant: fixture.tenant, project: fixture.project)
            func shown() async throws -> FailureGroup {
                try #require(await groups.list(PageRequest(limit: 9, cursor: ""), GroupFilter(), by: .lastSeen, scope).items.first)
            }
            #expect(try await shown().category == .assertion)
            _ = try await fixture.make(fixture.draft("sandbox", .environment), clients)
            let started = try await clients.recategorisations.recategoriseFailures(.with { $0.project = fixture.project.description })
            try await fixture.recategorise.handle(
                .init(id: ID(started.id), after: nil), Job(tenant: fixture.tenant, kind: RecategoriseFailures.Payload.kind))
            #expect(try await shown().category == .environment)
            _ = try await clients.verdicts.putVerdict(
                .with {
                    $0.result = results[0]; $0.category = .setup
                })
            let now = try await shown()
            #expect(now.category == .setup && now.overruled?.category == .environment)
        }
    }
}
