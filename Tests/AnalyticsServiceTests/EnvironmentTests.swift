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

/// From facts to incidents and back, over a real database.
@Suite("environment or code", .database(AnalyticsProgram.schema, JobSchema.schema))
struct EnvironmentTests {
    typealias TestID = ID<AnalyticsService.Test>

    private let tenant = ID<Tenant>.new()
    private let project = ID<Project>.new()
    private let tests = (0..<12).map { _ in TestID.new() }
    private let began = Date(timeIntervalSince1970: 1_790_000_000)

    private var stabilities: StabilityStore { StabilityStore(database: TestDatabase.current.database) }
    private var facts: FactStore { FactStore(database: TestDatabase.current.database, stabilities: stabilities) }
    private var known: TestStore { TestStore(database: TestDatabase.current.database) }
    private var environments: EnvironmentStore { EnvironmentStore(database: TestDatabase.current.database, stabilities: stabilities) }

    /// A run of all tests, each of a class of its own; `minutes` after the first.
    private func run(_ number: Int, on host: String, commit: String = "c1", failing: Set<Int> = [], tries: Int = 0, zone: String = "") async throws {
        try await facts.insert(
            FactBatch(
                project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: commit, environment: "", zone: zone,
                startedAt: began + Double(number) * 60,
                facts: tests.enumerated().map { index, test in
                    Fact(
                        result: .new(), test: test, suiteName: "suite", className: "class \(index)", name: "test \(index)",
                        outcome: failing.contains(index) ? .failed : .passed, duration: 1, failedTries: failing.contains(index) ? tries : 0,
                        host: host)
                }), tenant: tenant)
    }

    private func search(minutes: Double = 60) async throws {
        let now = began + minutes * 60
        let job = Job(tenant: tenant, kind: SearchEnvironment.Payload.kind)
        try await SearchEnvironment(environments: environments) { now }.handle(.init(project: project), job)
    }

    private func incidents() async throws -> [EnvironmentIncident] {
        try await environments.list(PageRequest(limit: 50, cursor: ""), states: nil, project: project, tenant: tenant).items
    }

