import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

/// What becomes of a job: done, tried again, dead.
@Suite(.serialized, .database(Shop.schema, JobSchema.schema))
struct LifeTests {
    private let tenant = ID<Tenant>.new()
    private var current: TestDatabase { .current }

    @Test("a job arrives as it was put and is gone when it is done")
    func done() async throws {
        let taken = Taken()
        try await JobRunner.with([Take { taken.add($0, $1) }]) { _ in
            let note = Note(text: "Grüße \"'\\", number: -7)
            try await current.queue.enqueue(note, tenant: tenant, key: "k")
            try await eventually { try await current.jobs(of: tenant).isEmpty && taken.all.count == 1 }
            let job = try #require(taken.all.first?.job)
            #expect(taken.all.first?.note == note)
            #expect(job.tenant == tenant)
            #expect(job.kind == "note")
            #expect(job.key == "k")
            #expect(job.attempt == 1)
            #expect(job.epoch == 1)
            #expect(abs(job.enqueuedAt.timeIntervalSinceNow) < 60)
        }
    }

    @Test("a notification starts a job long before the poll would")
    func hint() async throws {
        var timing = JobTiming.brisk
        timing.poll = .seconds(600)
        let taken = Taken()
        try await JobRunner.with([Take { taken.add($0, $1) }], timing: timing) { _ in
            // The first one may come before LISTEN is carried out; the runner's own first look finds it, or a later notification does.
            try await eventually {
                try await current.queue.enqueue(Note(text: "a"), tenant: tenant)
                return !taken.all.isEmpty
            }
            let before = taken.all.count
            try await eventually("nothing is left") { try await current.jobs(of: tenant).isEmpty }
            try await current.queue.enqueue(Note(text: "b"), tenant: tenant)
            try await eventually { taken.texts.contains("b") }
            #expect(taken.all.count >= before)
        }
    }

    @Test("a delayed job waits for its time")
    func delayed() async throws {
        let taken = Taken()
        try await JobRunner.with([Take { taken.add($0, $1) }]) { _ in
            let start = ContinuousClock.now
            try await current.queue.enqueue(Note(text: "later"), tenant: tenant, after: .milliseconds(600))
            try await current.queue.enqueue(Note(text: "now"), tenant: tenant)
            try await eventually { taken.all.count == 2 }
            #expect(taken.texts == ["now", "later"])
            #expect(ContinuousClock.now - start >= .milliseconds(600))
        }
    }

    private struct Broken: Error {}

    @Test("an error is tried again with the next attempt and epoch, until it works")
    func retried() async throws {
        let taken = Taken()
        let handler = Take { note, job in
            taken.add(note, job)
            if job.attempt < 3 { throw Broken() }
        }
        try await JobRunner.with([handler]) { _ in
            try await current.queue.enqueue(Note(text: "a"), tenant: tenant)
            try await eventually { try await current.jobs(of: tenant).isEmpty && taken.all.count == 3 }
            #expect(taken.all.map(\.job.attempt) == [1, 2, 3])
            #expect(taken.all.map(\.job.epoch) == [1, 2, 3])
        }
    }

    @Test(
        "which faults bury a job at once, and which are tried until there are no attempts left",
        arguments: [
            (FaultKind.invalid, 1), (.notFound, 1), (.forbidden, 1), (.precondition, 1),
            (.unavailable, 4), (.exhausted, 4), (.conflict, 4), (.internal, 4), (.unauthenticated, 4),
        ])
    func buried(_ kind: FaultKind, _ attempts: Int) async throws {
        let taken = Taken()
        let handler = Take { note, job in
            taken.add(note, job)
            throw Fault(kind, "shop.closed", "The shop is closed.")
        }
        try await JobRunner.with([handler]) { _ in
            try await current.queue.enqueue(Note(text: "a"), tenant: tenant)
            try await eventually { try await current.jobs(of: tenant).first?.state == "dead" }
        }
        let row = try #require(try await current.jobs(of: tenant).first)
        #expect(taken.all.count == attempts)
        #expect(row.attempt == attempts)
        #expect(row.error?.hasSuffix("shop.closed: The shop is closed.") == true)
        #expect(row.error?.hasPrefix("gave up after 4 attempts: ") == (attempts == 4))
    }

    @Test("a fault's own delay takes the place of the handler's")
    func retryAfter() async throws {
        let handler = Take { _, _ in throw Fault.unavailable("shop.full", "Come back later.", retryAfter: .seconds(3600)) }
        try await JobRunner.with([handler]) { _ in
            try await current.queue.enqueue(Note(text: "a"), tenant: tenant)
            try await eventually { try await current.jobs(of: tenant).first?.error != nil }
        }
        let seconds = try await current.database.one(
            .tenant(tenant), "select extract(epoch from run_at - now())::float8 as s from jobs where tenant_id = \(tenant)"
        ) { try $0.value("s", as: Double.self) }
        #expect((3500...3600).contains(seconds))
        #expect(try await current.jobs(of: tenant).first?.attempt == 1)
    }

    @Test("a payload that cannot be read is tried and then dead, and the others go on")
    func undecodable() async throws {
        let taken = Taken()
        try await JobRunner.with([Take { taken.add($0, $1) }]) { _ in
            try await current.database.execute(
                .tenant(tenant), "insert into jobs (tenant_id, id, kind, payload) values (\(tenant), gen_random_uuid(), 'note', '{\"odd\": true}')")
            for number in 0..<20 { try await current.queue.enqueue(Note(text: "\(number)"), tenant: tenant) }
            try await eventually { try await current.jobs(of: tenant).map(\.state) == ["dead"] && taken.all.count == 20 }
        }
    }

    @Test("the hook goes round every handler and may turn its errors into faults")
    func around() async throws {
        let tenants = Taken()
        let handler = Take { _, _ in throw Broken() }
        try await JobRunner.with(
            [handler],
            around: { job, work in
                tenants.add(Note(text: "\(job.tenant)"), job)
                do {
                    try await work()
                } catch is Broken {
                    throw Fault(.invalid, "shop.broken", "It is broken.")
                }
            }
        ) { _ in
            try await current.queue.enqueue(Note(text: "a"), tenant: tenant)
            try await eventually { try await current.jobs(of: tenant).first?.state == "dead" }
        }
        #expect(tenants.texts == ["\(tenant)"])
    }

    @Test("a job over its time limit is cancelled and tried again")
    func overdue() async throws {
        let taken = Taken()
        let handler = Hasty { note, job in
            taken.add(note, job)
            if job.attempt == 1 { try await Task.sleep(for: .seconds(600)) }
        }
        try await JobRunner.with([handler]) { _ in
            try await current.queue.enqueue(Hasty.Slip(text: "a"), tenant: tenant)
            try await eventually { try await current.jobs(of: tenant).isEmpty && taken.all.count == 2 }
        }
    }

    /// A handler with next to no time.
    private struct Hasty: JobHandler {
        struct Slip: JobPayload {
            static let kind = "slip"
            let text: String
        }

        static let timeLimit = Duration.milliseconds(100)
        static let backoff = Backoff(first: .milliseconds(1), limit: .milliseconds(1))

        let body: @Sendable (Note, Job) async throws -> Void
        func handle(_ payload: Slip, _ job: Job) async throws { try await body(Note(text: payload.text), job) }
    }
}
