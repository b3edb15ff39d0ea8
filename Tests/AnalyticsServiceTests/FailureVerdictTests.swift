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

/// What people say of single failures in Validation, in whatever order it comes, and beside incidents.
@Suite("failures that a person said were the environment's", .database(AnalyticsProgram.schema, JobSchema.schema))
struct FailureVerdictTests {
    private let ill = IllEnvironment()

    @Test("a flaky test is the environment's while a person says so of its failures, and days, trend and changes of outcome go along")
    func said() async throws {
        try await ill.doubtful()
        let before = try await ill.lines()
        let failures = try await ill.failures(of: 0)
        #expect(try await ill.kinds()[0] == .flaky)
        #expect(failures.count == 3)
        let test = try await ill.known.get(ill.tests[0], tenant: ill.tenant)
        let reach = Int(Date().timeIntervalSince(ill.began) / 86_400) + 3
        func trend(_ branch: String) async throws -> Int64 {
            let days = try await TestDayStore(database: ill.database).trend(of: test, days: reach, branch: branch, tenant: ill.tenant).days
            return days.reduce(0) { $0 + $1.environmental }
        }
        #expect(test.flips == 6)

        #expect(try await ill.say(true, of: Array(failures.prefix(1)), version: 2).isEmpty)
        #expect(try await ill.environmental() == 1)
        #expect(try await ill.say(true, of: failures, version: 3).isEmpty)
        #expect(try await ill.kinds().prefix(3) == [.environment, .flaky, .flaky])
        #expect(try await ill.environmental() == 3)
        #expect(try await trend("main") == 3)
        #expect(try await trend("other") == 0)
        #expect(try await ill.known.get(ill.tests[0], tenant: ill.tenant).flips == 0)
        let excuse = try #require(try await ill.environments.latest(of: [ill.tests[0]], tenant: ill.tenant)[ill.tests[0]])
        #expect(excuse.incident == nil)

        #expect(try await ill.say(false, of: failures, version: 4).isEmpty)
        #expect(try await ill.lines() == before)
        #expect(try await ill.kinds()[0] == .flaky)
        #expect(try await ill.environmental() == 0)
        #expect(try await trend("") == 0)
        #expect(try await ill.known.get(ill.tests[0], tenant: ill.tenant).flips == 6)
        #expect(try await ill.environments.latest(of: [ill.tests[0]], tenant: ill.tenant).isEmpty)
    }

