import Foundation
import Jobs
import Postgres
import Primitives
import ServiceLifecycle
import TestSupport
import Testing

/// Several processes at once, and their end.
@Suite(.serialized, .database(Shop.schema, JobSchema.schema))
struct RunnersTests {
    private let tenant = ID<Tenant>.new()
    private var current: TestDatabase { .current }

    @Test("three processes run each of six hundred jobs once")
    func once() async throws {
        let taken = Taken()
        let handler = Take { note, job in taken.add(note, job) }
        try await JobRunner.with([handler]) { _ in
            try await JobRunner.with([handler]) { _ in
                try await JobRunner.with([handler]) { _ in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for worker in 0..<6 {
                            group.addTask {
                                for number in 0..<100 { try await current.queue.enqueue(Note(text: "\(worker).\(number)"), tenant: tenant) }
                            }
                        }
                        try await group.waitForAll()
                    }
                    try await eventually(within: .seconds(30)) { try await current.jobs(of: tenant).isEmpty }
                }
            }
        }
        #expect(taken.all.count == 600)
        #expect(Set(taken.texts).count == 600)
        #expect(taken.all.allSatisfy { $0.job.attempt == 1 })
    }

    @Test("a stopping process lets its jobs end and begins no others")
    func ending() async throws {
        let gate = Gate()
        let taken = Taken()
        let told = Tally()
        let handler = Take { note, job in
            taken.add(note, job)
            // Jobs hear of the shutdown after their runner has.
            try await gracefulShutdown()
            told.add()
            try await gate.pass()
        }
        try await JobRunner.with([handler]) { group in
            try await current.queue.enqueue(Note(text: "begun"), tenant: tenant)
            try await eventually { taken.all.count == 1 }
            await group.triggerGracefulShutdown()
            try await eventually { told.count == 1 }
            try await current.queue.enqueue(Note(text: "late"), tenant: tenant)
            gate.open()
        }
        #expect(taken.texts == ["begun"])
        // A claim that was under way is given back, which leaves its epoch behind.
        let rest = try await current.jobs(of: tenant)
        #expect(rest.map(\.state) == ["waiting"])
        #expect(rest.map(\.attempt) == [0])
        // The other tests of the suite would run it.
        try await current.database.execute(.tenant(tenant), "delete from jobs where tenant_id = \(tenant)")
    }

    @Test("what does not end in time is given back at once and not counted as an attempt", arguments: [false, true])
    func givenBack(_ isStubborn: Bool) async throws {
        var timing = JobTiming.brisk
        timing.grace = .milliseconds(50)
        timing.farewell = .milliseconds(50)
        let gate = Gate()
        let taken = Taken()
        let handler = Take { note, job in
            taken.add(note, job)
            if isStubborn { await gate.passStubbornly() } else { try await gate.pass() }
        }
        try await JobRunner.with([handler], timing: timing) { _ in
            try await current.queue.enqueue(Note(text: "a"), tenant: tenant)
            try await eventually { taken.all.count == 1 }
        }
        #expect(try await current.jobs(of: tenant) == [.init(state: "waiting", attempt: 0, epoch: 1, losses: 0, error: nil)])
        try await JobRunner.with([handler]) { _ in
            try await eventually { taken.all.count == 2 }
            gate.open()
            try await eventually { try await current.jobs(of: tenant).isEmpty }
        }
        #expect(taken.all.map(\.job.attempt) == [1, 1])
        #expect(taken.all.map(\.job.epoch) == [1, 2])
    }

    @Test("a database that goes away for a moment costs no job and runs none twice to its end")
    func terminatedBackends() async throws {
        let ended = Tally()
        let handler = Take { _, _ in
            try await Task.sleep(for: .milliseconds(20))
            ended.add()
        }
        try await JobRunner.with([handler]) { _ in
            for number in 0..<200 { try await current.queue.enqueue(Note(text: "\(number)"), tenant: tenant) }
            for _ in 0..<4 {
                try await current.administer { admin in
                    try await admin.execute(
                        .system,
                        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
                }
                try await Task.sleep(for: .milliseconds(30))
            }
            try await eventually(within: .seconds(30)) { try await current.jobs(of: tenant).isEmpty }
        }
        #expect(ended.count >= 200)
        #expect(ended.count < 240)
    }
}
