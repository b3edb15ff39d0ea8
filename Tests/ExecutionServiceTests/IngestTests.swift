import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ExecutionService

@Suite("uploads", .database(ExecutionProgram.schema, JobSchema.schema))
struct IngestTests {
    @Test("an upload is stored with its run, results, texts, raw report and outbox")
    func whole() async throws {
        let fixture = UploadFixture()
        let xml = try Report.fixture("pytest.xml")
        let receipt = try await fixture.upload(xml, name: "unit tests")
        let report = try Report.read(xml)
        #expect(receipt.upload.accepted == report.cases.count && !receipt.duplicate)
        #expect(receipt.runState == .failed)
        let run = try await fixture.run(receipt.upload.run)
        #expect(run.counts.total == report.cases.count && run.counts.failed == report.cases.count { $0.outcome == .failed })
        #expect(
            run.state == .failed && run.finishedAt != nil && run.name == "unit tests" && run.tags == ["os": "linux"] && run.triggeredBy == "key_test")
        #expect(run.testMicroseconds == report.cases.compactMap(\.microseconds).reduce(0, +))
        let listed = try await fixture.listed(run.id)
        #expect(listed.map(\.name) == report.cases.map(\.name))
        #expect(listed.map(\.outcome) == report.cases.map(\.outcome))
        let failed = try #require(listed.first { $0.outcome == .failed })
        let got = try await fixture.results.get(failed.id, tenant: fixture.tenant)
        #expect(got.texts == report.cases.first { $0.outcome == .failed }?.texts)
        #expect(got.test == TestIdentity.id(project: fixture.project, suite: "pytest", className: "test_shop", name: failed.name))
        #expect(
            try await fixture.waiting() == [
                "publish-batch analytics", "publish-batch validation", "publish-run analytics", "publish-run notifications",
            ])
        #expect(try await fixture.count("raw_reports") == 1)
        let stored = try await fixture.uploads.get(receipt.upload.id, tenant: fixture.tenant)
        #expect(stored.warnings == receipt.upload.warnings && stored.files == receipt.upload.files && stored.accepted == receipt.upload.accepted)
    }

    @Test("an upload in which nothing failed tells Validation that the run is complete, and nothing else")
    func passed() async throws {
        let fixture = UploadFixture()
        let receipt = try await fixture.upload(Data("<testsuite><testcase name='a'/></testsuite>".utf8))
        #expect(receipt.runState == .passed)
        #expect(
            try await fixture.waiting() == [
                "publish-batch analytics", "publish-run analytics", "publish-run notifications", "publish-run validation",
            ])
    }

    @Test("a large upload streams through in batches and comes out in order")
    func large() async throws {
        let fixture = UploadFixture()
        let receipt = try await fixture.upload(Report.generated(15_000))
        #expect(receipt.upload.accepted == 15_000)
        #expect(try await fixture.run(receipt.upload.run).counts == Counts(passed: 14_700, failed: 150, skipped: 150))
        #expect(try await fixture.listed(receipt.upload.run).map(\.name) == (0..<15_000).map { "test number \($0)" })
        #expect(try await fixture.count("result_details") == 150)
    }

    @Test("an upload that breaks off leaves nothing, wherever it breaks", arguments: [1, 2, 3, 5, 8])
    func brokenOff(after parts: Int) async throws {
        let fixture = UploadFixture()
        let files = [(name: "a.xml", data: Report.generated(15_000))]
        await #expect(throws: UploadFixture.BrokenOff.self) {
            try await fixture.upload(UploadFixture.Parts(files, breakingOffAfter: parts), ci: .init(key: "build"))
        }
        for table in ["runs", "results", "result_details", "uploads", "raw_reports", "jobs"] {
            #expect(try await fixture.count(table) == 0, "\(table)")
        }
        // The client tries again and everything is there once.
        let receipt = try await fixture.upload(files[0].data, ci: .init(key: "build"))
        #expect(try await fixture.run(receipt.upload.run).counts.total == 15_000)
    }

    @Test("a refused upload leaves nothing")
    func refused() async throws {
        let fixture = UploadFixture()
        let xml = Report.generated(10_000).dropLast(26) + Data("<x a='\(String(repeating: "y", count: 2 << 20))'/>".utf8)
        let fault = try await InProcess.fault { try await fixture.upload(Data(xml)) }
        #expect(fault.code == "report.attribute_too_long")
        #expect(try await fixture.count("results") == 0)
    }

    @Test("the same content again gives the first receipt, large or small", arguments: [10, 9000])
    func duplicate(count: Int) async throws {
        let fixture = UploadFixture()
        let xml = Report.generated(count)
        let first = try await fixture.upload(xml)
        let second = try await fixture.upload(xml)
        #expect(second == UploadReceipt(upload: first.upload.with(createdAt: second.upload.createdAt), duplicate: true, runState: first.runState))
        #expect(try await fixture.upload(Report.gzip(xml)).duplicate)
        #expect(try await fixture.count("runs") == 1)
        #expect(try await fixture.count("results") == count)
        #expect(try await !fixture.upload(xml, name: "other").duplicate)
    }

    @Test("identical uploads at once are one, in fifty rounds")
    func race() async throws {
        let fixture = UploadFixture()
        for round in 0..<50 {
            let xml = Report.generated(20, salt: " of round \(round)")
            let ci = round.isMultiple(of: 2) ? Run.CI() : Run.CI(key: "build \(round)")
            async let left = fixture.upload(xml, ci: ci)
            async let right = fixture.upload(xml, ci: ci)
            let receipts = try await [left, right]
            #expect(receipts.count { $0.duplicate } == 1)
            #expect(receipts[0].upload.id == receipts[1].upload.id)
            #expect(try await fixture.run(receipts[0].upload.run).counts.total == 20)
        }
        #expect(try await fixture.count("results") == 1000)
        #expect(try await fixture.count("runs") == 50)
    }

    @Test("shards that arrive at once join one run, and the counts are exact")
    func shards() async throws {
        let fixture = UploadFixture()
        for round in 0..<10 {
            let ci = Run.CI(name: "ci", key: "build \(round)")
            let receipts = try await withThrowingTaskGroup(of: UploadReceipt.self) { group in
                for shard in 0..<4 {
                    group.addTask {
                        try await fixture.upload(
                            Report.generated(100, suite: "shard \(shard)"), ci: .init(name: "ci", key: ci.key, jobID: "\(shard)"))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(receipts.map(\.upload.run)).count == 1)
            let run = try await fixture.run(receipts[0].upload.run)
            #expect(run.counts == Counts(passed: 392, failed: 4, skipped: 4) && run.state == .running && run.version == 4)
            #expect(try await fixture.listed(run.id).count == 400)
        }
    }

    @Test("a report whose times are ahead of UTC begins no run after it came; its results keep their times, and an honest shard tells the beginning")
    func ahead() async throws {
        let fixture = UploadFixture()
        let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded())
        func xml(_ name: String, at time: Date, zone: String) -> Data {
            // Without its zone, local time is read as UTC.
            let stamp = String(time.formatted(.iso8601).dropLast()) + zone
            return Data("<testsuite name='s' timestamp='\(stamp)'><testcase name='\(name)'/></testsuite>".utf8)
        }
        let tokyo = now.addingTimeInterval(9 * 3600 - 60)
        let alone = try await fixture.run(fixture.upload(xml("a", at: tokyo, zone: "")).upload.run)
        #expect(alone.startedAt == alone.createdAt && alone.finishedAt.map { $0 >= alone.createdAt } == true)
        #expect(try await fixture.listed(alone.id).map(\.startedAt) == [tokyo])

        let ci = Run.CI(key: "parts")
        let id = try await fixture.upload(xml("a", at: tokyo, zone: ""), ci: ci).upload.run
        let first = try await fixture.run(id)
        #expect(first.startedAt == first.createdAt)
        _ = try await fixture.upload(xml("b", at: tokyo + 30, zone: ""), ci: ci)
        #expect(try await fixture.run(id).startedAt == first.createdAt)
        _ = try await fixture.upload(xml("c", at: now - 120, zone: "Z"), ci: ci)
        #expect(try await fixture.run(id).startedAt == now - 120)
    }

    @Test("one idempotency key is one upload; with other content it is refused")
    func idempotency() async throws {
        let fixture = UploadFixture()
        let first = try await fixture.upload(Report.generated(5), key: "k")
        let again = try await fixture.upload(Report.generated(5), key: "k")
        #expect(again.duplicate && again.upload.id == first.upload.id)
        let fault = try await InProcess.fault { try await fixture.upload(Report.generated(6), key: "k") }
        #expect(fault.code == "idempotency.key_reused" && fault.kind == .conflict)
        #expect(try await fixture.count("results") == 5)
    }

    @Test("a run with a key closes once it has been quiet; a late shard opens it and it closes again")
    func quiet() async throws {
        let fixture = UploadFixture()
        let ci = Run.CI(key: "build")
        let id = try await fixture.upload(Report.generated(10, suite: "a"), ci: ci).upload.run
        _ = try await fixture.upload(Report.generated(10, suite: "b"), ci: ci)
        try await fixture.close(id, version: 1)
        #expect(try await fixture.run(id).state == .running)
        try await fixture.close(id, version: 2)
        let closed = try await fixture.run(id)
        #expect(closed.state == .passed && closed.version == 3 && closed.counts.total == 20)
        let outbox = try await fixture.waiting()
        try await fixture.close(id, version: 2)
        try await fixture.close(id, version: 3)
        #expect(try await fixture.run(id) == closed)
        #expect(try await fixture.waiting() == outbox)
        #expect(try await fixture.upload(Report.generated(100, suite: "late"), ci: ci).runState == .running)
        try await fixture.close(id, version: 4)
        let again = try await fixture.run(id)
        #expect(again.state == .failed && again.version == 5 && again.counts.total == 120)
        #expect(try await fixture.waiting().count { $0 == "publish-run notifications" } == 2)
    }

    @Test("an incomplete report never makes a run that passed")
    func incomplete() async throws {
        let fixture = UploadFixture()
        let receipt = try await fixture.upload(Report.generated(40).dropLast(60))
        #expect(receipt.runState == .error)
        let run = try await fixture.run(receipt.upload.run)
        #expect(run.incomplete && run.counts.failed == 0 && run.counts.errored == 1)
        #expect(receipt.upload.warnings.map(\.code) == ["report.truncated"])
    }

    @Test("who finds all places taken by slow clients hears that it is busy")
    func busy() async throws {
        let fixture = UploadFixture(slots: UploadSlots(count: 1, patience: .milliseconds(50)))
        try await fixture.slots.with {
            let fault = try await InProcess.fault { try await fixture.upload(Report.generated(5)) }
            #expect(fault.code == "upload.busy" && fault.kind == .unavailable && fault.retryAfter != nil)
        }
        #expect(try await fixture.upload(Report.generated(5)).upload.accepted == 5)
    }

    @Test("tenants see nothing of each other, in a partition that is named neither")
    func isolation() async throws {
        let fixture = UploadFixture()
        let other = UploadFixture()
        let receipt = try await fixture.upload(Report.generated(200))
        let result = try #require(try await fixture.listed(receipt.upload.run).first)
        #expect(try await InProcess.fault { try await fixture.runs.get(receipt.upload.run, tenant: other.tenant) }.code == "run.not_found")
        #expect(try await InProcess.fault { try await fixture.uploads.get(receipt.upload.id, tenant: other.tenant) }.code == "upload.not_found")
        #expect(try await InProcess.fault { try await fixture.results.get(result.id, tenant: other.tenant) }.code == "result.not_found")
        let month = Date().formatted(
            .verbatim("\(year: .defaultDigits)_\(month: .twoDigits)", timeZone: .gmt, calendar: .init(identifier: .gregorian)))
        for table in ["runs", "uploads", "raw_reports", "results", "result_details", "results_\(month)", "result_details_\(month)"] {
            #expect(try await fixture.count(table) > 0, "\(table)")
            #expect(try await other.count(table) == 0, "\(table)")
        }
        // The same content is no duplicate for somebody else.
        #expect(try await !other.upload(Report.generated(200)).duplicate)
    }

    @Test("partitions for the coming months are there, and making them again changes nothing")
    func partitions() async throws {
        let fixture = UploadFixture()
        func names() async throws -> [String] {
            try await fixture.database.rows(
                .system, "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'results'::regclass order by 1"
            ) {
                try $0.value("name")
            }
        }
        let before = try await names()
        #expect(before.count == 4 && before.contains("results_default"))
        async let left: Void = fixture.results.ensurePartitions()
        async let right: Void = fixture.results.ensurePartitions()
        _ = try await (left, right)
        #expect(try await names() == before)
    }

    @Test("row-level security has no hole; the one function with rights makes partitions")
    func rowLevelSecurity() async throws {
        let holes = try await RowLevelSecurity.holes(adminURL: TestDatabase.current.adminURL, schema: ExecutionProgram.name)
        #expect(holes == ["function ensure_result_partitions is `security definer`"])
    }
}

extension Upload {
    fileprivate func with(createdAt: Date) -> Upload {
        Upload(id: id, project: project, run: run, accepted: accepted, rejected: rejected, warnings: warnings, files: files, createdAt: createdAt)
    }
}
