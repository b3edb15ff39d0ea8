import Foundation
import Jobs
import Primitives
import TestSupport
import Testing

@testable import ExecutionService

@Suite("comparing runs", .database(ExecutionProgram.schema, JobSchema.schema))
struct ComparisonTests {
    private let fixture = UploadFixture()

    /// One run of these cases: name and what stands inside of its element.
    private func run(_ cases: [(name: String, attributes: String, body: String)]) async throws -> RunSpan {
        let xml = cases.map { "<testcase name='\($0.name)' \($0.attributes)>\($0.body)</testcase>" }.joined()
        let receipt = try await fixture.upload(Data("<testsuite name='s'>\(xml)</testsuite>".utf8), name: UUID().uuidString)
        return try await fixture.runs.span(receipt.upload.run, tenant: fixture.tenant).span
    }

    private func all(_ run: RunSpan, _ base: RunSpan, kinds: [TestDifference.Kind] = [], limit: Int = 200) async throws -> [TestDifference] {
        let store = ComparisonStore(database: fixture.database)
        var found: [TestDifference] = []
        var cursor: String?
        repeat {
            let page = try await store.list(run, against: base, kinds: kinds, PageRequest(limit: limit, cursor: cursor ?? ""), tenant: fixture.tenant)
            found += page.items
            cursor = page.next
        } while cursor != nil
        return found
    }

    @Test("each test is told apart by what it did in both runs", arguments: [200, 1, 3])
    func kinds(limit: Int) async throws {
        let base = try await run([
            ("same", "time='1'", ""), ("breaks", "", ""), ("stays broken", "", "<failure/>"), ("mended", "", "<error/>"), ("gone", "", ""),
            ("slows down", "time='0.2'", ""), ("a little slower", "time='0.01'", ""), ("skipped", "", "<skipped/>"), ("twice", "", ""),
            ("twice", "", ""),
        ])
        let run = try await run([
            ("same", "time='1.2'", ""), ("breaks", "", "<failure message='no'/>"), ("stays broken", "", "<error/>"), ("mended", "", ""),
            ("slows down", "time='0.5'", ""), ("a little slower", "time='0.05'", ""), ("skipped", "", "<skipped/>"), ("new", "", ""),
            ("new and broken", "", "<failure/>"), ("twice", "", ""), ("twice", "", "<failure/>"),
        ])
        let found = try await all(run, base, limit: limit)
        let kinds = Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0.kind) })
        #expect(
            kinds == [
                "breaks": .newFailure, "new and broken": .newFailure, "twice": .newFailure, "stays broken": .stillFailing, "mended": .fixed,
                "new": .added,
                "gone": .removed, "slows down": .slower,
            ])
        #expect(found.map(\.kind.rawValue) == found.map(\.kind.rawValue).sorted())
        let slow = try #require(found.first { $0.kind == .slower })
        #expect(slow.base?.microseconds == 200_000 && slow.run?.microseconds == 500_000)
        let gone = try #require(found.first { $0.kind == .removed })
        #expect(gone.run == nil && gone.base?.outcome == .passed)
        let counts = try await ComparisonStore(database: fixture.database).counts(run, against: base, tenant: fixture.tenant)
        #expect(counts.differences == [.newFailure: 3, .stillFailing: 1, .fixed: 1, .added: 1, .removed: 1, .slower: 1])
        #expect(counts.unchanged == 3)
        #expect(try await all(run, base, kinds: [.fixed, .removed], limit: limit).map(\.name).sorted() == ["gone", "mended"])
    }

    /// One build: each of its uploads tries again what all before it did.
    private func build(_ uploads: [[(name: String, body: String)]], shard: [(name: String, body: String)] = []) async throws -> RunSpan {
        let ci = Run.CI(key: UUID().uuidString)
        func xml(_ cases: [(name: String, body: String)]) -> Data {
            Data("<testsuite name='s'>\(cases.map { "<testcase name='\($0.name)' time='1'>\($0.body)</testcase>" }.joined())</testsuite>".utf8)
        }
        var tried: [ID<Upload>] = []
        for cases in uploads { tried.append(try await fixture.upload(xml(cases), ci: ci, retryOf: tried).upload.id) }
        if !shard.isEmpty { _ = try await fixture.upload(xml(shard), ci: ci, name: "shard") }
        let run = try UploadDraft(project: fixture.project, ci: ci).runID()
        return try await fixture.runs.span(run, tenant: fixture.tenant).span
    }

    @Test("what passed when it was tried again counts as passed, in the run and in what it is held against; what no try has answered fails")
    func triedAgain() async throws {
        let broken = "<failure message='no'/>"
        let passing = try await build([[("a", ""), ("b", "")]])
        let answered = try await build([[("a", broken), ("b", "")], [("a", broken)], [("a", "")]])
        let unanswered = try await build([[("a", broken), ("b", "")], [("a", broken)]])
        let elsewhere = try await build([[("a", broken), ("b", "")], [("a", "")]], shard: [("a", broken)])
        // Nor is it slower for having been tried three times.
        #expect(try await all(answered, passing).isEmpty)
        #expect(try await all(passing, answered).isEmpty)
        #expect(try await all(unanswered, answered).map(\.kind) == [.newFailure])
        #expect(try await all(answered, unanswered).map(\.kind) == [.fixed])
        // Another machine's failure is answered by no try of this one.
        #expect(try await all(elsewhere, passing).map(\.kind) == [.newFailure])
        let store = RegressionStore(database: fixture.database, comparisons: ComparisonStore(database: fixture.database))
        #expect(try await store.counts(unanswered, against: answered, tenant: fixture.tenant) == RegressionCounts(regressed: 1))
        #expect(try await store.counts(answered, against: passing, tenant: fixture.tenant) == RegressionCounts())
    }

    @Test("a run is no different from itself")
    func same() async throws {
        let one = try await run([("a", "", "<failure/>"), ("b", "", "")])
        #expect(try await all(one, one).map(\.kind) == [.stillFailing])
    }

    @Test("another tenant's runs are nothing")
    func tenants() async throws {
        let one = try await run([("a", "", "")])
        let counts = try await ComparisonStore(database: fixture.database).counts(one, against: one, tenant: .new())
        #expect(counts == ComparisonCounts())
    }
}
