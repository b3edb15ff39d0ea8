import ExecutionAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import SwiftProtobuf
import TestSupport
import Testing

@testable import ExecutionService

@Suite("test aliases", .database(ExecutionProgram.schema, JobSchema.schema))
struct AliasTests {
    private let fixture = UploadFixture()

    private func test(_ name: String) -> ID<TestIdentity> { TestIdentity.id(project: fixture.project, suite: "s", className: "", name: name) }

    private func upload(_ names: [String], name: String = UUID().uuidString) async throws -> ID<Run> {
        let xml = names.map { "<testcase name='\($0)'/>" }.joined()
        return try await fixture.upload(Data("<testsuite name='s'>\(xml)</testsuite>".utf8), name: name).upload.run
    }

    @discardableResult
    private func insert(_ alias: String, of name: String) async throws -> TestAlias {
        try await fixture.aliases.insert(
            test(alias), of: test(name), note: "", by: "key_test", project: fixture.project, tenant: fixture.tenant)
    }

    @Test("results under the new name are stored as the old test, and runs of before and after are compared as one")
    func renamed() async throws {
        let before = try await upload(["old", "other"])
        let between = try await upload(["new", "other"])
        try await insert("new", of: "old")
        let after = try await upload(["new", "other"])
        #expect(try await fixture.listed(after).map(\.test) == [test("old"), test("other")])
        #expect(try await fixture.listed(after).map(\.name) == ["new", "other"])
        let store = ComparisonStore(database: fixture.database)
        for (run, base) in [(after, before), (between, before), (after, between)] {
            let counts = try await store.counts(
                fixture.runs.span(run, tenant: fixture.tenant).span, against: fixture.runs.span(base, tenant: fixture.tenant).span,
                tenant: fixture.tenant)
            #expect(counts.differences.isEmpty && counts.unchanged == 2)
        }
        // Under the lasting identity a run of between is searched too.
        #expect(try await fixture.listed(between, .init(test: test("old"))).map(\.name) == ["new"])
        // Reading again finds the same tests.
        let upload = try await fixture.upload(Data("<testsuite name='s'><testcase name='new'/></testsuite>".utf8)).upload
        #expect(try await fixture.reread.compare(upload, tenant: fixture.tenant).rereading.same == 1)
    }

    @Test("there are no chains and no circles, and the same again changes nothing")
    func chains() async throws {
        let first = try await insert("b", of: "a")
        #expect(try await insert("b", of: "a") == first)
        // c stands for b, which stands for a.
        #expect(try await insert("c", of: "b").test == test("a"))
        // a becomes z: its aliases go with it.
        try await insert("a", of: "z")
        let page = try await fixture.aliases.list(PageRequest(limit: 50, cursor: ""), project: fixture.project, tenant: fixture.tenant)
        #expect(page.items.count == 3 && page.items.allSatisfy { $0.test == test("z") })
        for (alias, name, code) in [
            ("z", "z", "test_aliases.circular"), ("z", "b", "test_aliases.circular"), ("b", "y", "test_aliases.taken"),
        ] {
            let fault = await #expect(throws: Fault.self) { try await insert(alias, of: name) }
            #expect(fault?.code == code)
        }
        try await fixture.aliases.delete(test("b"), project: fixture.project, tenant: fixture.tenant)
        let gone = await #expect(throws: Fault.self) {
            try await fixture.aliases.delete(test("b"), project: fixture.project, tenant: fixture.tenant)
        }
        #expect(gone?.code == "test_alias.not_found")
    }

    @Test("two that would close a circle at once: one of them is refused")
    func race() async throws {
        for round in 0..<10 {
            let done = await withTaskGroup(of: Bool.self) { group in
                for (alias, name) in [("a\(round)", "b\(round)"), ("b\(round)", "a\(round)")] {
                    group.addTask { (try? await insert(alias, of: name)) != nil }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(done == 1)
        }
    }

    @Test("whoever may write in one project joins no tests of another")
    func projects() async throws {
        let run = try await upload(["mine"])
        _ = try await fixture.aliases.insert(
            test("mine"), of: .new(), note: "", by: "key_test", project: .new(), tenant: fixture.tenant)
        let next = try await upload(["mine"])
        #expect(try await fixture.listed(next).map(\.test) == [test("mine")])
        #expect(try await fixture.listed(run).map(\.test) == [test("mine")])
        // Nor is the identity taken for those whose it is.
        try await insert("mine", of: "older")
    }

    @Test("pairs are suggested among what is gone and what is new in a run")
    func suggestions() async throws {
        let base = try await upload(["a voucher lowers the total", "stays", "an empty cart costs nothing"])
        let run = try await upload(["a voucher reduces the total", "stays", "finds umlauts"])
        try await ExecutionRPCTests().serve(fixture, permissions: ["runs.read", "projects.write"]) { clients in
            let found = try await clients.aliases.suggestTestAliases(
                .with {
                    $0.run = run.description
                    $0.base = base.description
                })
            #expect(found.data.map(\.test.name) == ["a voucher lowers the total"] && found.data.map(\.alias.name) == ["a voucher reduces the total"])
            let pair = try #require(found.data.first)
            let stored = try await clients.aliases.createTestAlias(
                .with {
                    $0.project = fixture.project.description
                    $0.alias = pair.alias.test
                    $0.test = pair.test.test
                    $0.note = "renamed"
                })
            #expect(stored.note == "renamed" && stored.createdBy == "key_test")
            let again = try await clients.aliases.suggestTestAliases(
                .with {
                    $0.run = run.description
                    $0.base = base.description
                })
            #expect(again.data.isEmpty)
        }
    }
}
