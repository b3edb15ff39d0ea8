import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

/// What a crash or a stall leaves behind, and who may write afterwards.
@Suite(.serialized, .database(Shop.schema, JobSchema.schema))
struct LeaseTests {
    private let tenant = ID<Tenant>.new()
    private var current: TestDatabase { .current }

    /// Never renews: to everybody else, a process that has stalled or died.
    private static var stalled: JobTiming {
        var timing = JobTiming.brisk
        timing.heartbeat = .seconds(600)
        timing.lease = .milliseconds(200)
        timing.reap = .milliseconds(50)
        timing.grace = .milliseconds(100)
        return timing
    }

    /// A handler with a single place, so that a process whose job is stuck takes no other one.
    private struct Single: JobHandler {
        typealias Payload = Note
        static let concurrency = 1

        let body: @Sendable (Note, Job) async throws -> Void
        func handle(_ payload: Note, _ job: Job) async throws { try await body(payload, job) }
    }

    @Test("a renewed lease holds, however long the job takes")
    func heartbeat() async throws {
        var timing = JobTiming.brisk
        timing.lease = .milliseconds(600)
        timing.heartbeat = .milliseconds(100)
        let taken = Taken()
        let handler = Take { note, job in
            taken.add(note, job)
            try await Task.sleep(for: .milliseconds(2000))
        }
        try await JobRunner.with([handler], timing: timing) { _ in
            try await current.queue.enqueue(Note(text: "long"), tenant: tenant)
            try await eventually { try await current.jobs(of: tenant).isEmpty && !taken.all.isEmpty }
        }
        #expect(taken.all.count == 1)
    }

    @Test("when a lease runs out the next epoch runs, and what the stale one writes is refused", arguments: [false, true])
    func staleWrites(_ fails: Bool) async throws {
        let (stale, fresh) = (Gate(), Gate())
        let (first, second) = (Taken(), Taken())
        let staleHandler = Single { note, job in
            first.add(note, job)
            await stale.passStubbornly()
            if fails, note.text == "a" { throw Fault(.invalid, "shop.late", "Too late.") }
        }
        let freshHandler = Single { note, job in
            second.add(note, job)
            try await fresh.pass()
        }
        try await JobRunner.with([staleHandler], timing: Self.stalled) { _ in
            try await current.queue.enqueue(Note(text: "a"), tenant: tenant)
            try await eventually("the first process has it") { first.all.count == 1 }
            try await JobRunner.with([freshHandler]) { _ in
                try await eventually("the second process has it") { second.all.count == 1 }
                let row = JobRow(state: "running", attempt: 2, epoch: 2, losses: 1, error: Self.lossText)
                #expect(try await current.jobs(of: tenant) == [row])
                #expect(second.all.first?.job.epoch == 2)
                stale.open()
                // The refused write has been made once the first process takes another job.
                try await current.queue.enqueue(Note(text: "b"), tenant: tenant)
                try await eventually("the first process goes on") { try await current.jobs(of: tenant).count == 1 && first.all.count == 2 }
                #expect(try await current.jobs(of: tenant) == [row])
                fresh.open()
                try await eventually("the second process ends it") { try await current.jobs(of: tenant).isEmpty }
            }
        }
        #expect(second.all.count == 1)
    }

    private typealias JobRow = TestDatabase.JobRow
    private static let lossText = "lease lost in attempt 1: the process died, stalled, or the job ran over its time limit"

    @Test("a job that loses its lease three times is quarantined, and the rest of the queue moves on")
    func quarantine() async throws {
        let taken = Taken()
        let handler = Take { note, job in
            taken.add(note, job)
            if note.text == "poison" { try await Task.sleep(for: .seconds(600)) }
        }
        try await JobRunner.with([handler], timing: Self.stalled) { _ in
            try await current.queue.enqueue(Note(text: "poison"), tenant: tenant)
            for number in 0..<99 { try await current.queue.enqueue(Note(text: "\(number)"), tenant: tenant) }
            try await eventually { try await current.jobs(of: tenant).map(\.state) == ["quarantined"] }
        }
        let row = try #require(try await current.jobs(of: tenant).first)
        #expect(row.losses == 3)
        #expect(row.error?.hasPrefix("lease lost in attempt 3") == true)
        #expect(taken.texts.filter { $0 == "poison" }.count == 3)
        #expect(Set(taken.texts).count == 100)
    }

    @Test("a job that takes no notice of its time limit loses its lease although its process lives")
    func stubborn() async throws {
        let gate = Gate()
        let taken = Taken()
        let handler = Stubborn { job in
            taken.add(Note(text: ""), job)
            await gate.passStubbornly()
        }
        var timing = JobTiming.brisk
        timing.lease = .milliseconds(300)
        timing.heartbeat = .milliseconds(50)
        try await JobRunner.with([handler], timing: timing) { _ in
            try await current.queue.enqueue(Stubborn.Stone(), tenant: tenant)
            try await eventually { try await current.jobs(of: tenant).first?.state == "quarantined" }
            #expect(taken.all.map(\.job.epoch) == [1, 2, 3])
            gate.open()
        }
        #expect(try await current.jobs(of: tenant).first?.state == "quarantined")
    }

    private struct Stubborn: JobHandler {
        struct Stone: JobPayload { static let kind = "stone" }
        static let timeLimit = Duration.milliseconds(20)

        let body: @Sendable (Job) async -> Void
        func handle(_ payload: Stone, _ job: Job) async throws { await body(job) }
    }

    @Test("a process that finds its job taken over cancels it and writes nothing")
    func takenOver() async throws {
        let cancelled = Tally()
        let handler = Take { _, _ in
            do {
                try await Task.sleep(for: .seconds(600))
            } catch {
                cancelled.add()
                throw error
            }
        }
        try await JobRunner.with([handler]) { _ in
            try await current.queue.enqueue(Note(text: "a"), tenant: tenant)
            try await eventually { try await current.jobs(of: tenant).first?.state == "running" }
            // As if another process had claimed it after this one's lease had run out.
            try await current.database.execute(
                .tenant(tenant), "update jobs set lease_epoch = 2, attempt = 2, lease_until = now() + interval '1 hour' where tenant_id = \(tenant)")
            try await eventually { cancelled.count == 1 }
        }
        #expect(try await current.jobs(of: tenant) == [JobRow(state: "running", attempt: 2, epoch: 2, losses: 0, error: nil)])
    }
}
