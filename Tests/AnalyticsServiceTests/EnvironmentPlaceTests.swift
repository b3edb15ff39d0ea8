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

/// Zones, hours, and failures that a further try passed, over a real database.
@Suite("places that failures are put down to", .database(AnalyticsProgram.schema, JobSchema.schema))
struct EnvironmentPlaceTests {
    private let ill = IllEnvironment()

    /// The one incident, and whether its failures are all of it and no test's any more.
    private func only() async throws -> PBEnvironmentIncident {
        try await ill.serve { client in
            let listed = try await client.listEnvironmentIncidents(.with { $0.project = ill.project.description })
            let incident = try #require(listed.data.first)
            let failures = try await client.listEnvironmentFailures(
                .with {
                    $0.incident = incident.id
                    $0.limit = 200
                })
            #expect(listed.data.count == 1 && failures.data.count == Int(incident.failures))
            #expect(failures.data.allSatisfy { incident.kind != .zone || $0.zone == incident.place })
            return incident
        }
    }

    @Test("by id all pages together have each incident once, whatever fails between them; a cursor is one of its order")
    func still() async throws {
        let incidents = (0..<3).map { number in
            EnvironmentIncident(
                id: .new(), project: ill.project, kind: .host, place: "host \(number)", state: number == 1 ? .dismissed : .standing,
                evidence: .uncounted, failures: 1, from: ill.began, to: ill.began)
        }.sorted { $0.id < $1.id }
        try await ill.database.transaction(.tenant(ill.tenant)) { tx in
            try await EnvironmentStore.write(incidents, tenant: ill.tenant, in: tx)
        }
        let ids = incidents.map(\.id.description)
        try await ill.serve { client in
            func list(
                _ sort: PBEnvironmentIncidentSort.Value, after cursor: String, _ states: [PBEnvironmentIncident.State] = []
            ) async throws -> PBListEnvironmentIncidentsResponse {
                try await client.listEnvironmentIncidents(
                    .with {
                        ($0.project, $0.limit, $0.state) = (ill.project.description, states.isEmpty ? 1 : 50, states)
                        ($0.sort, $0.cursor) = (sort, cursor)
                    })
            }
            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await list(.id, after: cursor)
                seen += page.data.map(\.id)
                cursor = page.page.nextCursor
                // Something fails in the last one: it stands first by its last failure from here on.
                try await ill.database.execute(
                    .tenant(ill.tenant),
                    """
                    update environment_incidents set to_at = \(ill.began + Double(seen.count) * 60)
                    where tenant_id = \(ill.tenant) and id = \(incidents[2].id)
                    """)
            } while !cursor.isEmpty && seen.count < 10
            #expect(seen == ids)
            #expect(try await list(.lastFailure, after: "").data.map(\.id) == [ids[2]])
            #expect(try await list(.id, after: "", [.standing]).data.map(\.id) == incidents.filter { $0.state == .standing }.map(\.id.description))
            for (sort, cursor) in [(PBEnvironmentIncidentSort.Value.id, "0~\(ids[0])"), (.lastFailure, ids[0])] {
                let fault = try await InProcess.fault { try await list(sort, after: cursor) }
                #expect(fault.code == "page.invalid_cursor", "\(sort)")
            }
            let unknown = try await InProcess.fault { try await list(.UNRECOGNIZED(9), after: "") }
            #expect(unknown.kind == .invalid && unknown.fields.map(\.pointer) == ["sort"])
        }
    }

    @Test("a zone all of whose machines are ill is named, and not one of them")
    func zone() async throws {
        for number in 0..<12 {
            let zone = ["eu-1a", "eu-1b", "eu-1c"][number % 3]
            try await ill.run(number, on: "host \(number)", zone: zone, failing: zone == "eu-1b" ? Set(0..<10) : [])
        }
        try await ill.search()
        let incident = try await only()
        #expect(incident.kind == .zone && incident.place == "eu-1b" && incident.failures == 40 && incident.evidence.tests == 10)
        #expect(try await ill.kinds() == Array(repeating: .environment, count: 10) + [.stable, .stable])
    }

    @Test("an hour in which all machines were ill is named by its beginning")
    func hour() async throws {
        for number in 0..<9 {
            let hour = number / 3
            try await ill.run(hour * 60 + number % 3 * 10, on: "host \(number % 3)", failing: hour == 1 ? Set(0..<10) : [])
        }
        try await ill.search(minutes: 240)
        let incident = try await only()
        let hour = Date(timeIntervalSince1970: ((ill.began.timeIntervalSince1970 / 3_600).rounded(.down) + 1) * 3_600)
        #expect(incident.kind == .hour && incident.place == hour.formatted(.iso8601) && incident.failures == 30)
        #expect(try await ill.kinds() == Array(repeating: .environment, count: 10) + [.stable, .stable])
    }

    @Test("failures on an ill host that a further try passed are its own too: no proof of chance, and no failure in any sum", arguments: [1, 3, 30])
    func retried(tries: Int) async throws {
        try await ill.illHost(tries: tries, passing: true)
        let before = try await ill.lines()
        #expect(try await ill.kinds().prefix(10).allSatisfy { $0 == .flaky })
        try await ill.search()
        let incident = try await only()
        #expect(incident.kind == .host && incident.place == "ill" && incident.failures == 30)
        #expect(try await ill.kinds() == Array(repeating: .environment, count: 10) + [.stable, .stable])
        for test in ill.tests.prefix(10) {
            let state = try #require(try await ill.lines()[test]?.first?.state)
            #expect(state.allStretches.map(\.passed) == [true] && state.environmentFailures == UInt32(3 * min(tries, Fact.mostTries)))
        }
        let found = try #require(try await ill.incidents().first)
        let failures = try await ill.environments.failures(PageRequest(limit: 50, cursor: ""), of: found.id, tenant: ill.tenant).items
        #expect(failures.count == 30 && failures.allSatisfy(\.failure.passed))
        let environmental = try await ill.database.one(
            .tenant(ill.tenant), "select sum(environmental)::bigint as n, sum(failed)::bigint as failed from days where tenant_id = \(ill.tenant)"
        ) { try $0.value("n", as: Int64.self) + $0.value("failed", as: Int64.self) }
        #expect(environmental == 0)
        _ = try await ill.environments.decide(.dismissed, on: found, by: "usr_ann", reason: "", at: Date(), tenant: ill.tenant)
        let given = try await ill.lines()
        #expect(ill.tests.prefix(10).allSatisfy { given[$0]?.first?.state.environmentFailures == 0 })
        // What is remembered one by one comes back as it was; of more tries only their moment is known by then.
        if tries <= 3 { #expect(try await ill.kinds().prefix(10).allSatisfy { $0 == .flaky }) }
        if tries == 1 { #expect(given == before) }
    }

    @Test("a test that also failed at first elsewhere on the commit keeps its failures")
    func elsewhere() async throws {
        try await ill.illHost(tries: 1, passing: true)
        try await ill.run(9, on: "good", failing: [0], tries: 1, passing: true)
        try await ill.search()
        #expect(try await only().failures == 27)
        #expect(try await ill.kinds().prefix(2) == [.flaky, .environment])
    }

    @Test("the list of flaky tests names the incident that some of their failures are put down to")
    func listed() async throws {
        for number in 0..<9 {
            let host = ["good", "ill", "fair"][number % 3]
            // The last test fails by chance, on the good host as well.
            try await ill.run(number, on: host, commit: number < 6 ? "c1" : "c2", failing: host == "ill" ? Set(0..<12) : [])
        }
        for number in 9..<17 { try await ill.run(number, on: ["good", "fair"][number % 2], commit: "c3", failing: number % 4 == 1 ? [11] : []) }
        try await ill.search()
        let incident = try await only()
        let rpc = StabilitiesRPC(
            tests: ill.known, stabilities: ill.stabilities, quarantines: ill.quarantines,
            revisions: RevisionStore(database: TestDatabase.current.database))
        let flaky = try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: ill.person("usr_ann")) { client in
            try await PBStabilities.Client(wrapping: client).listFlakyTests(.with { $0.project = ill.project.description })
        }
        #expect(flaky.data.map(\.test.id) == [ill.tests[11].description])
        let reason = try #require(flaky.data.first?.reasons.first { $0.kind == .environmentFailures })
        #expect(reason.incident == incident.id && reason.detail.contains("in host ill") && reason.count == 3)
    }
}