    @Test("why a test is the environment's is a person's word where there is no incident")
    func reason() async throws {
        try await ill.doubtful()
        _ = try await ill.say(true, of: ill.failures(of: 0), version: 2)
        let rpc = StabilitiesRPC(
            tests: ill.known, stabilities: ill.stabilities, quarantines: ill.quarantines, revisions: RevisionStore(database: ill.database))
        let test = ill.tests[0].description
        let told = try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: ill.person("usr_ann")) { client in
            try await PBStabilities.Client(wrapping: client).getTestStability(.with { $0.test = test })
        }
        let reason = try #require(told.reasons.first { $0.kind == .environmentFailures })
        #expect(told.stability.kind == .environment && reason.incident.isEmpty && reason.count == 3)
        #expect(reason.detail == "3 failures were put down to the environment. Of the newest a person said that it was the environment.")
    }

    @Test("what comes twice, late or in one delivery with what was said after it changes nothing")
    func order() async throws {
        try await ill.doubtful()
        let failures = try await ill.failures(of: 0)
        _ = try await ill.say(true, of: failures, version: 4)
        let excused = try await ill.lines()
        for (isEnvironment, version) in [(true, Int64(4)), (false, 3), (false, 4), (true, 2)] {
            #expect(try await ill.say(isEnvironment, of: failures, version: version).isEmpty)
            #expect(try await ill.lines() == excused)
            #expect(try await ill.environmental() == 3)
        }
        // The higher one holds wherever it stands.
        let both = failures.flatMap { result in
            [(true, Int64(6)), (false, 5)].map {
                FailureVerdict(result: result, isEnvironment: $0.0, version: $0.1, decidedAt: ill.began)
            }
        }
        _ = try await ill.environments.hear(both, of: ill.project, tenant: ill.tenant)
        #expect(try await ill.lines() == excused)
        _ = try await ill.say(false, of: failures, version: 6)
        #expect(try await ill.lines() == excused)
        _ = try await ill.say(false, of: failures, version: 7)
        #expect(try await ill.kinds()[0] == .flaky)
        #expect(try await ill.environmental() == 0)
        #expect(try await ill.say(true, of: [], version: 1).isEmpty)
    }

    @Test("beside an incident each failure counts once, whichever of both takes it first and gives it back last")
    func incident() async throws {
        try await ill.illHost()
        let before = try await ill.lines()
        let failures = try await ill.failures(of: 0)
        _ = try await ill.say(true, of: failures, version: 2)
        #expect(try await ill.environmental() == 3)

        // The search looks at what is said like at anything else.
        try await ill.search()
        let found = try #require(try await ill.incidents().first)
        #expect(found.failures == 30 && found.evidence.tests == 10)
        #expect(try await ill.environments.replay(found, tenant: ill.tenant).again?.numbersHash == found.evidence.numbersHash)
        #expect(try await ill.environmental() == 30)
        let excused = try await ill.lines()
        func decide(_ decision: EnvironmentVerdict.Decision) async throws {
            let isChanged = try await ill.environments.decide(
                decision, on: found, by: "usr_ann", reason: "", at: Date(), tenant: ill.tenant)
            #expect(isChanged)
        }
        func latest() async throws -> ID<EnvironmentIncident>? {
            try await ill.environments.latest(of: [ill.tests[0]], tenant: ill.tenant)[ill.tests[0]]?.incident?.id
        }
        #expect(try await latest() == found.id)

        try await decide(.dismissed)
        #expect(try await ill.environmental() == 3)
        #expect(try await ill.kinds().prefix(2) == [.environment, .flaky])
        #expect(try await latest() == nil)
        try await decide(.reinstated)
        #expect(try await ill.environmental() == 30)
        #expect(try await ill.lines() == excused)

        // Taken back while the incident stands, it is the incident's; and the test's once that is dismissed.
        _ = try await ill.say(false, of: failures, version: 3)
        #expect(try await ill.environmental() == 30)
        #expect(try await ill.lines() == excused)
        try await decide(.dismissed)
        #expect(try await ill.environmental() == 0)
        #expect(try await ill.lines() == before)

        // Said while it is dismissed, it counts by itself; said while it stands, when that is dismissed.
        _ = try await ill.say(true, of: failures, version: 4)
        #expect(try await ill.environmental() == 3)
        #expect(try await ill.kinds().prefix(2) == [.environment, .flaky])
        try await decide(.reinstated)
        _ = try await ill.say(true, of: ill.failures(of: 1), version: 2)
        #expect(try await ill.environmental() == 30)
        #expect(try await ill.lines() == excused)
        try await decide(.dismissed)
        #expect(try await ill.environmental() == 6)
        _ = try await ill.say(false, of: failures, version: 5)
        _ = try await ill.say(false, of: ill.failures(of: 1), version: 3)
        #expect(try await ill.environmental() == 0)
        #expect(try await ill.lines() == before)
    }

    @Test("what the search gives back stays the environment's while a person says so")
    func givenBack() async throws {
        try await ill.illHost()
        let failures = try await ill.failures(of: 0)
        _ = try await ill.say(true, of: failures, version: 2)
        try await ill.search()
        #expect(try await ill.environmental() == 30)
        // The test fails elsewhere on the commit as well.
        try await ill.run(9, on: "good", failing: [0])
        try await ill.search(minutes: 61)
        #expect(try await ill.incidents().map(\.failures) == [27])
        #expect(try await ill.environmental() == 30)
        #expect(try await ill.lines()[ill.tests[0]]?.first?.state.environmentFailures == 3)
        _ = try await ill.say(false, of: failures, version: 3)
        #expect(try await ill.environmental() == 27)
        #expect(try await ill.lines()[ill.tests[0]]?.first?.state.environmentFailures == 0)
    }

    @Test("a place that a person declares takes what is said of single failures too, and leaves it to them when it is dismissed")
    func declared() async throws {
        try await ill.doubtful()
        _ = try await ill.say(true, of: ill.failures(of: 0), version: 2)
        let now = ill.began + 3_600
        let declaration = try EnvironmentDeclaration(.host("ill"), from: nil, to: nil, at: now)
        let declared = try await ill.environments.declare(
            declaration, of: ill.project, by: "usr_ann", reason: "disk full", at: now, tenant: ill.tenant)
        let incident = try await ill.environments.get(declared.incident, tenant: ill.tenant)
        #expect(incident.failures == 9)
        #expect(try await ill.environmental() == 9)
        let isDismissed = try await ill.environments.decide(
            .dismissed, on: incident, by: "usr_bob", reason: "", at: now, tenant: ill.tenant)
        #expect(isDismissed)
        #expect(try await ill.environmental() == 3)
        #expect(try await ill.kinds().prefix(2) == [.environment, .flaky])
    }

    @Test("tests that are joined keep what is said of their failures, and it can be taken back")
    func joined() async throws {
        try await ill.doubtful()
        let failures = try await ill.failures(of: 0)
        _ = try await ill.say(true, of: failures, version: 2)
        let last = ID<AnalyticsService.Test>.new()
        let aliases = AliasStore(database: ill.database, stabilities: ill.stabilities, quarantines: ill.quarantines)
        try await aliases.set(ill.tests[0], to: last, project: ill.project, tenant: ill.tenant)
        func kind() async throws -> StabilityVerdict.Kind? { try await ill.known.get(last, tenant: ill.tenant).stability?.kind }
        #expect(try await kind() == .environment)
        #expect(try await ill.environmental() == 3)
        _ = try await ill.say(false, of: failures, version: 3)
        #expect(try await kind() == .flaky)
        #expect(try await ill.environmental() == 0)
    }

    @Test("a failure that is not known, or is of another project, is waited for while the word is new; what is known is written down meanwhile")
    func unknown() async throws {
        try await ill.doubtful()
        let failures = try await ill.failures(of: 0)
        let rpc = IntakeRPC(
            facts: FactQueue(facts: FactStore(database: ill.database, stabilities: ill.stabilities)), days: DayStore(database: ill.database),
            aliases: AliasStore(database: ill.database, stabilities: ill.stabilities, quarantines: ill.quarantines))
        let project = ill.project.description
        func request(
            _ results: [ID<AnalyticsService.Result>], of project: String, ago: TimeInterval, version: Int64
        ) -> PBSubmitFailureVerdictsRequest {
            .with {
                $0.project = project
                $0.verdicts = results.map { result in
                    .with {
                        $0.result = result.description
                        $0.environment = true
                        $0.version = version
                        $0.decidedAt = .init(milliseconds: Date() - ago)
                    }
                }
            }
        }
        let fresh = request(failures + [.new()], of: project, ago: 5, version: 2)
        let old = request([.new()], of: project, ago: FailureVerdict.patience + 60, version: 2)
        let foreign = request(failures, of: ID<AnalyticsService.Project>.new().description, ago: 5, version: 9)
        let many = request((0...FailureVerdict.mostAtOnce).map { _ in .new() }, of: project, ago: 5, version: 2)
        let unnumbered = request(failures, of: project, ago: 5, version: 0)
        try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: .service("validation", tenant: ill.tenant), signedBy: "validation") {
            client in
            let intake = PBIntake.Client(wrapping: client)
            for _ in 0..<2 {
                let fault = try await InProcess.fault { try await intake.submitFailureVerdicts(fresh) }
                #expect(fault.kind == .unavailable && fault.code == "failure_verdicts.unknown_failure" && fault.retryAfter == nil)
            }
            _ = try await intake.submitFailureVerdicts(old)
            #expect(try await InProcess.fault { try await intake.submitFailureVerdicts(foreign) }.kind == .unavailable)
            #expect(try await InProcess.fault { try await intake.submitFailureVerdicts(many) }.code == "failure_verdicts.too_many")
            let refused = try await InProcess.fault { try await intake.submitFailureVerdicts(unnumbered) }
            #expect(refused.fields.map(\.pointer) == ["/verdicts/0/version"])
        }
        #expect(try await ill.kinds().prefix(2) == [.environment, .flaky])
        #expect(try await ill.environmental() == 3)
    }
}

