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

/// The service as its callers see it, over a real database.
@Suite(.database(AnalyticsProgram.schema, JobSchema.schema))
struct FactTests {
    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()

    var services: [any RegistrableRPCService] {
        let database = TestDatabase.current.database
        let stabilities = StabilityStore(database: database)
        let facts = FactStore(database: database, stabilities: stabilities)
        let tests = TestStore(database: database)
        let days = DayStore(database: database)
        let quarantines = QuarantineStore(database: database)
        return [
            AnalyticsService.IntakeRPC(
                facts: FactQueue(facts: facts), days: days,
                aliases: AliasStore(database: database, stabilities: stabilities, quarantines: quarantines)),
            AnalyticsService.TrendsRPC(rollups: RollupStore(database: database), revisions: RevisionStore(database: database)),
            AnalyticsService.TestsRPC(tests: tests, facts: facts, revisions: RevisionStore(database: database)),
            AnalyticsService.TestGridsRPC(tests: tests, facts: facts, revisions: RevisionStore(database: database)),
            AnalyticsService.StabilitiesRPC(
                tests: tests, stabilities: stabilities, quarantines: quarantines, revisions: RevisionStore(database: database)),
        ]
    }

    func serve<R: Sendable>(as caller: Caller? = nil, _ body: (InProcess.Client) async throws -> R) async throws -> R {
        try await InProcess.serve(
            services, rules: AnalyticsContract.rules, as: caller ?? .service("execution", tenant: tenant), signedBy: "execution", body)
    }

    /// A run of some tests, `minutes` after the first.
    func batch(
        _ outcomes: [(ID<AnalyticsService.Test>, PBOutcome.Value)], minutes: Int, name: String = UUID().uuidString, sequence: Int32 = 0
    ) -> PBSubmitFactsRequest {
        .with {
            $0.project = project.description
            $0.run = ID<Run>.new().description
            $0.batch = name
            $0.sequence = sequence
            $0.branch = "main"
            $0.startedAt = Google_Protobuf_Timestamp(date: Date(timeIntervalSinceNow: Double(minutes - 100) * 60))
            $0.facts = outcomes.map { test, outcome in
                .with {
                    $0.result = ID<AnalyticsService.Result>.new().description
                    $0.test = test.description
                    $0.name = "a test"
                    $0.outcome = outcome
                    $0.durationUs = 1500
                }
            }
        }
    }

