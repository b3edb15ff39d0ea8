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

@Suite("what comparisons and scores are worked out from", .database(AnalyticsProgram.schema, JobSchema.schema))
struct ComparisonReceiptTests {
    typealias TestID = ID<AnalyticsService.Test>

    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()

    private var database: Database { TestDatabase.current.database }
    private var facts: FactStore { FactStore(database: database, stabilities: StabilityStore(database: database)) }

    private static func fact(_ test: TestID, _ outcome: Outcome, _ duration: Int64? = nil) -> Fact {
        Fact(result: .new(), test: test, suiteName: "cart", className: "", name: "adds", outcome: outcome, duration: duration)
    }

    private func insert(_ branch: String, _ some: [(TestID, Outcome)]) async throws {
        try await facts.insert(
            FactBatch(
                project: project, run: .new(), event: UUID().uuidString, branch: branch, commit: "c", startedAt: Date() - 60,
                facts: some.map { Self.fact($0, $1, 1_000) }), tenant: tenant)
    }

    @Test("the same sheets have the same hash in whatever order they were filled; any other number, test or side has another")
    func comparison() throws {
        let (one, two) = (TestID.new(), TestID.new())
        let base = [Self.fact(one, .passed, 1_000), Self.fact(one, .failed), Self.fact(two, .passed, 2_000), Self.fact(two, .skipped)]
        let other = [Self.fact(one, .failed), Self.fact(two, .passed, 3_000)]
        let hash = SetComparison(TestSheet(base), TestSheet(other)).inputHash
        #expect(SetComparison(TestSheet(base.reversed()), TestSheet(other.reversed())).inputHash == hash)
        var added = TestSheet(base.prefix(1))
        added.add(TestSheet(base.dropFirst()))
        #expect(SetComparison(added, TestSheet(other)).inputHash == hash)
        let more = [
            Self.fact(one, .passed), Self.fact(one, .failed), Self.fact(one, .skipped), Self.fact(one, .passed, 1_000),
            Self.fact(one, .passed, 5_000), Self.fact(two, .passed), Self.fact(.new(), .passed),
        ]
        var hashes = more.map { SetComparison(TestSheet(base + [$0]), TestSheet(other)).inputHash }
        hashes += more.map { SetComparison(TestSheet(base), TestSheet(other + [$0])).inputHash }
        hashes += [
            SetComparison(TestSheet(other), TestSheet(base)).inputHash, SetComparison(TestSheet(base), TestSheet()).inputHash,
            SetComparison(TestSheet(), TestSheet(base)).inputHash, SetComparison(TestSheet(), TestSheet()).inputHash, hash,
        ]
        #expect(Set(hashes).count == hashes.count)
    }

    @Test("a score's hash is of the sums, numbers, times and weights that it is made of, and of nothing else")
    func score() {
        let tally = Tally(passed: 80, failed: 8, errored: 2, skipped: 10)
        let days = [Day(day: "2026-03-01", tally: tally, environmental: 3), Day(day: "2026-03-02", tally: tally)]
        let census = TestCensus(tests: 40, flaky: 2, broken: 1)
        var recoveries = DurationHistogram()
        recoveries.record(3_600_000_000)
        let pace = SetComparison(TestSheet([Self.fact(.new(), .passed, 1_000)]), TestSheet())
        func hash(
            _ days: [Day], _ census: TestCensus, _ recoveries: DurationHistogram, _ pace: SetComparison?, _ weights: [QualityScore.Term: Double] = [:]
        ) -> UInt64 {
            QualityScore.inputHash(days: days, census: census, recoveries: recoveries, pace: pace, weights: weights)
        }
        let known = hash(days, census, recoveries, pace)
        let moved = [Day(day: "2026-03-02", runs: 9, tally: tally, flips: 4), Day(day: "2026-03-03", runsPassed: 1, tally: tally, environmental: 3)]
        #expect(hash(moved, census, recoveries, pace) == known)
        #expect(hash(days, census, recoveries, pace, [.flaky: QualityScore.Term.flaky.usualWeight]) == known)

        var hashes = [known]
        let tallies: [(inout AnalyticsService.Tally) -> Void] = [{ $0.passed += 1 }, { $0.failed += 1 }, { $0.skipped += 1 }]
        for change in tallies {
            var other = days
            change(&other[0].tally)
            hashes.append(hash(other, census, recoveries, pace))
        }
        var ill = days
        ill[0].environmental += 1
        hashes.append(hash(ill, census, recoveries, pace))
        let counts: [(inout TestCensus) -> Void] = [{ $0.tests += 1 }, { $0.flaky += 1 }, { $0.broken += 1 }]
        for change in counts {
            var other = census
            change(&other)
            hashes.append(hash(days, other, recoveries, pace))
        }
        var longer = recoveries
        longer.record(7_200_000_000)
        hashes += [hash(days, census, longer, pace), hash(days, census, DurationHistogram(), pace)]
        let slower = SetComparison(TestSheet([Self.fact(.new(), .passed, 2_000)]), TestSheet())
        hashes += [hash(days, census, recoveries, slower), hash(days, census, recoveries, nil)]
        for term in QualityScore.Term.allCases { hashes.append(hash(days, census, recoveries, pace, [term: 3])) }
        #expect(Set(hashes).count == hashes.count)
    }

