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

@Suite("what people say was the environment", .database(AnalyticsProgram.schema, JobSchema.schema))
struct EnvironmentDeclarationTests {
    private let ill = IllEnvironment()

    /// Nine runs of one commit on three hosts; on `ill` too few of the tests fail for anything to be found.
    private func doubtful() async throws {
        for number in 0..<9 {
            let host = ["good", "ill", "fair"][number % 3]
            try await ill.run(number, on: host, zone: host == "ill" ? "east" : "west", failing: host == "ill" ? [0, 1, 2] : [])
        }
        try await ill.search()
        #expect(try await ill.incidents().isEmpty)
    }

    private func declare(
        _ place: EnvironmentPlace, from: Double? = nil, to: Double? = nil, by actor: String = "usr_ann", minutes: Double = 60
    ) async throws -> (incident: ID<EnvironmentIncident>, changed: Bool) {
        let now = ill.began + minutes * 60
        let declaration = try EnvironmentDeclaration(place, from: from.map { ill.began + $0 * 60 }, to: to.map { ill.began + $0 * 60 }, at: now)
        return try await ill.environments.declare(
            declaration, of: ill.project, by: actor, reason: "disk full", at: now, tenant: ill.tenant)
    }

    private func get(_ incident: ID<EnvironmentIncident>) async throws -> EnvironmentIncident {
        try await ill.environments.get(incident, tenant: ill.tenant)
    }

    private func environmental() async throws -> Int64 {
        try await ill.database.one(
            .tenant(ill.tenant), "select sum(environmental)::bigint as n from days where tenant_id = \(ill.tenant)"
        ) { try $0.value("n") }
    }

    @Test("a person says that a host was ill where nothing was found: its failures leave their tests until a dismissal")
    func declared() async throws {
        try await doubtful()
        let before = try await ill.lines()
        #expect(try await ill.kinds()[0] == .flaky)
        try await ill.serve { client in
            let request = PBDeclareEnvironmentIncidentRequest.with {
                $0.project = ill.project.description
                $0.kind = .host
                $0.place = "ill"
                $0.reason = "The disk was full."
            }
            let incident = try await client.declareEnvironmentIncident(request)
            #expect(incident.state == .standing && incident.upheld && incident.kind == .host && incident.place == "ill")
            #expect(incident.declaredBy == "usr_ann" && incident.hasDeclaredAt && !incident.hasEvidence && incident.failures == 9)
            #expect(incident.from.date == ill.began + 60 && incident.to.date == ill.began + 7 * 60)
            let excused = try await ill.lines()
            #expect(excused != before)
            #expect(try await ill.kinds()[0] == .environment)
            #expect(try await environmental() == 9)
            #expect(try await ill.environments.latest(of: [ill.tests[0]], tenant: ill.tenant).values.first?.reason.contains("a person said") == true)

            try await ill.search(minutes: 61)
            #expect(try await ill.lines() == excused)
            #expect(try await ill.incidents().map(\.state) == [.standing])
            let again = try await client.declareEnvironmentIncident(request)
            #expect(again == incident)
            #expect(try await ill.incidents().count == 1)
            let replay = try await InProcess.fault { try await client.replayEnvironmentIncident(.with { $0.incident = incident.id }) }
            #expect(replay.code == "environment_incident.not_replayable" && replay.detail.contains("A person declared it"))

            let dismissed = try await Caller.with(ill.person("usr_bob")) {
                try await client.dismissEnvironmentIncident(.with { ($0.incident, $0.reason) = (incident.id, "ours") })
            }
            #expect(dismissed.state == .dismissed && !dismissed.upheld)
            #expect(try await ill.lines() == before)
            #expect(try await ill.kinds()[0] == .flaky)
            #expect(try await environmental() == 0)
            try await ill.search(minutes: 62)
            #expect(try await ill.lines() == before)

            let last = try await client.declareEnvironmentIncident(request)
            #expect(last.id == incident.id && last.state == .standing && last.dismissedBy.isEmpty)
            #expect(try await ill.lines() == excused)
            let words = try await client.listEnvironmentVerdicts(.with { $0.incident = incident.id }).data
            #expect(words.map(\.kind) == [.declared, .dismissed, .declared] && words.map(\.decidedBy) == ["usr_ann", "usr_bob", "usr_ann"])
            #expect(words.first?.reason == "The disk was full.")
        }
        // A release before this one knows two kinds.
        let kinds = try await ill.database.rows(
            .tenant(ill.tenant), "select kind from environment_verdicts where tenant_id = \(ill.tenant) order by version"
        ) { try $0.value("kind", as: String.self) }
        #expect(kinds == ["reinstated", "dismissed", "reinstated"])
    }

