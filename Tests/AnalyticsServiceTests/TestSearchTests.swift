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

@Suite("lists of tests that are narrowed to a text", .database(AnalyticsProgram.schema, JobSchema.schema))
struct TestSearchTests {
    typealias TestID = ID<AnalyticsService.Test>

    let tenant = ID<Tenant>.new()
    let project = ID<AnalyticsService.Project>.new()
    let began = Date() - 3_600
    /// In the order of their ids.
    let ids = (0..<4).map { _ in TestID.new() }.sorted()
    static let names: [(suite: String, className: String, name: String)] = [
        ("com.acme.Cart", "Totals", "adds 100% of_it"), ("pay", "CardTest", "Adds a card"), ("pay", "CartRefund", "gives back"), ("", "", "boots"),
    ]

    private var database: Database { TestDatabase.current.database }

    /// One run in which all passed, and one of each test alone in which the first fails.
    private func insert() async throws {
        let facts = FactStore(database: database, stabilities: StabilityStore(database: database))
        func batch(minute: Double, _ places: Range<Int>, _ outcome: Outcome) -> FactBatch {
            FactBatch(
                project: project, run: .new(), event: UUID().uuidString, branch: "main", commit: "c\(Int(minute))", startedAt: began + minute * 60,
                facts: places.map { place in
                    let name = Self.names[place]
                    return Fact(
                        result: .new(), test: ids[place], suiteName: name.suite, className: name.className, name: name.name, outcome: outcome,
                        duration: 5)
                })
        }
        try await facts.insert(batch(minute: 0, 0..<4, .passed), tenant: tenant)
        for place in 0..<4 {
            let alone = batch(minute: Double(place + 1), place..<(place + 1), place == 0 ? .failed : .passed)
            try await facts.insert(alone, tenant: tenant)
        }
    }

    private func serve(_ body: (InProcess.Client) async throws -> Void) async throws {
        let (tests, revisions) = (TestStore(database: database), RevisionStore(database: database))
        let stabilities = StabilityStore(database: database)
        let facts = FactStore(database: database, stabilities: stabilities)
        let services: [any RegistrableRPCService] = [
            TestsRPC(tests: tests, facts: facts, revisions: revisions), TestGridsRPC(tests: tests, facts: facts, revisions: revisions),
            StabilitiesRPC(tests: tests, stabilities: stabilities, quarantines: QuarantineStore(database: database), revisions: revisions),
        ]
        try await InProcess.serve(
            services, rules: AnalyticsContract.rules, as: .service("gateway", tenant: tenant), signedBy: "gateway", body)
    }

    /// Places in `names`.
    private func places(_ ids: [String]) -> [Int] { ids.compactMap { id in self.ids.firstIndex { $0.description == id } } }

    @Test(
        "a part of the suite, the class or the name is found in any case, and means nothing else",
        arguments: [
            ("cart", [0, 2]), ("CART", [0, 2]), ("adds", [0, 1]), ("acme.c", [0]), ("card", [1]), ("%", [0]), ("_", [0]), ("0% of_", [0]),
            ("\\", []), ("'", []), ("payCard", []), ("boots", [3]), ("", [0, 1, 2, 3]),
        ] as [(String, [Int])])
    func found(text: String, expected: [Int]) async throws {
        try await insert()
        try await serve { client in
            let tests = PBTests.Client(wrapping: client)
            let byID = try await tests.listTests(.with { ($0.project, $0.q, $0.sort) = (project.description, text, .id) })
            #expect(places(byID.data.map(\.id)) == expected)
            let ranked = try await tests.listTests(.with { ($0.project, $0.q) = (project.description, text) })
            // The first one alone has changed its mind.
            #expect(places(ranked.data.map(\.id)) == expected)
            let grid = try await PBTestGrids.Client(wrapping: client).getTestGrid(.with { ($0.project, $0.q) = (project.description, text) })
            #expect(places(grid.data.map(\.test.id)) == expected)
            // The run of all of them, and one of each.
            #expect(grid.runs.count == (expected.isEmpty ? 0 : expected.count + 1))
        }
    }

    @Test("pages of a search together have each of its tests once, in both orders, within a kind and among flaky ones")
    func pages() async throws {
        try await insert()
        try await database.execute(
            .tenant(tenant),
            """
            update tests set stability = case when id = \(ids[1]) then 'stable' else 'flaky' end, confidence = 0.9, flaky_chance = 0.9
            where tenant_id = \(tenant)
            """)
        /// All of a list, one test a page.
        func all(_ page: (String) async throws -> (ids: [String], next: String)) async throws -> [Int] {
            var (found, cursor): ([Int], String) = ([], "")
            repeat {
                let one = try await page(cursor)
                #expect(one.ids.count == 1)
                found += places(one.ids)
                cursor = one.next
            } while !cursor.isEmpty
            return found
        }
        try await serve { client in
            let tests = PBTests.Client(wrapping: client)
            let stabilities = PBStabilities.Client(wrapping: client)
            for sort in [PBTestSort.Value.rank, .id] {
                let listed = try await all { cursor in
                    let page = try await tests.listTests(
                        .with { ($0.project, $0.q, $0.sort, $0.limit, $0.cursor) = (project.description, "adds", sort, 1, cursor) })
                    return (page.data.map(\.id), page.page.nextCursor)
                }
                #expect(listed == [0, 1])
                let known = try await all { cursor in
                    let page = try await tests.listTests(
                        .with {
                            ($0.project, $0.q, $0.sort, $0.limit, $0.cursor) = (project.description, "car", sort, 1, cursor)
                            $0.kind = [.flaky]
                        })
                    return (page.data.map(\.id), page.page.nextCursor)
                }
                #expect(known == [0, 2])
                let flaky = try await all { cursor in
                    let page = try await stabilities.listFlakyTests(
                        .with {
                            ($0.project, $0.q, $0.sort, $0.limit, $0.cursor) = (project.description, "CAR", sort, 1, cursor)
                            $0.said = .byMachine
                        })
                    return (page.data.map(\.test.id), page.page.nextCursor)
                }
                #expect(flaky == [0, 2])
            }
            let person = try await stabilities.listFlakyTests(.with { ($0.project, $0.q, $0.said) = (project.description, "car", .byPerson) })
            #expect(person.data.isEmpty && !person.page.hasMore_p)
        }
    }

    @Test(
        "a search that is too long, or holds a NUL, is refused; one of the longest length is not",
        arguments: ["a\0b", String(repeating: "ä", count: TestSearch.longest + 1)])
    func refused(text: String) async throws {
        try await serve { client in
            let (tests, grids, flaky) = (
                PBTests.Client(wrapping: client), PBTestGrids.Client(wrapping: client), PBStabilities.Client(wrapping: client)
            )
            let faults = [
                try await InProcess.fault { try await tests.listTests(.with { ($0.project, $0.q) = (project.description, text) }) },
                try await InProcess.fault { try await grids.getTestGrid(.with { ($0.project, $0.q) = (project.description, text) }) },
                try await InProcess.fault { try await flaky.listFlakyTests(.with { ($0.project, $0.q) = (project.description, text) }) },
            ]
            #expect(faults.allSatisfy { $0.kind == .invalid && $0.fields.map(\.pointer) == ["q"] })
            let shorter = String(text.prefix(1) + text.dropFirst(2))
            let longest = try await tests.listTests(.with { ($0.project, $0.q) = (project.description, shorter) })
            #expect(longest.data.isEmpty)
        }
    }
}
