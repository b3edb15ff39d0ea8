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
