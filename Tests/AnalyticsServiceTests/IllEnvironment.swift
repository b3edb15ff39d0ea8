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

@testable import AnalyticsService

/// A project of twelve tests, each of a class of its own, whose runs fail where they are told to.
struct IllEnvironment: Sendable {
    typealias TestID = ID<AnalyticsService.Test>

    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()
    let tests = (0..<12).map { _ in TestID.new() }
    /// 13 minutes past an hour.
    let began = Date(timeIntervalSince1970: 1_790_000_000)

    var database: Database { TestDatabase.current.database }
    var stabilities: StabilityStore { StabilityStore(database: database) }
    var known: TestStore { TestStore(database: database) }
    var quarantines: QuarantineStore { QuarantineStore(database: database) }
    var environments: EnvironmentStore { EnvironmentStore(database: database, stabilities: stabilities) }

    /// - Parameters:
    ///   - minutes: after the first.
    ///   - tries: that failed before the one that stands, of those that fail.
    ///   - passing: the try that stands passes all the same.
    func run(
        _ minutes: Int, on host: String, zone: String = "", commit: String = "c1", failing: Set<Int> = [], tries: Int = 0, passing: Bool = false,
        tags: [String] = []
    ) async throws {
        let batch = FactBatch(
            project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: commit, tags: tags, zone: zone,
            startedAt: began + Double(minutes) * 60,
            facts: tests.enumerated().map { index, test in
                let fails = failing.contains(index)
                return Fact(
                    result: .new(), test: test, suiteName: "suite", className: "class \(index)", name: "test \(index)",
                    outcome: fails && !passing ? .failed : .passed, duration: 1, failedTries: fails ? tries : 0, host: host)
            })
        try await FactStore(database: database, stabilities: stabilities).insert(batch, tenant: tenant)
    }

    /// Nine runs of one commit on three hosts; on `ill` ten of the tests fail.
    func illHost(tries: Int = 0, passing: Bool = false) async throws {
        for number in 0..<9 {
            let host = ["good", "ill", "fair"][number % 3]
            try await run(number, on: host, failing: host == "ill" ? Set(0..<10) : [], tries: tries, passing: passing)
        }
    }

    func search(minutes: Double = 60) async throws {
        let now = began + minutes * 60
        let job = Job(tenant: tenant, kind: SearchEnvironment.Payload.kind)
        try await SearchEnvironment(environments: environments) { now }.handle(.init(project: project), job)
    }

    func incidents() async throws -> [EnvironmentIncident] {
        try await environments.list(PageRequest(limit: 50, cursor: ""), states: nil, project: project, tenant: tenant).items
    }

    func lines() async throws -> [TestID: [TestLine]] {
        try await stabilities.lines(of: tests, tenant: tenant).mapValues(\.lines)
    }

    func kinds() async throws -> [StabilityVerdict.Kind?] {
        var kinds: [StabilityVerdict.Kind?] = []
        for test in tests { kinds.append(try await known.get(test, tenant: tenant).stability?.kind) }
        return kinds
    }

    func person(_ name: String) -> Caller {
        Caller(identity: CallerIdentity(tenant: tenant, actor: name, permissions: ["runs.read", "failures.triage"], projects: nil))
    }

    /// - Parameter minutes: after the first run, which is when it is by the service's clock.
    func serve<Answer: Sendable>(
        minutes: Double = 60, _ body: @Sendable (PBEnvironmentIncidents.Client<InProcess.Transport>) async throws -> Answer
    ) async throws -> Answer {
        let now = began + minutes * 60
        let rpc = EnvironmentIncidentsRPC(environments: environments) { now }
        return try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: person("usr_ann")) { client in
            try await body(PBEnvironmentIncidents.Client(wrapping: client))
        }
    }
}