    @Test("answers carry edition and hash: pages of one comparison share it, a delivery to it changes it, one to another branch does not")
    func served() async throws {
        let tests = (0..<3).map { _ in TestID.new() }
        for branch in ["main", "topic"] { try await insert(branch, tests.map { ($0, .passed) }) }
        let revisions = RevisionStore(database: database)
        let sheets = SheetStore(database: database)
        let store = TestStore(database: database)
        let services: [any RegistrableRPCService] = [
            SetComparisonsRPC(sheets: sheets, tests: store, revisions: revisions),
            QualityScoresRPC(tests: store, rollups: RollupStore(database: database), sheets: sheets, revisions: revisions),
        ]
        try await InProcess.serve(services, rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway") { client in
            func compare(_ sort: PBSetDifferenceSort.Value = .id, after cursor: String = "", limit: Int32 = 1) async throws -> PBCompareSetsResponse {
                try await PBSetComparisons.Client(wrapping: client).compareSets(
                    .with {
                        ($0.project, $0.branch, $0.baseBranch) = (project.description, "topic", "main")
                        ($0.sort, $0.cursor, $0.limit, $0.kind) = (sort, cursor, limit, [.alike, .failsMore, .failsLess])
                    })
            }
            func score(flaky weight: Double? = nil) async throws -> PBQualityScore {
                try await PBQualityScores.Client(wrapping: client).getQualityScore(
                    .with {
                        $0.project = project.description
                        if let weight { $0.flakyWeight = weight }
                    })
            }
            let (first, known) = (try await compare(), try await score())
            let (second, again) = (try await compare(after: first.page.nextCursor), try await score())
            #expect(first.edition == SetComparison.edition && first.inputHash.count == 16 && second.inputHash == first.inputHash)
            #expect(first.data.map(\.test) != second.data.map(\.test))
            #expect(known.edition == QualityScore.edition && known.inputHash.count == 16 && again == known)
            let tried = try await score(flaky: 3)
            #expect(tried.inputHash != known.inputHash)

            try await insert("elsewhere", [(tests[0], .passed)])
            let (beside, moved) = (try await compare(), try await score())
            #expect(beside.inputHash == first.inputHash && beside.revision != first.revision)
            // The results of the whole project are the score's.
            #expect(moved.inputHash != known.inputHash)
            try await insert("topic", [(tests[0], .passed)])
            let changed = try await compare()
            #expect(changed.inputHash != first.inputHash && changed.edition == first.edition)
        }
    }

    @Test("by id all pages together have each test once, whatever is delivered between them; a cursor is one of its order")
    func still() async throws {
        let tests = (0..<3).map { _ in TestID.new() }.sorted()
        for branch in ["main", "topic"] { for _ in 0..<6 { try await insert(branch, tests.map { ($0, .passed) }) } }
        let services: [any RegistrableRPCService] = [
            SetComparisonsRPC(
                sheets: SheetStore(database: database), tests: TestStore(database: database), revisions: RevisionStore(database: database))
        ]
        try await InProcess.serve(services, rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway") { client in
            func list(_ sort: PBSetDifferenceSort.Value, after cursor: String) async throws -> PBCompareSetsResponse {
                try await PBSetComparisons.Client(wrapping: client).compareSets(
                    .with {
                        ($0.project, $0.branch, $0.baseBranch) = (project.description, "topic", "main")
                        ($0.sort, $0.cursor, $0.limit, $0.kind) = (sort, cursor, 1, [.alike, .failsMore])
                    })
            }
            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await list(.id, after: cursor)
                seen += page.data.map(\.test)
                cursor = page.page.nextCursor
                // The last one fails from here on: among the surest it stands first.
                for _ in 0..<12 { try await insert("topic", [(tests[2], .failed)]) }
            } while !cursor.isEmpty && seen.count < 10
            #expect(seen == tests.map(\.description))
            let surest = try await list(.sureness, after: "")
            let usual = try await list(.setDifferenceSortUnspecified, after: "")
            #expect(surest.data.map(\.test) == [tests[2].description] && usual == surest)
            for (sort, cursor) in [(PBSetDifferenceSort.Value.id, RowKey(share: 0.5, test: tests[0]).description), (.sureness, "\(tests[0])")] {
                let fault = try await InProcess.fault { try await list(sort, after: cursor) }
                #expect(fault.code == "page.invalid_cursor", "\(sort)")
            }
            let unknown = try await InProcess.fault { try await list(.UNRECOGNIZED(9), after: "") }
            #expect(unknown.kind == .invalid && unknown.fields.map(\.pointer) == ["sort"])
        }
    }
}
