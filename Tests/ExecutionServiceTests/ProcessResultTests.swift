import Foundation
import Jobs
import Postgres
import Primitives
import ServiceKit
import TestSupport
import Testing

@testable import ExecutionService

@Suite("results that no test gave", .database(ExecutionProgram.schema, JobSchema.schema))
struct ProcessResultTests {
    private let fixture = UploadFixture()

    private func upload(
        _ files: [(name: String, data: Data)], _ code: Int, key: String? = nil, name: String = "pytest"
    ) async throws -> UploadReceipt {
        var parts = UploadFixture.Parts(files)
        return try await fixture.ingest.receive(
            fixture.order(key: key, name: "nightly", ended: EndedCommand(code: try ExitCode(code), name: name)), &parts)
    }

    private func processes(_ receipt: UploadReceipt) async throws -> [TestResult] {
        try await fixture.listed(receipt.upload.run).filter { $0.suiteName == ProcessResult.suite }
    }

    @Test("a command that was killed is an error of its run, without a report and beside tests that passed")
    func killed() async throws {
        let alone = try await upload([], 137, key: "k1")
        #expect(alone.runState == .failed || alone.runState == .error)
        #expect(alone.upload.accepted == 1 && alone.upload.files.isEmpty)
        let first = try #require(try await processes(alone).first)
        #expect(first.name == "pytest" && first.outcome == .errored && first.texts.message.contains("exit code 137: killed (SIGKILL)"))
        #expect(try await fixture.waiting().contains("publish-batch validation"))

        let passed = try await upload([("a.xml", Report.generated(3))], 139)
        let second = try #require(try await processes(passed).first)
        // One history, however it ends.
        #expect(passed.upload.accepted == 4 && second.test == first.test)
        #expect(try await fixture.results.get(second.id, tenant: fixture.tenant).texts.type == "exit.139")
    }

    @Test("where a test failed, or the command ended well, nothing is added")
    func explained() async throws {
        #expect(try await processes(upload([("a.xml", Report.generated(100))], 1)).isEmpty)
        #expect(try await processes(upload([("a.xml", Report.generated(3))], 0)).isEmpty)
        #expect(try await InProcess.fault { try await upload([], 0) }.code == "upload.empty")
        // A file that nobody can read is no reason to lose the code.
        let unreadable = try await upload([("core", Data("\u{7F}ELF".utf8))], 134)
        #expect(unreadable.upload.accepted == 1 && unreadable.upload.warnings.contains { $0.code == "report.unknown_format" })
        #expect(throws: Fault.self) { try ExitCode(256) }
        #expect(throws: Fault.self) { try ExitCode(-1) }
    }

    @Test("the same upload again changes nothing; without files another key is another upload")
    func again() async throws {
        let first = try await upload([], 137, key: "k1")
        let repeated = try await upload([], 137, key: "k1")
        #expect(repeated.duplicate && repeated.upload.id == first.upload.id)
        #expect(try await !upload([], 137, key: "k2").duplicate)
        let files = [(name: "a.xml", data: Report.generated(2))]
        #expect(try await !upload(files, 137).duplicate)
        #expect(try await upload(files, 137).duplicate)
        #expect(try await !upload(files, 143).duplicate)
    }

    @Test("a report that was cut off is an error that says where, once, beside what the code says")
    func cut() async throws {
        let xml = "<testsuites><testsuite name='s'>\n<testcase name='a'/>\n<testcase name='b'><failure message='m'>te"
        let receipt = try await upload([("TEST-s.xml", Data(xml.utf8))], 137)
        let found = try await processes(receipt)
        #expect(found.map(\.className) == [ProcessResult.reportClass, ProcessResult.exitClass])
        #expect(found[0].name == "TEST-s.xml")
        #expect(found[0].texts.message == "The report was truncated: it ended after 1 test, within testcase 'b'.")
        #expect(receipt.upload.accepted == 3 && receipt.upload.files[0].accepted == 1)
        let (rereading, _) = try await fixture.reread.compare(receipt.upload, tenant: fixture.tenant)
        #expect(rereading.same == 2 && rereading.removed == 0 && rereading.added == 0)
    }

    @Test("tests that have become errors for it are enough")
    func errors() async throws {
        let lines = "{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"A\"}\n{\"Action\":\"run\",\"Package\":\"p\",\"Te"
        let receipt = try await upload([("go.json", Data(lines.utf8))], 137)
        #expect(try await processes(receipt).isEmpty)
        #expect(try await fixture.run(receipt.upload.run).counts.errored == 1)
    }

    @Test("they are never tried again")
    func retry() {
        let candidate = RetryCandidate(
            test: .new(), suiteName: ProcessResult.suite, className: ProcessResult.exitClass, name: "pytest", file: "", attempts: 1,
            microseconds: nil, failures: [.init(result: .new())])
        #expect(RetryDecision.all([candidate], .init(), remaining: 1_000_000).map(\.reason) == [.notATest])
    }

    @Test("every code is said in words", arguments: [1, 124, 126, 127, 134, 139, 143, 200, 255])
    func words(code: Int) throws {
        #expect(try ExitCode(code).words.hasPrefix("The command ended with exit code \(code)"))
    }
}