    /// What a verdict says of failing together on one host.
    private func reason(of test: TestID) async throws -> PBStabilityReason? {
        let rpc = StabilitiesRPC(
            tests: known, stabilities: stabilities, quarantines: QuarantineStore(database: TestDatabase.current.database),
            revisions: RevisionStore(database: TestDatabase.current.database))
        return try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway") {
            client in
            let stability = try await PBStabilities.Client(wrapping: client).getTestStability(.with { $0.test = test.description })
            return stability.reasons.first { $0.kind == .environmentFailures }
        }
    }

    private func kinds(_ tests: [TestID]? = nil) async throws -> [StabilityVerdict.Kind?] {
        var kinds: [StabilityVerdict.Kind?] = []
        for test in tests ?? self.tests { kinds.append(try await known.get(test, tenant: tenant).stability?.kind) }
        return kinds
    }

    /// Nine runs of one commit on three hosts; on `ill` ten of the twelve tests fail.
    private func illHost(tries: Int = 0) async throws {
        for number in 0..<9 {
            let host = ["good", "ill", "fair"][number % 3]
            try await run(number, on: host, failing: host == "ill" ? Set(0..<10) : [], tries: tries)
        }
    }

    @Test("what failed on one host only is put down to it and counts for no test; looked at again, nothing changes", arguments: [0, 2])
    func host(tries: Int) async throws {
        try await illHost(tries: tries)
        #expect(try await kinds().prefix(10).allSatisfy { $0 == .flaky })
        try await search()
        let found = try await incidents()
        #expect(found.map(\.kind) == [.host] && found.map(\.place) == ["ill"] && found.map(\.state) == [.standing])
        #expect(found.first?.failures == 30 && found.first?.evidence.tests == 10 && found.first?.evidence.groups == 10)
        #expect(found.first.map { $0.evidence.chance < EnvironmentMethod.current.error && $0.evidence.there > Int($0.evidence.expected) } == true)
        #expect(found.first?.from == began + 60 && found.first?.to == began + 7 * 60)
        #expect(try await kinds() == Array(repeating: .environment, count: 10) + [.stable, .stable])
        let told = try await reason(of: tests[0])
        #expect(told?.incident == found.first?.id.description && told?.detail.contains("in host ill, where 10 tests of 10 classes") == true)
        let lines = try await stabilities.lines(of: tests, tenant: tenant)
        try await search(minutes: 61)
        #expect(try await incidents() == found)
        #expect(try await stabilities.lines(of: tests, tenant: tenant).mapValues(\.lines) == lines.mapValues(\.lines))
        // What fails there later belongs to the same incident.
        try await run(10, on: "ill", failing: Set(0..<10))
        try await search(minutes: 62)
        #expect(try await incidents().map(\.id) == found.map(\.id))
        #expect(try await incidents().map(\.failures) == [40])
        #expect(try await kinds().prefix(10).allSatisfy { $0 == .environment })
    }

    @Test("a person who says that it was the tests has the last word, and the failures count again")
    func dismissed() async throws {
        try await illHost()
        let before = try await stabilities.lines(of: tests, tenant: tenant)
        try await search()
        let incident = try #require(try await incidents().first)
        let rpc = EnvironmentIncidentsRPC(environments: environments)
        try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway") { client in
            let client = PBEnvironmentIncidents.Client(wrapping: client)
            let first = try await client.listEnvironmentFailures(
                .with {
                    $0.incident = incident.id.description; $0.limit = 20
                })
            let rest = try await client.listEnvironmentFailures(
                .with {
                    $0.incident = incident.id.description; $0.limit = 20; $0.cursor = first.page.nextCursor
                })
            let all = first.data + rest.data
            #expect(all.count == 30 && !rest.page.hasMore_p)
            #expect(all.allSatisfy { $0.host == "ill" && $0.name.hasPrefix("test ") && $0.commitSha == "c1" })
            for _ in 0..<2 {
                let answer = try await client.dismissEnvironmentIncident(
                    .with {
                        $0.incident = incident.id.description; $0.reason = "ours"
                    })
                #expect(answer.state == .dismissed && answer.dismissalReason == "ours" && answer.hasDismissedAt && answer.failures == 30)
            }
            let listed = try await client.listEnvironmentIncidents(
                .with {
                    $0.project = project.description; $0.state = [.dismissed]
                })
            #expect(listed.data.map(\.id) == [incident.id.description])
            let standing = try await client.listEnvironmentIncidents(
                .with {
                    $0.project = project.description; $0.state = [.standing]
                })
            #expect(standing.data.isEmpty)
            let missing = try await InProcess.fault {
                try await client.getEnvironmentIncident(.with { $0.incident = ID<EnvironmentIncident>.new().description })
            }
            #expect(missing.code == "environment_incident.not_found")
        }
        #expect(try await stabilities.lines(of: tests, tenant: tenant).mapValues(\.lines) == before.mapValues(\.lines))
        #expect(try await kinds().prefix(10).allSatisfy { $0 == .flaky })
        try await search(minutes: 61)
        #expect(try await incidents().map(\.state) == [.dismissed])
        #expect(try await kinds().prefix(10).allSatisfy { $0 == .flaky })
    }

    @Test("what a person gave back is no proof against the next place in which the same tests fail on that commit")
    func dismissedElsewhere() async throws {
        try await illHost()
        try await search()
        let incident = try #require(try await incidents().first)
        _ = try await environments.decide(.dismissed, on: incident, by: "usr_1", reason: "ours", at: Date(), tenant: tenant)
        for number in 9..<12 { try await run(number, on: number % 2 == 1 ? "late" : "good", failing: number % 2 == 1 ? Set(0..<10) : []) }
        try await search(minutes: 61)
        #expect(try await incidents().map(\.state) == [.dismissed])
    }

    @Test("what turns out to fail elsewhere on the same commit is given back, and an incident without failures is withdrawn")
    func withdrawn() async throws {
        try await illHost()
        try await search()
        // Two of the tests fail on another host, too.
        try await run(9, on: "good", failing: [0, 1])
        try await search(minutes: 61)
        #expect(try await incidents().map(\.failures) == [24])
        #expect(try await kinds([tests[0], tests[1], tests[2]]) == [.flaky, .flaky, .environment])
        // And then all of them everywhere.
        for number in 10..<14 { try await run(number, on: ["good", "fair"][number % 2], failing: Set(0..<10)) }
        try await search(minutes: 62)
        #expect(try await incidents().map(\.state) == [.withdrawn])
        #expect(try await kinds().prefix(10).allSatisfy { $0 != .environment })
    }

    /// Commits that were run once each, in turn on three hosts.
    private func once(_ count: Int, _ failing: (_ number: Int, _ host: String) -> Set<Int>) async throws {
        for number in 0..<count {
            let host = ["good", "ill", "fair"][number % 3]
            try await run(number, on: host, commit: "c\(number)", failing: failing(number, host))
        }
    }

    @Test("what failed on one host where each commit was run once is put down to it, having passed on others before and after, until it is dismissed")
    func betweenCommits() async throws {
        try await once(30) { _, host in host == "ill" ? Set(0..<10) : [] }
        try await search()
        let found = try await incidents()
        #expect(found.map(\.kind) == [.host] && found.map(\.place) == ["ill"] && found.map(\.failures) == [100])
        let evidence = try #require(found.first?.evidence)
        #expect(evidence.contrast == .otherCommits && evidence.edition == 3 && evidence.tests == 10 && evidence.groups == 10)
        #expect(evidence.compared == 10 && evidence.there == 10 && evidence.chance < EnvironmentMethod.current.error)
        #expect(found.first?.from == began + 60 && found.first?.to == began + 28 * 60)
        #expect(try await kinds() == Array(repeating: .environment, count: 10) + [.stable, .stable])
        let told = try await reason(of: tests[0])
        #expect(told?.detail.contains("failed together on 10 commits that passed elsewhere, on other commits, before and after each") == true)
        try await search(minutes: 61)
        #expect(try await incidents() == found)
        let incident = try #require(found.first)
        let isDismissed = try await environments.decide(.dismissed, on: incident, by: "usr_ann", reason: "", at: Date(), tenant: tenant)
        #expect(isDismissed)
        try await search(minutes: 62)
        #expect(try await incidents().map(\.state) == [.dismissed])
        #expect(try await kinds().allSatisfy { $0 != .environment })
    }

    @Test("tests that are broken for some commits, and such that one commit breaks and the next one mends, are left alone")
    func broken() async throws {
        // For two commits again and again, always on the same two hosts, and once for one.
        try await once(30) { number, _ in number % 6 < 2 ? Set(0..<10) : number == 9 ? Set(3..<9) : [] }
        try await search()
        #expect(try await incidents().isEmpty)
        #expect(try await kinds().allSatisfy { $0 != .environment })
    }

    @Test("a commit that breaks tests wherever it is run is left to the tests, and so is what is run once, mended or not")
    func code() async throws {
        for number in 0..<6 { try await run(number, on: "host \(number % 3)", commit: "c1") }
        for number in 6..<12 { try await run(number, on: "host \(number % 3)", commit: "c2", failing: Set(0..<10)) }
        try await run(12, on: "host 1", commit: "c3", failing: Set(0..<12))
        try await search()
        #expect(try await incidents().isEmpty)
        #expect(try await kinds().prefix(10).allSatisfy { $0 == .regressed })
        try await run(13, on: "host 2", commit: "c4")
        try await search(minutes: 61)
        #expect(try await incidents().isEmpty)
    }

    @Test("an old failure keeps its place when the runs that it was compared with are gone from the window")
    func settled() async throws {
        try await illHost()
        try await search()
        let found = try await incidents()
        try await search(minutes: 2 * 24 * 60)
        #expect(try await incidents().map(\.failures) == found.map(\.failures))
        try await search(minutes: 4 * 24 * 60)
        #expect(try await incidents().map(\.state) == [.standing])
        #expect(try await kinds().prefix(10).allSatisfy { $0 == .environment })
    }

    @Test("tests that are joined keep what was put down to the environment")
    func joined() async throws {
        try await illHost()
        try await search()
        let database = TestDatabase.current.database
        let aliases = AliasStore(database: database, stabilities: stabilities, quarantines: QuarantineStore(database: database))
        let last = TestID.new()
        try await run(9, on: "good")
        try await aliases.set(tests[0], to: last, project: project, tenant: tenant)
        #expect(try await kinds([last]) == [.environment])
        let incident = try #require(try await incidents().first)
        let failures = try await environments.failures(PageRequest(limit: 50, cursor: ""), of: incident.id, tenant: tenant).items
        #expect(failures.count { $0.failure.test == last } == 3)
    }

    @Test("a search is asked for when something failed, or passed that had failed, once for all batches of a minute")
    func asked() async throws {
        func searches() async throws -> Int {
            try await TestDatabase.current.database.one(
                .tenant(tenant), "select count(*) as n from jobs where tenant_id = \(tenant) and kind = 'search-environment'"
            ) { try $0.value("n", as: Int.self) }
        }
        try await run(0, on: "a")
        #expect(try await searches() == 0)
        for number in 1..<5 { try await run(number, on: "a", failing: number % 2 == 1 ? [0] : []) }
        #expect((1...2).contains(try await searches()))
    }

    @Test("of a result that passed at last only the tries that failed are an environment's, also when its test is joined to another")
    func triesOfAPass() {
        let fact = Fact(
            result: .new(), test: .new(), suiteName: "", className: "", name: "", outcome: .passed, duration: nil, failedTries: 2)
        let observations = fact.observations(at: began, commit: "c1", isEnvironmental: true)
        #expect(observations.map(\.passed) == [false, false, true] && observations.map(\.isEnvironmental) == [true, true, false])
    }

    @Test("a failure that is taken back and given back leaves a line as it was")
    func readmitted() {
        var random = SplitMix(seed: 3)
        for _ in 0..<50 {
            let observations = (0..<16).map { run in
                TestObservation(
                    at: Int64(run) * 1000, order: UInt32(run), commit: UInt64(run / 3 + 1), passed: Int.random(in: 0..<3, using: &random) > 0)
            }
            let state = StabilityState(observations)
            var changed = state
            let failures = observations.filter { !$0.passed }.shuffled(using: &random)
            for failure in failures {
                let isKnown = changed.excuse(at: failure.at, order: failure.order)
                #expect(isKnown)
            }
            #expect(
                changed
                    == StabilityState(
                        observations.map { TestObservation(at: $0.at, order: $0.order, commit: $0.commit, passed: $0.passed, isEnvironmental: true) })
            )
            for failure in failures.shuffled(using: &random) { changed.readmit(failure) }
            #expect(changed == state)
        }
    }
}