/// The sweeper is every project's.
@Suite("failures of which a person said anything are kept", .database(AnalyticsProgram.schema, JobSchema.schema))
struct KeptFailureVerdictTests {
    private let ill = IllEnvironment()

    @Test("what was said is taken back long after the other failures have gone; of those that have gone nothing can be said")
    func swept() async throws {
        try await ill.doubtful()
        let (said, gone) = (try await ill.failures(of: 0), try await ill.failures(of: 2))
        _ = try await ill.say(true, of: said, version: 2)
        _ = try await ill.say(true, of: ill.failures(of: 1), version: 2)
        _ = try await ill.say(false, of: ill.failures(of: 1), version: 3)
        try await ill.database.execute(
            .tenant(ill.tenant), "update environment_failures set started_at = now() - interval '8 days' where tenant_id = \(ill.tenant)")
        try await FactStore(database: ill.database, stabilities: ill.stabilities).sweepEnvironments()
        let left = try await ill.database.rows(
            .tenant(ill.tenant), "select test_id, count(*) as n from environment_failures where tenant_id = \(ill.tenant) group by 1"
        ) { (try $0.value("test_id", as: ID<AnalyticsService.Test>.self), try $0.value("n", as: Int64.self)) }
        #expect(Dictionary(uniqueKeysWithValues: left) == [ill.tests[0]: 3, ill.tests[1]: 3])
        #expect(try await ill.say(true, of: gone, version: 2).map(\.result).sorted() == gone.sorted())
        #expect(try await ill.kinds()[2] == .flaky)
        try await ill.database.execute(
            .tenant(ill.tenant), "update environment_failures set started_at = now() - interval '401 days' where tenant_id = \(ill.tenant)")
        try await FactStore(database: ill.database, stabilities: ill.stabilities).sweepEnvironments()
        #expect(try await ill.say(false, of: said, version: 3).count == 3)
        #expect(try await ill.kinds()[0] == .environment)
    }
}

