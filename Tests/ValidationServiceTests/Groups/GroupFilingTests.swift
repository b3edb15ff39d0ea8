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

    @Test("who says what the machine says too has said it: it stays when rules change, teaches, and can be taken back")
    func confirmed() async throws {
        let fixture = JudgingFixture()
        try await fixture.serve { clients in
            let results = try await fixture.file(Array(repeating: "the sandbox timed out", count: 3))
            let groups = GroupStore(database: fixture.database)
            let triage = TriageStore(database: fixture.database, groups: groups)
            let scope = ProjectScope(tenant: fixture.tenant, project: fixture.project)
            func shown() async throws -> FailureGroup {
                try #require(await groups.list(PageRequest(limit: 9, cursor: ""), GroupFilter(), by: .lastSeen, scope).items.first)
            }
            func failures() async throws -> [PBFailure] {
                try await results.asyncMap { result in try await clients.failures.getFailure(.with { $0.result = result }) }
            }
            let group = try await shown()
            #expect(group.category == .timeout && group.verdictResult == nil)
            #expect(try await triage.file(word(.timeout), on: group.id, by: "usr_a", scope).failures == 3)
            #expect(try await triage.file(word(.timeout), on: group.id, by: "usr_a", scope).failures == 0)
            #expect(try await shown().overruled?.category == .timeout)
            #expect(try await fixture.lessons(clients).map(\.category) == [.timeout])

            _ = try await fixture.make(fixture.draft("sandbox", .environment), clients)
            let started = try await clients.recategorisations.recategoriseFailures(.with { $0.project = fixture.project.description })
            var worker = fixture.recategorise
            worker.pages = 10
            try await worker.handle(.init(id: ID(started.id), after: nil), Job(tenant: fixture.tenant, kind: RecategoriseFailures.Payload.kind))
            #expect(try await failures().allSatisfy { $0.category == .timeout && $0.overruled && $0.judgedCategory == .environment })
            #expect(try await shown().category == .timeout)
            #expect(try await triage.giveBack(group.id, by: "usr_a", scope).failures == 3)
            #expect(try await failures().allSatisfy { $0.category == .environment && !$0.overruled })
            #expect(try await shown().category == .environment)
        }
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
        #expect(try await fixture.groups.get(whole, fixture.scope).category == .setup)
        // Each signature has the word, wherever it goes.
        let out = ID<Signature>(uuid: fork.failures[0].signature.id.uuid)
        _ = try await fixture.decisions.split([out], and: [], from: whole, by: fixture.author(), at: GroupFixture.hour(3), fixture.scope)
        let apart = try await fixture.list()
        #expect(apart.count == 2 && apart.allSatisfy { $0.category == .setup && $0.overruled?.category == .network && $0.verdictResult != nil })
    }

    @Test("a call reaches 2,000 failures, and says behind which the next one goes on, if there are more; what a group shows is given back last")
    func bounds() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(Array(repeating: "no route to warehouse", count: TriageStore.maxFiled + 1), at: 0))
        let group = try #require(await fixture.list().first).id
        let first = try await fixture.triage.file(word(.environment), on: group, by: "usr_a", fixture.scope)
        #expect(first.failures == Int64(TriageStore.maxFiled) && first.hasMore && first.last != nil)
        let newest = try #require(await fixture.failures.list(PageRequest(limit: 1, cursor: ""), of: group, fixture.scope).items.first).result
        try await verdicts.delete(on: newest, by: "usr_a", tenant: fixture.tenant)
        // What has been looked at is not looked at again.
        let second = try await fixture.triage.file(word(.environment), on: group, after: first.last, by: "usr_a", fixture.scope)
        #expect(second.failures == 1 && !second.hasMore && second.last != first.last)
        let rest = try await fixture.triage.file(word(.environment), on: group, after: .new(), by: "usr_a", fixture.scope)
        #expect(rest.failures == 1 && !rest.hasMore && rest.last == newest, "without a failure that is known it begins anew")
        for step in 0..<2 {
            let given = try await fixture.triage.giveBack(group, by: "usr_a", fixture.scope)
            #expect(given.failures == (step == 0 ? Int64(TriageStore.maxFiled) : 1) && given.hasMore == (step == 0))
            let shown = try await fixture.groups.get(group, fixture.scope)
            #expect(shown.category == (step == 0 ? .environment : .network) && shown.verdictResult == (step == 0 ? newest : nil))
        }
    }

    @Test("a call goes on with the next signature of a group, and with what is older of the one that it ended in")
    func resumed() async throws {
        let fixture = GroupFixture()
        let texts = ["no route to warehouse", "orders table was locked meanwhile"]
        let batches = [fixture.batch(texts, at: 0), fixture.batch(texts, at: 1)]
        for batch in batches { try await fixture.deliver(batch) }
        let groups = try await fixture.list().map(\.id)
        let whole = try await fixture.decisions.merge([groups[1]], into: groups[0], by: fixture.author(), at: GroupFixture.hour(1), fixture.scope).id
        let signatures = batches[0].failures.map(\.signature.id.uuid).sorted { $0.uuidString < $1.uuidString }
        let newest = try await fixture.failures.list(PageRequest(limit: 9, cursor: ""), of: whole, fixture.scope).items
        func results(_ place: Int) -> [ID<ValidationService.Result>] {
            newest.filter { $0.signature?.uuid == signatures[place] }.map(\.result)
        }
        func filed(after result: ID<ValidationService.Result>) async throws -> Int64 {
            try await fixture.triage.file(word(.setup), on: whole, after: result, by: "usr_a", fixture.scope).failures
        }
        #expect(try await filed(after: results(0)[1]) == 2)
        #expect(try await verdicts.get(results(0)[0], tenant: fixture.tenant).category == nil)
        for result in results(1) { #expect(try await verdicts.get(result, tenant: fixture.tenant).category == .setup) }
        #expect(try await filed(after: results(0)[0]) == 1)
        #expect(try await verdicts.get(results(0)[1], tenant: fixture.tenant).category == .setup)
        #expect(try await filed(after: results(1)[1]) == 0)
    }

    @Test("all signatures of a group teach what it was filed as, however many, and nothing any more when it is given back")
    func lessonsOfAll() async throws {
        let fixture = GroupFixture()
        let names = (0..<SignatureLessons.mostAtOnce + 30).map { GroupFixture.words($0).replacing(" ", with: "") }
        try await fixture.deliver(fixture.batch(names.map { "session of \($0) was closed by peer" }, at: 0))
        let group = try #require(await fixture.list().first)
        #expect(group.signatures == names.count)
        #expect(try await fixture.triage.file(word(.environment), on: group.id, by: "usr_a", fixture.scope).failures == Int64(names.count))
        #expect(try await lessons(fixture) == names.count)
        #expect(try await fixture.triage.giveBack(group.id, by: "usr_a", fixture.scope).failures == Int64(names.count))
        #expect(try await lessons(fixture) == 0)
    }
}
