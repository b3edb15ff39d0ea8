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

@Suite("trends and changes as callers get them", .database(AnalyticsProgram.schema, JobSchema.schema))
struct TrendRPCTests {
    let tenant = ID<Tenant>.new()
    let project = ID<AnalyticsService.Project>.new()
    let today = Date()

    private var database: Database { TestDatabase.current.database }
    private var facts: FactStore { FactStore(database: database, stabilities: StabilityStore(database: database)) }

    private func insert(
        daysAgo: Int, branch: String = "main", commit: String = "c", tags: [String] = [],
        _ results: [(suite: String, outcome: Outcome, duration: Int64?)]
    ) async throws {
        try await facts.insert(
            FactBatch(
                project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: commit, tags: tags,
                startedAt: today - Double(daysAgo) * 86_400,
                facts: results.map {
                    Fact(result: .new(), test: .new(), suiteName: $0.suite, className: "", name: "n", outcome: $0.outcome, duration: $0.duration)
                }), tenant: tenant)
    }

    private func serve<R: Sendable>(_ body: (PBTrends.Client<InProcess.Transport>) async throws -> R) async throws -> R {
        let rpc = TrendsRPC(rollups: RollupStore(database: database), revisions: RevisionStore(database: database))
        return try await InProcess.serve([rpc], rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway") {
            try await body(PBTrends.Client(wrapping: $0))
        }
    }

    private func trend(_ client: PBTrends.Client<InProcess.Transport>, _ change: (inout PBGetTrendRequest) -> Void) async throws -> [PBTrendPoint] {
        var request = PBGetTrendRequest()
        request.project = project.description
        change(&request)
        return try await client.getTrend(request).data
    }

