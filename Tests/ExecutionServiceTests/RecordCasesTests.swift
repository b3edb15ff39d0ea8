import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ExecutionService

@Suite(.database(ExecutionProgram.schema, JobSchema.schema), .serialized) struct RecordCasesTests {
    /// Claims everything of this fixture's tenant; the other tests' cases are left to them by running one after the other.
    private func claimAll(_ fixture: CaseFixture) async throws -> [ClaimedCase] {
        var claimed: [ClaimedCase] = []
        while true {
            let more = try await fixture.queue.claim(64, tenantCap: 100_000, worker: UUID())
            if more.isEmpty { return claimed }
            claimed += more
        }
    }

    @Test("many batches that race finish a run exactly once and lose no result")
    func racingBatches() async throws {
        let fixture = CaseFixture()
        let run = try await fixture.start(64, concurrency: 64)
        let claimed = try await claimAll(fixture)
        #expect(claimed.count == 64)
        // Each batch twice, as from a worker that does not know whether it was written.
        let refused = try await withThrowingTaskGroup(of: Int.self) { group in
            for start in stride(from: 0, to: 64, by: 4) {
                let batch = CaseFixture.passed(Array(claimed[start..<start + 4]))
                for _ in 0..<2 { group.addTask { try await fixture.record.record(batch, tenant: fixture.tenant) } }
            }
            return try await group.reduce(0, +)
        }
        #expect(refused == 64)
        let finished = try await fixture.run(run.id)
        #expect(finished.state == .passed)
        #expect(finished.counts == Counts(passed: 64))
        #expect(try await fixture.listed(run.id).count == 64)
        #expect(try await fixture.jobs("publish-run") == 2, "analytics and notifications hear of it once each")
    }

    @Test("a batch over several runs counts for each of them")
    func severalRuns() async throws {
        let fixture = CaseFixture()
        let (one, two) = (try await fixture.start(3), try await fixture.start(2))
        let claimed = try await claimAll(fixture)
        let error = CaseVerdict(CaseError("timeout", "Time ran out."), exchange: nil)
        let batch = CaseFixture.passed(claimed).map { $0.claimed.name == "case 0" && $0.claimed.run == two.id ? $0.withVerdict(error) : $0 }
        #expect(try await fixture.record.record(batch, tenant: fixture.tenant) == 0)
        #expect(try await fixture.run(one.id).state == .passed)
        let failed = try await fixture.run(two.id)
        #expect(failed.state == .error)
        #expect(failed.counts == Counts(passed: 1, errored: 1))
        #expect(failed.testMicroseconds == 20)
        let result = try #require(try await fixture.details(two.id).first { $0.outcome == .errored })
        #expect(result.texts.type == "timeout")
        #expect(result.texts.message == "Time ran out.")
        #expect(result.test == TestIdentity.id(project: two.project, suite: "Suite", className: "", name: "case 0"))
    }

    @Test("a run runs from its first case on, even when that was not noted at the claim")
    func begins() async throws {
        let fixture = CaseFixture()
        let run = try await fixture.start(2)
        let claimed = try await claimAll(fixture)
        try await fixture.record.begin(run.id, tenant: fixture.tenant)
        try await fixture.record.begin(run.id, tenant: fixture.tenant)
        let begun = try await fixture.run(run.id)
        #expect(begun.state == .running)
        #expect(begun.startedAt != nil)
        #expect(begun.version == 2)
        _ = try await fixture.record.record(CaseFixture.passed(claimed), tenant: fixture.tenant)

        let other = try await fixture.start(2)
        let first = try await claimAll(fixture).prefix(1)
        _ = try await fixture.record.record(CaseFixture.passed(Array(first)), tenant: fixture.tenant)
        #expect(try await fixture.run(other.id).state == .running)
    }

    // MARK: Cancelling

    @Test("cancelling drops what waits, records what is under way, and the last of it ends the run")
    func cancel() async throws {
        let fixture = CaseFixture()
        let run = try await fixture.start(5, concurrency: 2)
        let claimed = try await claimAll(fixture)
        #expect(claimed.count == 2)
        let cancelled = try await fixture.record.end(run.id, early: .cancelled, tenant: fixture.tenant)
        #expect(!cancelled.state.isFinal)
        #expect(cancelled.counts == Counts(skipped: 3, pending: 2))
        #expect(try await claimAll(fixture).isEmpty)
        _ = try await fixture.record.record(CaseFixture.passed([claimed[0]]), tenant: fixture.tenant)
        #expect(try await fixture.run(run.id).state == .running)
        _ = try await fixture.record.record(CaseFixture.passed([claimed[1]]), tenant: fixture.tenant)
        let ended = try await fixture.run(run.id)
        #expect(ended.state == .cancelled)
        #expect(ended.counts == Counts(passed: 2, skipped: 3))
        let results = try await fixture.listed(run.id)
        #expect(results.count == 5, "every case has its result")
        #expect(results.filter { $0.outcome == .skipped }.allSatisfy { $0.texts.message.contains("cancelled") })
    }

    @Test("a run of which nothing is under way is cancelled at once")
    func cancelQueued() async throws {
        let fixture = CaseFixture()
        let run = try await fixture.start(3)
        let cancelled = try await fixture.record.end(run.id, early: .cancelled, tenant: fixture.tenant)
        #expect(cancelled.state == .cancelled)
        #expect(cancelled.finishedAt != nil)
    }

    @Test("a second cancellation, and one of a finished run, are refused")
    func cancelTwice() async throws {
        let fixture = CaseFixture()
        let run = try await fixture.start(2, concurrency: 1)
        let claimed = try await claimAll(fixture)
        _ = try await fixture.record.end(run.id, early: .cancelled, tenant: fixture.tenant)
        for _ in 0..<2 {
            let fault = await #expect(throws: Fault.self) { try await fixture.record.end(run.id, early: .cancelled, tenant: fixture.tenant) }
            #expect(fault?.code == "runs.already_finished")
            _ = try await fixture.record.record(CaseFixture.passed(claimed), tenant: fixture.tenant)
        }
    }

    @Test("of fifty cancellations at once one succeeds, while results arrive")
    func cancelRace() async throws {
        let fixture = CaseFixture()
        let run = try await fixture.start(40, concurrency: 20)
        let claimed = try await claimAll(fixture)
        let successes = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    do {
                        _ = try await fixture.record.end(run.id, early: .cancelled, tenant: fixture.tenant)
                        return 1
                    } catch let fault as Fault where fault.code == "runs.already_finished" {
                        return 0
                    }
                }
            }
            for single in claimed {
                group.addTask { try await fixture.record.record(CaseFixture.passed([single]), tenant: fixture.tenant) }
            }
            return try await group.reduce(0, +)
        }
        #expect(successes == 1)
        let ended = try await fixture.run(run.id)
        #expect(ended.state == .cancelled)
        #expect(ended.counts == Counts(passed: 20, skipped: 20))
        #expect(try await fixture.jobs("publish-run") == 2)
    }

    @Test("of fifty who cancel a run at once one does and the others are told, two hundred times over (T104)", .timeLimit(.minutes(5)))
    func cancelRaces() async throws {
        let fixture = CaseFixture()
        for round in 0..<200 {
            let run = try await fixture.start(1)
            let codes = await withTaskGroup(of: String.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        do {
                            return try await fixture.record.end(run.id, early: .cancelled, tenant: fixture.tenant).state.isFinal ? "done" : "begun"
                        } catch {
                            return (error as? Fault)?.code ?? "\(error)"
                        }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(codes == ["done": 1, "runs.already_finished": 49], "round \(round)")
        }
    }

    @Test("a run that is unknown, or another tenant's, is not found")
    func foreign() async throws {
        let fixture = CaseFixture()
        let run = try await fixture.start(1)
        let fault = await #expect(throws: Fault.self) { try await fixture.record.end(run.id, early: .cancelled, tenant: .new()) }
        #expect(fault?.code == "run.not_found")
        _ = try await fixture.record.end(run.id, early: .cancelled, tenant: fixture.tenant)
    }
}