extension IllEnvironment {
    /// Nine runs of one commit on three hosts; on `ill` too few of the tests fail for anything to be found.
    fileprivate func doubtful() async throws {
        for number in 0..<9 {
            let host = ["good", "ill", "fair"][number % 3]
            try await run(number, on: host, failing: host == "ill" ? [0, 1, 2] : [])
        }
        try await search()
    }

    /// Of a test, while they are looked at.
    fileprivate func failures(of test: Int) async throws -> [ID<AnalyticsService.Result>] {
        try await environments.window(of: project, at: began + 3_600, tenant: tenant).failures.filter { $0.test == tests[test] }.map(\.result)
    }

    /// - Returns: those of which nothing is known.
    fileprivate func say(
        _ isEnvironment: Bool, of results: [ID<AnalyticsService.Result>], version: Int64
    ) async throws -> [FailureVerdict] {
        try await environments.hear(
            results.map { FailureVerdict(result: $0, isEnvironment: isEnvironment, version: version, decidedAt: began) }, of: project,
            tenant: tenant)
    }

    /// As days tell.
    fileprivate func environmental() async throws -> Int64 {
        try await database.one(.tenant(tenant), "select sum(environmental)::bigint as n from days where tenant_id = \(tenant)") {
            try $0.value("n")
        }
    }
}