    @Test("what is wrong with a declaration is said, and changes nothing")
    func refused() async throws {
        try await doubtful()
        let before = try await ill.lines()
        try await ill.serve { client in
            @Sendable func fault(_ change: @Sendable (inout PBDeclareEnvironmentIncidentRequest) -> Void) async throws -> Fault {
                var request = PBDeclareEnvironmentIncidentRequest.with {
                    ($0.project, $0.kind, $0.place, $0.reason) = (ill.project.description, .host, "ill", "disk full")
                }
                change(&request)
                return try await InProcess.fault { [request] in try await client.declareEnvironmentIncident(request) }
            }
            let invalid: [(String, @Sendable (inout PBDeclareEnvironmentIncidentRequest) -> Void)] = [
                ("/kind", { $0.kind = .unspecified }), ("/place", { $0.place = "" }), ("/place", { $0.place = "a\0b" }),
                ("/place", { ($0.kind, $0.place) = (.run, "ill") }), ("/place", { ($0.kind, $0.place) = (.hour, "2026-03-01T14:30:00Z") }),
                ("/reason", { $0.reason = " " }), ("/reason", { $0.reason = String(repeating: "x", count: 1001) }),
                (
                    "/to",
                    {
                        $0.from = .init(milliseconds: Date(timeIntervalSince1970: 2))
                        $0.to = .init(milliseconds: Date(timeIntervalSince1970: 1))
                    }
                ),
            ]
            for (pointer, change) in invalid {
                let found = try await fault(change)
                #expect(found.kind == .invalid && found.fields.map(\.pointer) == [pointer], "\(pointer): \(found)")
            }
            for place in ["good", "nowhere"] {
                #expect(try await fault { $0.place = place }.code == "environment_incident.nothing_failed")
            }
            // A week later nothing is kept of it.
            let late = try await ill.serve(minutes: 8 * 1440) { later in
                try await InProcess.fault {
                    try await later.declareEnvironmentIncident(
                        .with { ($0.project, $0.kind, $0.place, $0.reason) = (ill.project.description, .host, "ill", "disk full") })
                }
            }
            #expect(late.code == "environment_incident.nothing_failed" && late.kind == .precondition)
        }
        #expect(try await ill.lines() == before)
        #expect(try await ill.incidents().isEmpty)
    }

    @Test("a run, a zone, an hour or a time takes what failed there then, and nothing else")
    func places() async throws {
        try await doubtful()
        // In the hour after.
        try await ill.run(50, on: "ill", zone: "east", failing: [3])
        let failures = try await ill.environments.window(of: ill.project, at: ill.began + 3_600, tenant: ill.tenant).failures
        let first = try #require(failures.min { $0.startedAt < $1.startedAt }).place.run
        let run = try await declare(.run(first))
        #expect(try await get(run.incident).failures == 3)
        #expect(try await get(run.incident).place == "\(first)")
        let part = try await declare(.host("ill"), from: 2, to: 4)
        #expect(try await get(part.incident).failures == 3)
        #expect(try await get(part.incident).from == ill.began + 4 * 60)
        let hour = try await declare(.hour(Date(timeIntervalSince1970: 1_789_999_200)))
        #expect(try await get(hour.incident).failures == 3)
        #expect(try await get(hour.incident).place == "2026-09-21T14:00:00Z")
        let zone = try await declare(.zone("east"))
        #expect(try await get(zone.incident).failures == 1)
        await #expect(throws: Fault.accountedFor(run.incident)) { try await declare(.hour(Date(timeIntervalSince1970: 1_789_999_200)), to: 2) }
        #expect(try await environmental() == 10)
        // What comes later is not taken before somebody says so again.
        try await ill.run(55, on: "ill", zone: "east", failing: [3])
        try await ill.search(minutes: 61)
        #expect(try await environmental() == 10)
        let again = try await declare(.zone("east"))
        #expect(again.incident == zone.incident && again.changed)
        #expect(try await get(zone.incident).failures == 2)
        #expect(try await get(zone.incident).to == ill.began + 55 * 60)
    }

