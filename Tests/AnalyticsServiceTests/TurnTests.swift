import AnalyticsAPI
import Foundation
import GRPCCore
import Jobs
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import AnalyticsService

@Suite("where tests turned", .database(AnalyticsProgram.schema, JobSchema.schema))
struct TurnTests {
    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()
    let began = Date(timeIntervalSince1970: 1_790_000_000)

    /// `p`assed, `f`ailed, `s`kipped, one run a minute; the commit is the letter's place.
    private func send(_ history: String, of test: ID<AnalyticsService.Test>, branch: String = "main") async throws {
        let database = TestDatabase.current.database
        let facts = FactStore(database: database, stabilities: StabilityStore(database: database))
        for (index, letter) in history.enumerated() {
            let outcome: Outcome = letter == "p" ? .passed : letter == "s" ? .skipped : .failed
            try await facts.insert(
                FactBatch(
                    project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: "\(branch)-\(index)",
                    startedAt: began + Double(index) * 60,
                    facts: [Fact(result: .new(), test: test, suiteName: "s", className: "c", name: "n", outcome: outcome, duration: 1)]),
                tenant: tenant)
        }
    }

    @Test(
        "the last pass and the first failure after it, on this branch and until the run that is asked for",
        arguments: [
            ("ppfff", 4, "main-1", "main-2"), ("ppfff", 3, "main-1", "main-2"), ("fpfpsff", 6, "main-3", "main-5"), ("fff", 2, nil, "main-0"),
            ("ppfp", 2, "main-1", "main-2"), ("pp", 1, "main-1", nil), ("ppfff", 1, "main-1", nil),
        ] as [(String, Int, String?, String?)])
    func turn(history: String, until: Int, pass: String?, failure: String?) async throws {
        let test = ID<AnalyticsService.Test>.new()
        try await send(history, of: test)
        try await send("pppppppppp", of: test, branch: "other")
        let found = try await TurnStore(database: TestDatabase.current.database).list(
            [question(.new(), until: until), question(test, until: until)], project: project, tenant: tenant)
        try #require(found.count == 2)
        #expect(found[0].lastPass == nil && found[0].firstFailure == nil)
        #expect(found[1].test == test && found[1].lastPass?.commit == pass && found[1].firstFailure?.commit == failure)
    }

    /// Seen from the run that is `until` minutes after the first one.
    private func question(_ test: ID<AnalyticsService.Test>, on branch: String = "main", until: Int) -> Turn.Question {
        Turn.Question(test: test, branch: branch, environment: "", until: began + Double(until) * 60)
    }

    @Test("one call asks about tests in places of their own, the same test in several, and is refused where places are missing")
    func places() async throws {
        let test = ID<AnalyticsService.Test>.new()
        try await send("ppfff", of: test)
        try await send("fpf", of: test, branch: "other")
        let rpc = TurnsRPC(turns: TurnStore(database: TestDatabase.current.database))
        let service = Caller.service("execution", tenant: tenant)
        try await InProcess.serve([rpc], as: service, signedBy: "execution") { client in
            let client = PBTurns.Client(wrapping: client)
            var request = PBListTurnsRequest.with { request in
                request.project = project.description
                request.tests = [test, .new(), test, test].map(\.description)
                request.places = [("main", 4), ("main", 4), ("other", 2), ("main", 0)].map { branch, minutes in
                    PBTurnPlace.with {
                        $0.branch = branch
                        $0.until = .init(date: began + Double(minutes) * 60)
                    }
                }
            }
            let found = try await client.listTurns(request).data
            #expect(found.map(\.test) == request.tests)
            #expect(found.map(\.lastPass.commitSha) == ["main-1", "", "other-1", "main-0"])
            #expect(found.map(\.firstFailure.commitSha) == ["main-2", "", "other-2", ""])
            request.places.removeLast()
            let refused = try await InProcess.fault { [request] in try await client.listTurns(request) }
            #expect(refused.kind == .invalid && refused.fields.first?.pointer == "/places")
        }
    }

    @Test("a failure that is put down to an incident turned nothing, until the incident is dismissed or withdrawn", arguments: [true, false])
    func environmental(dismissed: Bool) async throws {
        let ill = IllEnvironment()
        func turn(until minutes: Int) async throws -> Turn {
            let question = Turn.Question(test: ill.tests[0], branch: "main", environment: "", until: ill.began + Double(minutes) * 60)
            let found = try await TurnStore(database: ill.database).list([question], project: ill.project, tenant: ill.tenant)
            return try #require(found.first)
        }
        for number in 0..<9 {
            let host = ["good", "fair", "ill"][number % 3]
            try await ill.run(number, on: host, failing: host == "ill" ? Set(0..<10) : [])
        }
        #expect(try await turn(until: 8).firstFailure?.commit == "c1")
        try await ill.search()
        let alone = try await turn(until: 8)
        #expect(alone.lastPass?.commit == "c1" && alone.firstFailure == nil)
        // The code breaks it, on a good host.
        try await ill.run(20, on: "good", commit: "c2", failing: [0])
        let turned = try await turn(until: 20)
        #expect(turned.lastPass?.at == ill.began + 7 * 60 && turned.firstFailure?.commit == "c2")
        if dismissed {
            let incident = try #require(try await ill.incidents().first)
            _ = try await ill.environments.decide(.dismissed, on: incident, by: "usr_1", reason: "ours", at: Date(), tenant: ill.tenant)
        } else {
            for number in 30..<34 { try await ill.run(number, on: ["good", "fair"][number % 2], failing: Set(0..<10)) }
            try await ill.search(minutes: 61)
        }
        let state: EnvironmentIncident.State = dismissed ? .dismissed : .withdrawn
        #expect(try await ill.incidents().map(\.state) == [state])
        let given = try await turn(until: 20)
        #expect(given.lastPass?.at == ill.began + 7 * 60 && given.firstFailure?.commit == "c1")
    }
}
