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

@Suite("judging history again", .database(ValidationProgram.schema, JobSchema.schema))
struct RecategorisationTests {
    let fixture = JudgingFixture()

    private func start(_ clients: JudgingFixture.Clients) async throws -> PBRecategorisation {
        try await clients.recategorisations.recategoriseFailures(.with { $0.project = fixture.project.description })
    }

    private func handle(_ started: PBRecategorisation, _ worker: RecategoriseFailures? = nil) async throws {
        let kind = RecategoriseFailures.Payload.kind
        try await (worker ?? fixture.recategorise).handle(.init(id: ID(started.id), after: nil), Job(tenant: fixture.tenant, kind: kind))
    }

    @Test("history is judged by new rules, in steps that anybody can go on with; a person's verdict stays")
    func whole() async throws {
        try await fixture.serve { clients in
            let results = try await fixture.file(["sandbox 1", "sandbox 2", "timed out", "sandbox 3", "sandbox 4", "sandbox 5", "sandbox 6"])
            _ = try await clients.verdicts.putVerdict(
                .with {
                    $0.result = results[1]; $0.category = .setup; $0.severity = .critical
                })
            let rule = try await fixture.make(fixture.draft("sandbox [1-5]", .environment), clients)
            let started = try await start(clients)
            #expect(started.state == .waiting && started.projectEdition == 1 && started.startedBy == "usr_ann" && !started.hasTotal)
            let second = try await InProcess.fault { try await start(clients) }
            #expect(second.code == "recategorisations.under_way")
            // What comes later is judged by the new rules anyway.
            let later = try await fixture.file(["sandbox 5"])[0]

            try await handle(started)
            var state = try await clients.recategorisations.getRecategorisation(.with { $0.recategorisation = started.id })
            #expect(state.state == .running && state.done == 4 && state.total == 8 && state.changed == 3)
            // Twice two pages of two failures, and a page that finds none left.
            try await handle(started)
            try await handle(started)
            state = try await clients.recategorisations.getRecategorisation(.with { $0.recategorisation = started.id })
            #expect(state.state == .done && state.done == 8 && state.changed == 6 && state.hasFinishedAt)
            try await handle(started)
            #expect(try await clients.recategorisations.getRecategorisation(.with { $0.recategorisation = started.id }) == state)

            let failures = try await (results + [later]).asyncMap { result in try await clients.failures.getFailure(.with { $0.result = result }) }
            // No rule knows the seventh, and a person filed one that looks the same.
            #expect(
                failures.map(\.category) == [
                    .environment, .setup, .timeout, .environment, .environment, .environment, .setup, .environment,
                ])
            #expect(failures[1].judgedCategory == .environment && failures[1].severity == .critical && failures[1].rule == rule.id)
            let replay = try await clients.verdicts.replayFailure(.with { $0.result = results[1] })
            #expect(replay.agrees && replay.receipt.projectEdition == 1)
            _ = try await clients.verdicts.deleteVerdict(.with { $0.result = results[1] })
            let given = try await clients.failures.getFailure(.with { $0.result = results[1] })
            #expect(given.category == .environment)

            let listed = try await clients.recategorisations.listRecategorisations(.with { $0.project = fixture.project.description })
            #expect(listed.data == [state] && !listed.page.hasMore_p)
        }
    }

    @Test("a step that another process has done already writes nothing; the job after it carries on from there")
    func twice() async throws {
        try await fixture.serve { clients in
            _ = try await fixture.file((1...5).map { "sandbox \($0)" })
            _ = try await fixture.make(fixture.draft("sandbox", .environment), clients)
            let started = try await start(clients)
            let store = fixture.recategorise.recategorisations
            try await store.begin(ID(started.id), tenant: fixture.tenant)
            let state = try await store.get(ID(started.id), tenant: fixture.tenant)
            let page = try await store.page(state, limit: 2, tenant: fixture.tenant)
            let judged = Rejudgement(page, by: try await fixture.rules.book(of: fixture.project, tenant: fixture.tenant))
            let last = page.last?.result
            #expect(try await store.record(judged, of: state, last: last, continuing: false, tenant: fixture.tenant))
            let again = try await store.record(judged, of: state, last: last, continuing: false, tenant: fixture.tenant)
            #expect(!again)
            let jobs = try await fixture.database.one(
                .tenant(fixture.tenant), "select count(*) from jobs where tenant_id = \(fixture.tenant) and kind = 'recategorise-failures'"
            ) { try $0.value("count", as: Int64.self) }
            #expect(jobs == 1)
            var worker = fixture.recategorise
            worker.pages = 10
            try await handle(started, worker)
            let done = try await clients.recategorisations.getRecategorisation(.with { $0.recategorisation = started.id })
            #expect(done.state == .done && done.done == 5 && done.changed == 5 && done.withoutTexts == 0)
        }
    }

    @Test("one that has not moved for an hour is not in the way; failures whose texts were not kept stay as they are")
    func abandoned() async throws {
        try await fixture.serve { clients in
            _ = try await fixture.file(["sandbox"])
            try await fixture.database.execute(
                .tenant(fixture.tenant), "update failures set symptoms_hash = null where tenant_id = \(fixture.tenant)")
            let first = try await start(clients)
            try await fixture.database.execute(
                .tenant(fixture.tenant),
                "update recategorisations set touched_at = now() - interval '61 minutes' where tenant_id = \(fixture.tenant)")
            _ = try await fixture.make(fixture.draft("sandbox", .environment), clients)
            let second = try await start(clients)
            let abandoned = try await clients.recategorisations.getRecategorisation(.with { $0.recategorisation = first.id })
            #expect(abandoned.state == .abandoned)
            try await handle(first)
            try await handle(second)
            let done = try await clients.recategorisations.getRecategorisation(.with { $0.recategorisation = second.id })
            #expect(done.state == .done && done.done == 1 && done.changed == 0 && done.withoutTexts == 1)
        }
    }
}