    @Test("said twice at once it is one incident, and another organization's failures are not found")
    func twice() async throws {
        try await doubtful()
        async let one = declare(.host("ill"))
        async let other = declare(.host("ill"), by: "usr_bob")
        let both = try await [one, other]
        #expect(both[0].incident == both[1].incident && both.filter { $0.changed }.count == 1)
        #expect(try await ill.incidents().map(\.failures) == [9])
        #expect(try await environmental() == 9)
        let declaration = try EnvironmentDeclaration(.host("ill"), from: nil, to: nil, at: ill.began + 3_600)
        await #expect(throws: Fault.nothingFailed) {
            try await ill.environments.declare(
                declaration, of: ill.project, by: "usr_eve", reason: "", at: ill.began + 3_600, tenant: .new())
        }
    }

    @Test("what was found and a person says too stays whatever is found later, with what the search had left to the tests")
    func foundToo() async throws {
        try await ill.illHost()
        try await ill.run(9, on: "ill", failing: [10])
        try await ill.run(10, on: "good", failing: [10])
        try await ill.search()
        let found = try #require(try await ill.incidents().first)
        #expect(found.failures == 30 && !found.isUpheld)
        let run = try await declare(.host("ill"), to: 8)
        #expect(run.incident == found.id && run.changed)
        let upheld = try await get(found.id)
        #expect(upheld.failures == 30 && upheld.isUpheld && upheld.evidence == found.evidence && upheld.declaredBy == "usr_ann")
        #expect(try await !declare(.host("ill"), to: 8).changed)
        #expect(try await declare(.host("ill")).changed)
        #expect(try await get(found.id).failures == 31)
        for number in 11..<15 { try await ill.run(number, on: ["good", "fair"][number % 2], failing: Set(0..<10)) }
        try await ill.search(minutes: 62)
        #expect(try await ill.incidents().map(\.failures) == [31])
        #expect(try await ill.incidents().map(\.state) == [.standing])
    }

    @Test("what a person declared stays whatever is found later; what is found there after it is another incident, and withdrawn by itself")
    func later() async throws {
        try await doubtful()
        let said = try await declare(.host("ill"))
        for number in 20..<26 {
            let host = ["good", "ill", "fair"][number % 3]
            try await ill.run(number, on: host, failing: host == "ill" ? Set(0..<10) : [])
        }
        try await ill.search(minutes: 61)
        let both = try await ill.incidents()
        #expect(both.map(\.failures) == [20, 9] && both.map(\.isFound) == [true, false] && both.map(\.place) == ["ill", "ill"])
        #expect(try await environmental() == 29)
        for number in 27..<31 { try await ill.run(number, on: ["good", "fair"][number % 2], failing: Set(0..<10)) }
        try await ill.search(minutes: 62)
        let kept = try await ill.incidents()
        #expect(kept.map(\.id) == both.map(\.id) && kept.map(\.state) == [.withdrawn, .standing] && kept.map(\.failures) == [0, 9])
        #expect(kept.last?.id == said.incident)
        #expect(try await environmental() == 9)
    }

    @Test("of a part of what was found a person says that it was the environment: that part stays whatever is found later, the rest does not")
    func foundInPart() async throws {
        try await ill.illHost()
        try await ill.search()
        let found = try #require(try await ill.incidents().first)
        let excused = try await ill.lines()
        let part = try await declare(.host("ill"), to: 2)
        #expect(part.incident != found.id && part.changed)
        #expect(try await get(part.incident).failures == 10)
        let rest = try await get(found.id)
        #expect(rest.failures == 20 && !rest.isUpheld && rest.from == ill.began + 4 * 60 && rest.version == found.version)
        #expect(try await ill.lines() == excused)
        #expect(try await environmental() == 30)
        #expect(try await !declare(.host("ill"), to: 2).changed)
        for number in 10..<14 { try await ill.run(number, on: ["good", "fair"][number % 2], failing: Set(0..<10)) }
        try await ill.search(minutes: 61)
        #expect(try await get(found.id).state == .withdrawn)
        #expect(try await get(part.incident).failures == 10)
        #expect(try await environmental() == 10)
    }

    @Test("of a part of what was dismissed a person says that it was the environment: the rest stays dismissed, and can be reinstated")
    func part() async throws {
        try await ill.illHost()
        try await ill.search()
        let found = try #require(try await ill.incidents().first)
        _ = try await ill.environments.decide(.dismissed, on: found, by: "usr_bob", reason: "", at: ill.began, tenant: ill.tenant)
        let part = try await declare(.host("ill"), to: 2)
        #expect(part.incident != found.id)
        #expect(try await get(part.incident).failures == 10)
        let rest = try await get(found.id)
        #expect(rest.state == .dismissed && rest.failures == 20 && rest.from == ill.began + 4 * 60)
        #expect(try await environmental() == 10)
        let isReinstated = try await ill.environments.decide(
            .reinstated, on: found, by: "usr_cyd", reason: "", at: ill.began, tenant: ill.tenant)
        #expect(isReinstated)
        #expect(try await get(found.id).failures == 20)
        #expect(try await environmental() == 30)
    }

    @Test("a place that is found again, whose failures a person took from its dismissed incident, is another incident")
    func again() async throws {
        try await ill.illHost()
        try await ill.search()
        let found = try #require(try await ill.incidents().first)
        _ = try await ill.environments.decide(.dismissed, on: found, by: "usr_bob", reason: "", at: ill.began, tenant: ill.tenant)
        let hour = try await declare(.hour(Date(timeIntervalSince1970: 1_789_999_200)))
        #expect(try await get(hour.incident).failures == 30)
        #expect(try await get(found.id).failures == 0)
        try await ill.search(minutes: 61)
        #expect(try await Set(ill.incidents().map(\.id)) == [found.id, hour.incident])
        // In the hour after; the first of what failed on the host is still the one that the dismissed incident began with.
        try await ill.run(50, on: "ill", failing: Set(0..<10))
        for minutes in [62.0, 63] {
            try await ill.search(minutes: minutes)
            let others = try await ill.incidents().filter { $0.id != found.id && $0.id != hour.incident }
            #expect(others.map(\.failures) == [10] && others.map(\.place) == ["ill"] && others.map(\.state) == [.standing])
        }
        #expect(try await get(found.id).state == .dismissed)
        #expect(try await get(hour.incident).failures == 30)
    }

    @Test("what was found before a person named the place is not written down after it; the search looks again")
    func overtaken() async throws {
        try await ill.illHost()
        let now = ill.began + 3_600
        let window = try await ill.environments.window(of: ill.project, at: now, tenant: ill.tenant)
        let executions = try await ill.environments.executions(of: window.failures, at: now, tenant: ill.tenant)
        let findings = EnvironmentFindings(
            project: ill.project, runs: window.runs, failures: window.failures, executions: executions, known: window.incidents, now: now)
        #expect(findings.moves.count == 30)
        let run = try #require(window.failures.first).place.run
        let declared = try await declare(.run(run))
        let isApplied = try await ill.environments.apply(findings, project: ill.project, tenant: ill.tenant)
        #expect(!isApplied)
        #expect(try await ill.incidents().map(\.id) == [declared.incident])
        try await ill.search()
        let all = try await ill.incidents()
        #expect(all.map(\.failures).sorted() == [10, 20] && all.allSatisfy { $0.state == .standing })
        #expect(try await environmental() == 30)
    }

    @Test("more failures than a call can take are refused whole")
    func bounded() throws {
        let incident = EnvironmentIncident(
            id: .new(), project: .new(), kind: .host, place: "h", state: .dismissed, evidence: .uncounted, failures: 2, from: ill.began,
            to: ill.began)
        func failures(_ count: Int, _ incident: ID<EnvironmentIncident>? = nil) -> [PlacedFailure] {
            let place = PlacedRun.Place(run: .new(), host: "h", zone: "")
            return (0..<count).map { _ in
                PlacedFailure(
                    result: .new(), test: .new(), place: place, group: 0, branch: "main", environment: "", commit: "c", startedAt: ill.began,
                    failedTries: 0, incident: incident)
            }
        }
        #expect(throws: Fault.tooManyEnvironmentFailures) {
            try EnvironmentTaking(.host("h"), kept: failures(EnvironmentDeclaration.failureLimit + 1), known: [])
        }
        #expect(throws: Fault.nothingFailed) { try EnvironmentTaking(.host("h"), kept: [], known: []) }
        let most = try EnvironmentTaking(.host("h"), kept: failures(EnvironmentDeclaration.failureLimit), known: [])
        #expect(most.failures.count == EnvironmentDeclaration.failureLimit && most.incident == nil && most.losing.isEmpty)
        let whole = try EnvironmentTaking(.host("h"), kept: failures(2, incident.id), known: [incident])
        #expect(whole.incident == incident && whole.losing.isEmpty)
        let part = try EnvironmentTaking(.host("h"), kept: failures(1, incident.id), known: [incident])
        #expect(part.incident == nil && part.losing == [incident.id])
    }
}
