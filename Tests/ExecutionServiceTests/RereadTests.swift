import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ExecutionService

@Suite("reading uploads again", .database(ExecutionProgram.schema, JobSchema.schema))
struct RereadTests {
    private let fixture = UploadFixture()
    private var reread: Reread { fixture.reread }

    @Test(
        "what is read again as it was is the same",
        arguments: ["pytest.xml", "node.tap", "go-test.json", "vstest.trx", "allure-results.zip", "surefire.xml"])
    func same(file: String) async throws {
        let upload = try await fixture.upload(Report.fixture(file)).upload
        let (rereading, warnings) = try await reread.compare(upload, tenant: fixture.tenant)
        #expect(rereading.same == upload.accepted && upload.accepted > 0)
        #expect(rereading.changed + rereading.added + rereading.removed == 0 && rereading.differences.isEmpty)
        #expect(warnings.filter { $0.code != "report.no_tests" }.map(\.code) == upload.warnings.filter { !$0.code.hasPrefix("upload.") }.map(\.code))
    }

    @Test("a report that was cut off is read again as it was; what is no report has no result of its own")
    func cut() async throws {
        let whole = try Report.fixture("surefire.xml")
        let upload = try await fixture.upload(whole.prefix(whole.count / 2)).upload
        let (rereading, _) = try await reread.compare(upload, tenant: fixture.tenant)
        #expect(upload.warnings.contains { $0.code == "report.truncated" })
        #expect(rereading.same == upload.accepted && rereading.added + rereading.removed + rereading.changed == 0)

        func cutCase(_ text: String) throws -> ReportedCase? {
            let file = ReportFile(name: "a.xml", format: .junit, index: 0, keepsWire: true, limits: .init(), now: Date())
            try Array(text.utf8).withUnsafeBufferPointer { try file.read($0) }
            _ = try file.finish(cutOff: true)
            file.sink.cut = CutReport()
            return file.cutCase
        }
        #expect(try cutCase("<testsuite><testcase name=\"t\"/></testsuite>") != nil)
        #expect(try cutCase("<html/>") == nil)
    }

    @Test("what a parser of before stored otherwise is told")
    func different() async throws {
        let upload = try await fixture.upload(Report.generated(12_000)).upload
        let database = fixture.database
        let tenant = fixture.tenant
        try await database.execute(.tenant(tenant), "update results set outcome = 3 where tenant_id = \(tenant) and name = 'test number 99'")
        try await database.execute(
            .tenant(tenant), "delete from results where tenant_id = \(tenant) and name in ('test number 1', 'test number 11999')")
        let rereading = try await reread.compare(upload, tenant: tenant).rereading
        #expect(rereading.same == 11_997 && rereading.changed == 1 && rereading.added == 2 && rereading.removed == 0)
        let changed = try #require(rereading.differences.first { $0.stored != nil })
        #expect(changed.stored?.outcome == .errored && changed.read?.outcome == .failed && changed.read?.name == "test number 99")
    }

    @Test("a test that comes several times is matched in its order; differences are counted beyond those that are listed")
    func order() {
        let project = ID<Project>.new()
        func found(_ name: String, _ outcome: Outcome) -> Rereading.Case {
            var identities = TestIdentities(project: project)
            return Rereading.Case(ReportedCase(name: name, outcome: outcome), &identities)
        }
        let rereading = Rereading(
            stored: [found("a", .passed), found("a", .failed), found("b", .passed)],
            read: [found("a", .passed), found("a", .errored), found("a", .passed), found("c", .skipped)])
        #expect(rereading.same == 1 && rereading.changed == 1 && rereading.added == 2 && rereading.removed == 1)
        let many = Rereading(stored: [], read: (0..<500).map { found("\($0)", .passed) })
        #expect(many.added == 500 && many.differences.count == Rereading.listed)
    }
}
