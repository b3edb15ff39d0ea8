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

@Suite("people's words on incidents of the environment", .database(AnalyticsProgram.schema, JobSchema.schema))
struct EnvironmentDecisionTests {
    private let ill = IllEnvironment()

    private func environmental() async throws -> Int64 {
        try await ill.database.one(
            .tenant(ill.tenant), "select sum(environmental)::bigint as n from days where tenant_id = \(ill.tenant)"
        ) { try $0.value("n") }
    }

    @Test("an incident that was dismissed is reinstated, and dismissed again by another; the latest word holds, and all of them stay")
    func latest() async throws {
        try await ill.illHost()
        let before = try await ill.lines()
        try await ill.search()
        let found = try #require(try await ill.incidents().first)
        let excused = try await ill.lines()
        #expect(before != excused)
        let id = found.id.description
        try await ill.serve { client in
            let dismissed = try await client.dismissEnvironmentIncident(.with { ($0.incident, $0.reason) = (id, "ours") })
            #expect(dismissed.state == .dismissed && dismissed.dismissedBy == "usr_ann")
            #expect(try await ill.lines() == before)
            #expect(try await ill.kinds()[0] == .flaky)
            #expect(try await environmental() == 0)
            for reason in ["disk full", "said already"] {
                let answer = try await Caller.with(ill.person("usr_bob")) {
                    try await client.reinstateEnvironmentIncident(.with { ($0.incident, $0.reason) = (id, reason) })
                }
                #expect(answer.state == .standing && answer.upheld && answer.dismissedBy.isEmpty && !answer.hasDismissedAt)
                #expect(answer.failures == 30)
            }
            #expect(try await ill.lines() == excused)
            #expect(try await ill.kinds()[0] == .environment)
            #expect(try await environmental() == 30)
            let again = try await Caller.with(ill.person("usr_cyd")) {
                try await client.dismissEnvironmentIncident(.with { $0.incident = id })
            }
            #expect(again.state == .dismissed && again.dismissedBy == "usr_cyd" && !again.upheld)
            #expect(try await ill.lines() == before)

            let newest = try await client.listEnvironmentVerdicts(.with { ($0.incident, $0.limit) = (id, 2) })
            let rest = try await client.listEnvironmentVerdicts(
                .with { ($0.incident, $0.limit, $0.cursor) = (id, 2, newest.page.nextCursor) })
            let all = newest.data + rest.data
            #expect(all.map(\.kind) == [.dismissed, .reinstated, .dismissed] && !rest.page.hasMore_p)
            #expect(all.map(\.decidedBy) == ["usr_cyd", "usr_bob", "usr_ann"] && all.map(\.reason) == ["", "disk full", "ours"])
            #expect(all.allSatisfy { $0.incident == id && $0.hasDecidedAt })
        }
        let changed = try await ill.database.execute(
            .tenant(ill.tenant), "update environment_verdicts set reason = '' where tenant_id = \(ill.tenant)")
        let deleted = try await ill.database.execute(.tenant(ill.tenant), "delete from environment_verdicts where tenant_id = \(ill.tenant)")
        let seen = try await ill.database.rows(.tenant(.new()), "select 1 as one from environment_verdicts") { _ in 1 }.count
        #expect(changed == 0 && deleted == 0 && seen == 0)
    }

    @Test("what a person has reinstated stays with the incident, whatever is found later; what fails there after that is an incident of its own")
    func upheld() async throws {
        try await ill.illHost()
        try await ill.search()
        let found = try #require(try await ill.incidents().first)
        for decision in [EnvironmentVerdict.Decision.dismissed, .reinstated] {
            let changed = try await ill.environments.decide(decision, on: found, by: "usr_ann", reason: "", at: Date(), tenant: ill.tenant)
            #expect(changed)
        }
        try await ill.run(9, on: "ill", failing: Set(0..<10))
        try await ill.search(minutes: 61)
        let both = try await ill.incidents()
        #expect(both.map(\.failures) == [10, 30] && both.map(\.isUpheld) == [false, true] && both.last?.id == found.id)
        #expect(both.map(\.place) == ["ill", "ill"] && both.map(\.evidence.tests) == [10, 10])
        // All of them fail elsewhere as well.
        for number in 10..<14 { try await ill.run(number, on: ["good", "fair"][number % 2], failing: Set(0..<10)) }
        try await ill.search(minutes: 62)
        let kept = try await ill.incidents()
        #expect(kept.map(\.id) == both.map(\.id) && kept.map(\.state) == [.withdrawn, .standing] && kept.map(\.failures) == [0, 30])
        #expect(try await environmental() == 30)
    }