    @Test(
        "weeks and months are whole but for the last, which is under way, of a project and of a part",
        arguments: [PBTrendPeriod.Value.week, .month])
    func periods(period: PBTrendPeriod.Value) async throws {
        for ago in 0..<100 { try await insert(daysAgo: ago, [("cart", .passed, 10)]) }
        try await serve { client in
            // Wherever in its week or month today is: some of these windows begin in the middle of one.
            for days in [Int32(1), 8, 9, 10, 11, 33, 34, 60] {
                let whole = try await trend(client) { ($0.days, $0.period) = (days, period) }
                let part = try await trend(client) { ($0.days, $0.period, $0.dimension, $0.value) = (days, period, .suite, "cart") }
                #expect(whole.map(\.day) == part.map(\.day) && whole.map(\.counts.passed) == part.map(\.counts.passed))
                #expect(whole.map(\.complete) == (0..<whole.count).map { $0 < whole.count - 1 } && whole.allSatisfy(\.hasComplete))
                for (point, next) in zip(whole, whole.dropFirst()) {
                    let length = try Int64(#require(DayNumber.of(next.day)) - #require(DayNumber.of(point.day)))
                    #expect(point.counts.passed == length && point.durations.count == length, "\(days) days: \(point.day)")
                }
                let first = (today - Double(days - 1) * 86_400).day
                #expect(whole.first?.day == (period == .week ? TrendPeriod.week : .month).start(of: first))
            }
        }
    }

    @Test("changes say by which edition of the method they are told, and what was looked at: the same until something comes")
    func receipt() async throws {
        for ago in 0..<12 { try await insert(daysAgo: ago, [("cart", .passed, 10)]) }
        try await serve { client in
            func ask(_ change: (inout PBGetTrendChangesRequest) -> Void = { _ in }) async throws -> PBTrendChanges {
                var request = PBGetTrendChangesRequest()
                request.project = project.description
                change(&request)
                return try await client.getTrendChanges(request)
            }
            let (first, again) = (try await ask(), try await ask())
            #expect(first == again && first.edition == ChangePoints.edition && first.inputHash.count == 16)
            try await insert(daysAgo: 3, [("pay", .failed, 10)])
            let later = try await ask()
            #expect(later.edition == first.edition && later.inputHash != first.inputHash)
            // What the suite did is what the whole project had done.
            let part = try await ask { ($0.dimension, $0.value) = (.suite, "cart") }
            #expect(part.inputHash == first.inputHash)
        }
    }

    @Test("a fall of the pass rate and a rise of the durations are told with what makes them up: suite, branch, and a tag that is not everywhere")
    func changes() async throws {
        for ago in (0..<40).reversed() {
            let (isBad, isSlow) = (ago < 15, ago < 20)
            for (branch, tags) in [("main", ["ci:x", "os:linux"]), ("topic", ["ci:x", "os:mac"])] {
                try await insert(
                    daysAgo: ago, branch: branch, commit: "\(branch)-\(ago / 3)", tags: tags,
                    (0..<100).map { index in
                        let suite = index % 2 == 0 ? "cart" : "pay"
                        let fails = index == 0 || (isBad && branch == "topic" && suite == "pay" && index % 4 == 1)
                        let noise = Int64((index * 37 + ago * 11) % 20)
                        return (suite, fails ? .failed : .passed, (isSlow && (branch == "main" || suite == "cart") ? 2_000 : 1_000) + noise)
                    })
            }
        }
        try await serve { client in
            let found = try await client.getTrendChanges(.with { $0.project = project.description }).data
            let rate = try #require(found.first { $0.figure == .passRate })
            #expect(rate.day == (today - 14 * 86_400).day && rate.before == 0.99 && rate.after < 0.9)
            let rateCauses = Dictionary(uniqueKeysWithValues: rate.causes.map { ($0.value, $0) })
            #expect(Set(rateCauses.keys) == ["pay", "topic", "os:mac"], "\(rate.causes)")
            #expect(rateCauses.values.allSatisfy { abs($0.share - 1) < 1e-9 && abs($0.resultsShare - 0.5) < 1e-9 })
            #expect(rateCauses["os:mac"]?.dimension == .tag && rateCauses["topic"]?.dimension == .branch)
            let slow = try #require(found.first { $0.figure == .duration })
            #expect(slow.day == (today - 19 * 86_400).day && slow.after > slow.before)
            let slowCauses = Dictionary(uniqueKeysWithValues: slow.causes.map { ($0.value, $0) })
            #expect(Set(slowCauses.keys) == ["main", "os:linux", "cart"], "\(slow.causes)")
            #expect(slowCauses.values.allSatisfy { abs($0.share - 2.0 / 3) < 1e-9 && abs($0.resultsShare - 0.5) < 1e-9 })

            // Every third day has a new commit, on each branch: that of day 14 is new on topic, which makes up all of it; day 19 has none.
            #expect(rate.commits.map(\.commitSha) == ["topic-4"] && rate.commits.map(\.branch) == ["topic"])
            #expect(rate.commits.map { $0.firstSeenAt.date.day } == [rate.day] && slow.commits.isEmpty)

            // A part is looked at by itself.
            func changes(_ dimension: PBTrendDimension.Value, _ value: String) async throws -> [PBTrendChange] {
                try await client.getTrendChanges(
                    .with { ($0.project, $0.dimension, $0.value) = (project.description, dimension, value) }
                ).data
            }
            let pay = try await changes(.suite, "pay")
            #expect(pay.first { $0.figure == .passRate }.map { $0.before == 1 && $0.after == 0.75 && $0.causes.isEmpty } == true, "\(pay)")
            let cart = try await changes(.suite, "cart")
            #expect(!cart.contains { $0.figure == .passRate })
            let topic = try await changes(.branch, "topic")
            #expect(!topic.contains { $0.figure == .duration } && topic.contains { $0.figure == .passRate })

            // A failure that is put down to an environment, and whose tags are not known: none of the tags is held against the rest, and of that day nobody
            // says how much of a tag is the environment's.
            for (isCounted, expected) in [(false, ["pay", "topic"]), (true, ["pay", "topic", "os:mac"])] as [(Bool, Set<String>)] {
                try await TestDatabase.current.database.execute(
                    .tenant(tenant),
                    """
                    update rollups set environmental = 1, environmental_tagged = \(isCounted ? Int64(1) : 0)
                    where tenant_id = \(tenant) and project_id = \(project) and dimension = 'all' and day = \(rate.day)::date
                    """)
                let ill = try await client.getTrendChanges(.with { $0.project = project.description }).data.first { $0.figure == .passRate }
                #expect(ill.map { Set($0.causes.map(\.value)) } == expected)
                let tag = try await trend(client) { ($0.days, $0.dimension, $0.value) = (40, .tag, "os:mac") }
                #expect(tag.filter { !$0.hasEnvironmental }.map(\.day) == (isCounted ? [] : [rate.day]) && tag.allSatisfy { $0.environmental == 0 })
            }

            for (field, request) in [
                ("value", PBGetTrendChangesRequest.with { ($0.project, $0.dimension) = (project.description, .suite) }),
                ("value", .with { ($0.project, $0.value) = (project.description, "pay") }),
                ("dimension", .with { ($0.project, $0.dimension, $0.value) = (project.description, .UNRECOGNIZED(9), "x") }),
            ] {
                let fault = try await InProcess.fault { try await client.getTrendChanges(request) }
                #expect(fault.kind == .invalid && fault.fields.map(\.pointer) == [field])
            }
        }
    }

    @Test("the newest changes are put down to causes, older ones beyond ten are not")
    func bounded() async throws {
        // Fifteen days at each level, so that every step is a change.
        for ago in (0..<195).reversed() {
            let isBad = ago / 15 % 2 == 0
            try await insert(
                daysAgo: ago, (0..<40).map { index in (index % 2 == 0 ? "cart" : "pay", isBad && index % 2 == 1 ? .failed : .passed, nil) })
        }
        try await serve { client in
            let found = try await client.getTrendChanges(
                .with {
                    $0.project = project.description
                    $0.days = 195
                }
            ).data
            try #require(found.count > TrendCause.mostExplained)
            #expect(found.map(\.causes.isEmpty) == (0..<found.count).map { found.count - $0 > TrendCause.mostExplained })
            #expect(found.last?.causes.map(\.value) == ["pay"])
        }
    }

    @Test("values of a dimension are listed with counts, worst first, page by page; without a dimension there is no list")
    func values() async throws {
        try await insert(
            daysAgo: 0, tags: ["os:mac"],
            [("cart", .failed, 2_000), ("cart", .errored, 3_000), ("pay", .failed, 1_000), ("home", .passed, nil)])
        try await insert(daysAgo: 40, [("old", .failed, nil)])
        try await serve { client in
            func list(_ change: (inout PBListTrendValuesRequest) -> Void) async throws -> PBListTrendValuesResponse {
                var request = PBListTrendValuesRequest()
                (request.project, request.dimension) = (project.description, .suite)
                change(&request)
                return try await client.listTrendValues(request)
            }
            let first = try await list { $0.limit = 2 }
            #expect(first.data.map(\.value) == ["cart", "pay"] && first.page.hasMore_p)
            #expect(first.data[0].counts.errored == 1 && first.data[0].passRate == 0 && first.data[0].testDurationMs == 5)
            let cursor = first.page.nextCursor
            let rest = try await list { ($0.limit, $0.cursor) = (2, cursor) }
            #expect(rest.data.map(\.value) == ["home"] && !rest.page.hasMore_p && rest.data[0].passRate == 1)
            let older = try await list { $0.days = 60 }
            #expect(older.data.map(\.value) == ["cart", "old", "pay", "home"])
            let tags = try await list { $0.dimension = .tag }
            #expect(tags.data.map(\.value) == ["os:mac"] && tags.data[0].counts.total == 4)
            let fault = try await InProcess.fault { try await list { $0.dimension = .dimensionUnspecified } }
            #expect(fault.fields.map(\.pointer) == ["dimension"])
        }
    }

    @Test("by themselves all pages together have each value once, whatever results come between them; a cursor is one of its order")
    func still() async throws {
        try await insert(daysAgo: 0, [("cart", .passed, 1), ("home~1", .passed, 1), ("pay", .passed, 1)])
        try await serve { client in
            func list(_ sort: PBTrendValueSort.Value, after cursor: String) async throws -> PBListTrendValuesResponse {
                try await client.listTrendValues(
                    .with {
                        ($0.project, $0.dimension, $0.limit) = (project.description, .suite, 1)
                        ($0.sort, $0.cursor) = (sort, cursor)
                    })
            }
            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await list(.id, after: cursor)
                seen += page.data.map(\.value)
                cursor = page.page.nextCursor
                // The last one has the most failures from here on, and stands first by them.
                try await insert(daysAgo: 0, [("pay", .failed, 1)])
            } while !cursor.isEmpty && seen.count < 10
            #expect(seen == ["cart", "home~1", "pay"])
            #expect(try await list(.failures, after: "").data.map(\.value) == ["pay"])
            for (sort, cursor) in [(PBTrendValueSort.Value.id, "3~cart"), (.id, "cart"), (.failures, "~cart"), (.failures, "cart")] {
                let fault = try await InProcess.fault { try await list(sort, after: cursor) }
                #expect(fault.code == "page.invalid_cursor", "\(sort): \(cursor)")
            }
            let unknown = try await InProcess.fault { try await list(.UNRECOGNIZED(9), after: "") }
            #expect(unknown.kind == .invalid && unknown.fields.map(\.pointer) == ["sort"])
        }
    }
}
