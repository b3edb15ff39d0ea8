import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("a person says of all failures of a group what they are", .database(ValidationProgram.schema, JobSchema.schema))
struct GroupFilingTests {
    private var verdicts: VerdictStore { VerdictStore(database: TestDatabase.current.database) }
    private let refused = ["connection to 10.0.0.1:1 refused", "connection to 10.0.0.2:1 refused", "connection to 10.0.0.3:1 refused"]

    private func word(_ category: ValidationService.Category, _ severity: Severity? = nil) -> TriageStore.Word {
        TriageStore.Word(category: category, severity: severity, note: "the sandbox was down")
    }

    private func categories(_ group: ID<FailureGroup>, _ fixture: GroupFixture) async throws -> [ValidationService.Category] {
        try await fixture.failures.list(PageRequest(limit: 200, cursor: ""), of: group, fixture.scope).items.map(\.judgement.category)
    }

    private func lessons(_ fixture: GroupFixture) async throws -> Int {
        try await fixture.database.one(
            .tenant(fixture.tenant),
            """
            select count(*) as n from lessons
            where tenant_id = \(fixture.tenant) and project_id = \(fixture.project) and until_edition is null
            """
        ) { try $0.value("n", as: Int.self) }
    }

    @Test("each failure that is there has the word, later ones are the machine's, and the group shows it; it can be said again, and taken back")
    func filed() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch(refused + ["no route to warehouse"], at: 0)
        try await fixture.deliver(batch)
        let group = try #require(await fixture.list(by: .failures).first).id
        let first = batch.failures[0].result.result
        // What somebody said of one of them before is overruled, and stays readable.
        _ = try await verdicts.put(.data, .low, note: "", on: first, version: 0, by: "usr_b", tenant: fixture.tenant)

        let filed = try await fixture.triage.file(word(.environment), on: group, by: "usr_a", fixture.scope)
        #expect(filed.failures == 3 && !filed.hasMore)
        #expect(try await categories(group, fixture) == [.environment, .environment, .environment])
        let said = try await verdicts.get(first, tenant: fixture.tenant)
        #expect(said.category == .environment && said.severity == nil && said.note == "the sandbox was down" && said.decidedBy == "usr_a")
        let history = try await verdicts.list(PageRequest(limit: 9, cursor: ""), of: first, tenant: fixture.tenant).items
        #expect(history.map(\.category) == [.environment, .data] && history.map(\.version) == [3, 2])
        var shown = try await fixture.groups.get(group, fixture.scope)
        #expect(shown.category == .environment && shown.severity == .high && shown.overruled == Overruled(category: .network, severity: .high))
        #expect(try await fixture.list(GroupFilter(categories: [.network])).count == 1, "the other group is as it was")
        #expect(try await lessons(fixture) == 1)
        #expect(try await fixture.triage.file(word(.environment), on: group, by: "usr_a", fixture.scope).failures == 0)

        try await fixture.deliver(fixture.batch(Array(refused.prefix(1)), at: 5))
        #expect(try await categories(group, fixture).first == .network)
        shown = try await fixture.groups.get(group, fixture.scope)
        #expect(shown.category == .environment && shown.failures == 4)
        // What is in the group is found anew with each call; another severity is another word.
        #expect(try await fixture.triage.file(word(.environment), on: group, by: "usr_a", fixture.scope).failures == 1)
        #expect(try await fixture.triage.file(word(.environment, .low), on: group, by: "usr_a", fixture.scope).failures == 4)
        #expect(try await fixture.groups.get(group, fixture.scope).severity == .low)

        // Taken back of one, it holds for the others.
        try await verdicts.delete(on: first, by: "usr_a", tenant: fixture.tenant)
        #expect(try await fixture.groups.get(group, fixture.scope).category == .environment)
        let given = try await fixture.triage.giveBack(group, by: "usr_a", fixture.scope)
        #expect(given.failures == 3 && !given.hasMore)
        #expect(try await categories(group, fixture) == [.network, .network, .network, .network])
        shown = try await fixture.groups.get(group, fixture.scope)
        #expect(shown.category == .network && shown.overruled == nil && shown.verdictResult == nil)
        #expect(try await lessons(fixture) == 0)
        #expect(try await fixture.triage.giveBack(group, by: "usr_a", fixture.scope).failures == 0)
    }

    @Test("a group of several signatures is filed whole, and nothing of an untrusted run is")
    func signatures() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(["no route to warehouse", "orders table was locked meanwhile"], at: 0))
        let groups = try await fixture.list().map(\.id)
        let whole = try await fixture.decisions.merge([groups[1]], into: groups[0], by: fixture.author(), at: GroupFixture.hour(1), fixture.scope).id
        let fork = fixture.batch(["no route to warehouse"], at: 2, lane: .untrusted)
        try await fixture.deliver(fork)
        #expect(try await fixture.triage.file(word(.setup), on: whole, by: "usr_a", fixture.scope).failures == 2)
        #expect(try await lessons(fixture) == 2)
        #expect(try await verdicts.get(fork.failures[0].result.result, tenant: fixture.tenant).category == nil)
        // Each signature has the word, wherever it goes.
        #expect(try await fixture.groups.get(whole, fixture.scope).category == .setup)
    }

    @Test("a call reaches 2,000 failures, and says whether there are more")
    func bounds() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(Array(repeating: "no route to warehouse", count: TriageStore.maxFiled + 1), at: 0))
        let group = try #require(await fixture.list().first).id
        for step in 0..<2 {
            let filed = try await fixture.triage.file(word(.environment), on: group, by: "usr_a", fixture.scope)
            #expect(filed.failures == (step == 0 ? Int64(TriageStore.maxFiled) : 1) && filed.hasMore == (step == 0))
        }
        for step in 0..<2 {
            let given = try await fixture.triage.giveBack(group, by: "usr_a", fixture.scope)
            #expect(given.failures == (step == 0 ? Int64(TriageStore.maxFiled) : 1) && given.hasMore == (step == 0))
            let shown = try await fixture.groups.get(group, fixture.scope)
            #expect(shown.category == (step == 0 ? .environment : .network))
        }
    }
}