    @Test("a history that is imported counts on its own days, and its changes as if it had come before")
    func imported() async throws {
        let test = ID<AnalyticsService.Test>.new()
        let yearAgo = -365 * 24 * 60 + 100
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            for (day, outcome) in [PBOutcome.Value.passed, .passed].enumerated() {
                _ = try await intake.submitFacts(batch([(test, outcome)], minutes: 100 - 2880 + day * 1440))
            }
            // Oldest first, as an import brings them; the fifth was overtaken.
            for day in [0, 1, 2, 3, 5, 4] {
                let outcome = [PBOutcome.Value.passed, .failed, .failed, .passed, .skipped, .passed][day]
                _ = try await intake.submitFacts(batch([(test, outcome)], minutes: yearAgo + day * 1440))
            }
            let found = try await PBTests.Client(wrapping: client).getTest(.with { $0.test = test.description })
            #expect(found.flips == 2 && found.counts.total == 8 && found.lastOutcome == .passed)
            #expect(Date().timeIntervalSince(found.firstSeenAt.date) > 364 * 86_400)
            let trend = try await PBTrends.Client(wrapping: client).getTrend(
                .with {
                    $0.project = project.description
                    $0.days = 400
                })
            let days = trend.data.filter { $0.counts.total > 0 }
            #expect(days.map(\.counts.total) == Array(repeating: 1, count: 8))
            #expect(days.reduce(0) { $0 + $1.flips } == 2)
            #expect(days[0].day == Date(timeIntervalSinceNow: Double(yearAgo - 100) * 60).formatted(.iso8601.year().month().day()))
        }
    }

    @Test("a test's history is newest first and its sums follow it; a repeated batch changes nothing")
    func history() async throws {
        let test = ID<AnalyticsService.Test>.new()
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            let tests = PBTests.Client(wrapping: client)
            let sequence: [PBOutcome.Value] = [.passed, .failed, .failed, .skipped, .passed, .errored]
            for (minute, outcome) in sequence.enumerated() {
                let delivery = batch([(test, outcome)], minutes: minute)
                _ = try await intake.submitFacts(delivery)
                _ = try await intake.submitFacts(delivery)
            }
            let known = try await tests.getTest(.with { $0.test = test.description })
            #expect(known.counts.total == 6 && known.counts.passed == 2 && known.counts.failed == 2 && known.counts.skipped == 1)
            // passed→failed, failed→passed over the skipped one, passed→errored.
            #expect(known.flips == 3)
            #expect(known.lastOutcome == .errored && known.meanDurationUs == 1500)

            let first = try await tests.listHistory(
                .with {
                    $0.test = test.description; $0.limit = 4
                })
            let rest = try await tests.listHistory(
                .with {
                    $0.test = test.description; $0.limit = 4; $0.cursor = first.page.nextCursor
                })
            #expect((first.data + rest.data).map(\.outcome) == sequence.reversed() && !rest.page.hasMore_p)
        }
    }

    @Test("a test that stands several times in one batch flips within it")
    func within() async throws {
        let test = ID<AnalyticsService.Test>.new()
        try await serve { client in
            _ = try await PBIntake.Client(wrapping: client).submitFacts(batch([(test, .passed), (test, .failed), (test, .passed)], minutes: 0))
            let known = try await PBTests.Client(wrapping: client).getTest(.with { $0.test = test.description })
            #expect(known.flips == 2 && known.counts.total == 3 && known.lastOutcome == .passed)
        }
    }

    @Test("a run that is older than the last one seen does not change the last outcome; its flips count as if it had come in time")
    func late() async throws {
        let test = ID<AnalyticsService.Test>.new()
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            _ = try await intake.submitFacts(batch([(test, .passed)], minutes: 10))
            _ = try await intake.submitFacts(batch([(test, .failed)], minutes: 5))
            let known = try await PBTests.Client(wrapping: client).getTest(.with { $0.test = test.description })
            #expect(known.flips == 1 && known.lastOutcome == .passed && known.counts.total == 2)
        }
    }

    @Test("batches with the same tests at the same time are all counted")
    func concurrent() async throws {
        let known = (0..<50).map { _ in ID<AnalyticsService.Test>.new() }
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for minute in 0..<16 {
                    group.addTask { _ = try await intake.submitFacts(batch(known.shuffled().map { ($0, .passed) }, minutes: minute)) }
                }
                try await group.waitForAll()
            }
            for test in known {
                let counts = try await PBTests.Client(wrapping: client).getTest(.with { $0.test = test.description }).counts
                #expect(counts.total == 16)
            }
        }
    }

    @Test("an untrusted run leaves no trace: no test, no history, no day, no flip")
    func untrusted() async throws {
        let test = ID<AnalyticsService.Test>.new()
        let unseen = ID<AnalyticsService.Test>.new()
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            _ = try await intake.submitFacts(batch([(test, .passed)], minutes: 1))
            var stranger = batch([(test, .failed), (unseen, .failed)], minutes: 2)
            stranger.lane = .untrusted
            _ = try await intake.submitFacts(stranger)
            _ = try await intake.submitRun(
                .with {
                    $0.project = project.description
                    $0.run = ID<Run>.new().description
                    $0.lane = .untrusted
                    $0.startedAt = Google_Protobuf_Timestamp(date: Date())
                    $0.finishedAt = Google_Protobuf_Timestamp(date: Date())
                })
            _ = try await intake.submitFacts(batch([(test, .passed)], minutes: 3))
            let known = try await PBTests.Client(wrapping: client).getTest(.with { $0.test = test.description })
            #expect(known.counts.total == 2 && known.counts.failed == 0 && known.flips == 0)
            let missing = try await InProcess.fault { try await PBTests.Client(wrapping: client).getTest(.with { $0.test = unseen.description }) }
            #expect(missing.code == "test.not_found")
            let history = try await PBTests.Client(wrapping: client).listHistory(.with { $0.test = test.description })
            #expect(history.data.count == 2)
            let trend = try await PBTrends.Client(wrapping: client).getTrend(.with { $0.project = project.description })
            #expect(trend.data.allSatisfy { $0.runs == 0 && $0.counts.failed == 0 })
            var unknown = stranger
            unknown.lane = .UNRECOGNIZED(7)
            let refused = try await InProcess.fault { [unknown] in try await intake.submitFacts(unknown) }
            #expect(refused.fields.first?.pointer == "/lane")
        }
    }

    @Test("a trend has a point a day, with what ran and which runs passed, each run once")
    func trend() async throws {
        let run = ID<Run>.new().description
        let other = ID<AnalyticsService.Test>.new()
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            _ = try await intake.submitFacts(batch([(.new(), .passed), (other, .failed), (.new(), .passed), (.new(), .skipped)], minutes: 99))
            func finished(_ passed: Bool, after seconds: Double) -> PBSubmitRunRequest {
                .with {
                    $0.project = project.description
                    $0.run = run
                    $0.passed = passed
                    $0.startedAt = Google_Protobuf_Timestamp(date: Date(timeIntervalSinceNow: -60))
                    $0.finishedAt = Google_Protobuf_Timestamp(date: Date(timeIntervalSinceNow: seconds))
                }
            }
            _ = try await intake.submitRun(finished(true, after: 0))
            _ = try await intake.submitRun(finished(true, after: 0))
            // A late shard failed: the run counts as one that did not pass. An older message that comes afterwards changes nothing.
            _ = try await intake.submitRun(finished(false, after: 5))
            _ = try await intake.submitRun(finished(true, after: 1))
            // Said again later: what was said between both comes too late.
            _ = try await intake.submitRun(finished(false, after: 9))
            _ = try await intake.submitRun(finished(true, after: 7))

            let trend = try await PBTrends.Client(wrapping: client).getTrend(
                .with {
                    $0.project = project.description; $0.days = 7
                })
            #expect(trend.data.count == 7)
            let today = try #require(trend.data.last)
            #expect(today.runs == 1 && today.runsPassed == 0)
            #expect(trend.data.reduce(0) { $0 + $1.counts.total } == 4)
            #expect(trend.data.compactMap { $0.hasPassRate ? $0.passRate : nil } == [2.0 / 3.0])
            #expect(zip(trend.data, trend.data.dropFirst()).allSatisfy { $0.day < $1.day })
        }
    }

    @Test("tests are listed with the most flips first, in pages")
    func list() async throws {
        let steady = ID<AnalyticsService.Test>.new()
        let unsteady = ID<AnalyticsService.Test>.new()
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            for minute in 0..<4 {
                _ = try await intake.submitFacts(
                    batch([(steady, .passed), (unsteady, minute.isMultiple(of: 2) ? .passed : .failed)], minutes: minute))
            }
            let tests = PBTests.Client(wrapping: client)
            let first = try await tests.listTests(
                .with {
                    $0.project = project.description; $0.limit = 1
                })
            let second = try await tests.listTests(
                .with {
                    $0.project = project.description; $0.limit = 1; $0.cursor = first.page.nextCursor
                })
            #expect((first.data + second.data).map(\.id) == [unsteady.description, steady.description])
            #expect(first.data[0].flips == 3 && !second.page.hasMore_p)

            // By what they are known as: a person's word stands above the machine's, and what nobody knows is unknown.
            func known(_ kinds: PBStability.Kind...) async throws -> [String] {
                try await tests.listTests(.with { ($0.project, $0.kind) = (project.description, kinds) }).data.map(\.id)
            }
            #expect(try await known(.stable, .flaky, .unknown, .broken, .regressed, .environment).count == 2)
            try await TestDatabase.current.database.execute(
                .tenant(tenant), "update tests set stability = 'stable', verdict = 'broken' where tenant_id = \(tenant) and id = \(steady)")
            try await TestDatabase.current.database.execute(
                .tenant(tenant), "update tests set stability = null where tenant_id = \(tenant) and id = \(unsteady)")
            #expect(try await known(.broken) == [steady.description])
            #expect(try await known(.stable).isEmpty)
            #expect(try await known(.unknown) == [unsteady.description])
            #expect(try await known(.unknown, .broken) == [unsteady.description, steady.description])
            let wrong = try await InProcess.fault { try await known(.unspecified) }
            #expect(wrong.kind == .invalid && wrong.fields.map(\.pointer) == ["kind"])
        }
    }

    @Test("by id all pages together have each test once, whatever results come between them")
    func still() async throws {
        let ids = (0..<3).map { _ in ID<AnalyticsService.Test>.new() }.sorted()
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            let tests = PBTests.Client(wrapping: client)
            _ = try await intake.submitFacts(batch(ids.map { ($0, .passed) }, minutes: 0))
            var seen: [String] = []
            var cursor = ""
            repeat {
                let after = cursor
                let page = try await tests.listTests(
                    .with { ($0.project, $0.limit, $0.sort, $0.cursor) = (project.description, 1, .id, after) })
                seen += page.data.map(\.id)
                cursor = page.page.nextCursor
                // The last one has the most flips from here on, and stands first by them.
                let outcome: PBOutcome.Value = seen.count.isMultiple(of: 2) ? .passed : .failed
                _ = try await intake.submitFacts(batch([(ids[2], outcome)], minutes: seen.count))
            } while !cursor.isEmpty
            #expect(seen == ids.map(\.description))
            let ranked = try await tests.listTests(.with { $0.project = project.description })
            #expect(ranked.data.first?.id == ids[2].description)
            // The rows of a grid and those that are flaky as well; a cursor is one of its order.
            let grid = try await PBTestGrids.Client(wrapping: client).getTestGrid(.with { ($0.project, $0.sort) = (project.description, .id) })
            #expect(grid.data.map(\.test.id) == seen)
            try await TestDatabase.current.database.execute(
                .tenant(tenant),
                """
                update tests set stability = case when id = \(ids[2]) then 'stable' else 'flaky' end, confidence = 0.5, flaky_chance = 0.5
                where tenant_id = \(tenant)
                """)
            let listed = try await PBStabilities.Client(wrapping: client).listFlakyTests(
                .with { ($0.project, $0.sort) = (project.description, .id) })
            #expect(listed.data.map(\.test.id) == Array(seen.prefix(2)))
            let wrong = try await InProcess.fault {
                try await tests.listTests(.with { ($0.project, $0.cursor, $0.sort) = (project.description, "3~\(ids[0])", .id) })
            }
            #expect(wrong.code == "page.invalid_cursor")
        }
    }

    @Test("bad deliveries and questions are refused")
    func refused() async throws {
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            let many = try await InProcess.fault {
                try await intake.submitFacts(.with { $0.facts = Array(repeating: PBFact(), count: FactBatch.maxFacts + 1) })
            }
            #expect(many.code == "facts.too_many")
            let trends = PBTrends.Client(wrapping: client)
            let long = try await InProcess.fault {
                try await trends.getTrend(
                    .with {
                        $0.project = project.description; $0.days = 401
                    })
            }
            #expect(long.code == "trends.out_of_range")
            let tests = PBTests.Client(wrapping: client)
            let cursor = try await InProcess.fault {
                try await tests.listTests(
                    .with {
                        $0.project = project.description; $0.cursor = "x"
                    })
            }
            #expect(cursor.code == "page.invalid_cursor")
            let unknown = try await InProcess.fault { try await tests.getTest(.with { $0.test = ID<AnalyticsService.Test>.new().description }) }
            #expect(unknown.kind == .notFound)
        }
    }

    @Test("every table holds tenants apart")
    func rowLevelSecurity() async throws {
        try await assertRowLevelSecurity(adminURL: TestDatabase.current.adminURL, schema: "analytics", shared: ["ensure_fact_partitions"])
    }
}
