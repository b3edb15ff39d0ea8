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