    @Test("an incident whose failures are explained otherwise is reinstated all the same, with what failed in its place while it lasted")
    func withdrawn() async throws {
        try await ill.illHost()
        try await ill.search()
        let excused = try await ill.lines()
        for number in 10..<14 { try await ill.run(number, on: ["good", "fair"][number % 2], failing: Set(0..<10)) }
        try await ill.run(15, on: "ill", failing: Set(0..<10))
        try await ill.search(minutes: 62)
        let incident = try #require(try await ill.incidents().first)
        #expect(incident.state == .withdrawn && incident.failures == 0)
        let id = incident.id.description
        let given = try await ill.lines()
        try await ill.serve(minutes: 62) { client in
            let long = try await InProcess.fault {
                try await client.reinstateEnvironmentIncident(.with { ($0.incident, $0.reason) = (id, String(repeating: "x", count: 1001)) })
            }
            #expect(long.kind == .invalid && long.fields.map(\.pointer) == ["/reason"])
            for _ in 0..<2 {
                let answer = try await client.reinstateEnvironmentIncident(.with { $0.incident = id })
                #expect(answer.state == .standing && answer.upheld && answer.failures == 30 && answer.declaredBy.isEmpty)
            }
            try await ill.search(minutes: 63)
            #expect(try await client.getEnvironmentIncident(.with { $0.incident = id }).failures == 30)
            #expect(try await environmental() == 30)
            _ = try await client.dismissEnvironmentIncident(.with { $0.incident = id })
            #expect(try await ill.lines() == given && given != excused)
            #expect(try await environmental() == 0)
            #expect(try await client.listEnvironmentVerdicts(.with { $0.incident = id }).data.map(\.kind) == [.dismissed, .reinstated])
        }
    }

    @Test("an incident that has lost its failures is not reinstated when nothing is kept of them, or another has them")
    func gone() async throws {
        try await ill.illHost()
        try await ill.search()
        for number in 10..<14 { try await ill.run(number, on: ["good", "fair"][number % 2], failing: Set(0..<10)) }
        try await ill.search(minutes: 62)
        let incident = try #require(try await ill.incidents().first)
        func reinstate(days: Double) async throws -> Bool {
            try await ill.environments.decide(
                .reinstated, on: incident, by: "usr_ann", reason: "", at: ill.began + days * 86_400, tenant: ill.tenant)
        }
        await #expect(throws: Fault.nothingFailed) { try await reinstate(days: 8) }
        let declared = try await ill.environments.declare(
            EnvironmentDeclaration(.host("ill"), from: nil, to: nil, at: ill.began + 86_400), of: ill.project, by: "usr_bob", reason: "disk full",
            at: ill.began + 86_400, tenant: ill.tenant
        ).incident
        #expect(declared != incident.id)
        await #expect(throws: Fault.accountedFor(declared)) { try await reinstate(days: 1) }
    }

    @Test("what another search has put down to an incident meanwhile stays counted, and what it has given back does too")
    func both() async throws {
        try await ill.illHost()
        try await ill.search()
        func findings() async throws -> EnvironmentFindings {
            let now = ill.began + 3_600
            let window = try await ill.environments.window(of: ill.project, at: now, tenant: ill.tenant)
            let executions = try await ill.environments.executions(of: window.failures, at: now, tenant: ill.tenant)
            return EnvironmentFindings(
                project: ill.project, runs: window.runs, failures: window.failures, executions: executions, known: window.incidents, now: now)
        }
        try await ill.run(10, on: "ill", failing: Set(0..<10))
        for number in 11..<13 { try await ill.run(number, on: ["good", "fair"][number % 2]) }
        let early = try await findings()
        try await ill.run(13, on: "ill", failing: Set(0..<10))
        try await ill.search()
        let known = try await ill.incidents()
        #expect(known.map(\.failures) == [50] && known.map(\.to) == [ill.began + 13 * 60])
        #expect(early.incidents.map(\.failures) == [40])
        #expect(try await ill.environments.apply(early, project: ill.project, tenant: ill.tenant))
        #expect(try await ill.incidents().map(\.failures) == [50])
        #expect(try await ill.incidents().map(\.to) == [ill.began + 13 * 60])
        #expect(try await environmental() == 50)
        // All of them fail elsewhere: found out by another, of which this one does not know.
        try await ill.run(14, on: "good")
        let late = try await findings()
        #expect(late.incidents.map(\.state) == [.standing])
        for number in 15..<19 { try await ill.run(number, on: ["good", "fair"][number % 2], failing: Set(0..<10)) }
        try await ill.search()
        #expect(try await ill.environments.apply(late, project: ill.project, tenant: ill.tenant))
        let last = try await ill.incidents()
        #expect(last.map(\.state) == [.withdrawn] && last.map(\.failures) == [0])
    }

    @Test("what was found before a person spoke is not written down after it; the search looks again")
    func meanwhile() async throws {
        try await ill.illHost()
        try await ill.search()
        let incident = try #require(try await ill.incidents().first)
        for number in 10..<14 { try await ill.run(number, on: ["good", "fair"][number % 2], failing: Set(0..<10)) }
        let now = ill.began + 3_600
        let window = try await ill.environments.window(of: ill.project, at: now, tenant: ill.tenant)
        let executions = try await ill.environments.executions(of: window.failures, at: now, tenant: ill.tenant)
        let findings = EnvironmentFindings(
            project: ill.project, runs: window.runs, failures: window.failures, executions: executions, known: window.incidents, now: now)
        #expect(findings.incidents.map(\.state) == [.withdrawn])
        for decision in [EnvironmentVerdict.Decision.dismissed, .reinstated] {
            let changed = try await ill.environments.decide(decision, on: incident, by: "usr_ann", reason: "", at: Date(), tenant: ill.tenant)
            #expect(changed)
        }
        let lines = try await ill.lines()
        let isApplied = try await ill.environments.apply(findings, project: ill.project, tenant: ill.tenant)
        #expect(!isApplied)
        #expect(try await ill.lines() == lines)
        #expect(try await ill.incidents().map(\.state) == [.standing])
        try await ill.search()
        #expect(try await ill.incidents().map(\.state) == [.standing])
    }
}
