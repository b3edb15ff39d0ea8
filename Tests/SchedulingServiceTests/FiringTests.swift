import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import SchedulingAPI
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import SchedulingService

/// Schedules and their firings over a real database.
@Suite(.database(SchedulingProgram.schema, JobSchema.schema), .serialized)
struct FiringTests {
    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()

    private var database: Database { TestDatabase.current.database }
    private var firings: FiringStore { FiringStore(database: database) }
    private var jobs: JobQueue { JobQueue(database: database) }

    private func serve<R: Sendable>(as caller: Caller? = nil, _ body: (InProcess.Client) async throws -> R) async throws -> R {
        try await InProcess.serve(
            [SchedulesRPC(schedules: ScheduleStore(database: database), firings: firings)], rules: SchedulingContract.rules,
            as: caller ?? .service("gateway", tenant: tenant), body)
    }

    private func make(cron: String = "* * * * *", zone: String = "") async throws -> PBSchedule {
        try await serve { client in
            try await PBSchedules.Client(wrapping: client).createSchedule(
                .with {
                    $0.project = project.description
                    $0.suite = ID<Suite>.new().description
                    $0.name = "nightly"
                    $0.cron = cron
                    $0.timeZone = zone
                })
        }
    }

    /// Makes a schedule due as if its minute had come, `minutes` ago.
    private func due(_ schedule: PBSchedule, minutes: Int = 0) async throws {
        try await database.execute(
            .tenant(tenant),
            """
            update schedules set next_at = date_trunc('minute', now()) - make_interval(mins => \(Int32(minutes)))
            where tenant_id = \(tenant) and id = \(try ID<Schedule>(schedule.id))
            """)
    }

    private func list(_ schedule: PBSchedule) async throws -> [PBFiring] {
        try await serve { try await PBSchedules.Client(wrapping: $0).listFirings(.with { $0.schedule = schedule.id }) }.data
    }

    @Test("of many that look at the same time, one fires a tick")
    func race() async throws {
        let schedules = [try await make(), try await make(), try await make()]
        for round in 1...5 {
            for schedule in schedules { try await due(schedule, minutes: 5 - round) }
            let fired = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 { group.addTask { try await firings.fireDue(enqueueing: jobs) } }
                return try await group.reduce(0, +)
            }
            #expect(fired >= schedules.count)
        }
        for schedule in schedules {
            let ticks = try await list(schedule).map(\.tickAt.seconds)
            #expect(Set(ticks).count == ticks.count)
        }
        let pending = try await database.one(.tenant(tenant), "select count(*) as n from firings where state = 'pending'") {
            try $0.value("n", as: Int.self)
        }
        let queued = try await database.one(.tenant(tenant), "select count(*) as n from jobs") { try $0.value("n", as: Int.self) }
        #expect(pending == queued && pending > 0)
    }

    @Test("ticks that were missed are recorded as skipped, and the latest fires")
    func missed() async throws {
        let schedule = try await make()
        try await due(schedule, minutes: 3)
        _ = try await firings.fireDue(enqueueing: jobs)
        let states = try await list(schedule).map(\.state)
        #expect(states == [.pending, .skipped, .skipped, .skipped])
        let read = try await serve { try await PBSchedules.Client(wrapping: $0).getSchedule(.with { $0.schedule = schedule.id }) }
        #expect(read.nextAt.date > Date() && read.upcoming.count == 10)
    }

    @Test("a firing is settled once")
    func settled() async throws {
        let schedule = try await make()
        try await due(schedule)
        _ = try await firings.fireDue(enqueueing: jobs)
        let firing = try await ID<Firing>(#require(list(schedule).first).id)
        let run = ID<Run>.new()
        try await firings.settle(firing, .started, run: run, reason: "", tenant: tenant)
        try await firings.settle(firing, .failed, run: nil, reason: "late", tenant: tenant)
        let read = try #require(try await list(schedule).first)
        #expect(read.state == .started && read.run == run.description && read.reason.isEmpty)
    }

    @Test("a schedule that is switched off has no next tick; switched on again it has")
    func enabled() async throws {
        let schedule = try await make(cron: "0 3 * * *", zone: "America/New_York")
        try await serve { client in
            let schedules = PBSchedules.Client(wrapping: client)
            let off = try await schedules.updateSchedule(
                .with {
                    $0.schedule = schedule.id; $0.enabled = false
                })
            #expect(!off.enabled && !off.hasNextAt)
            let on = try await schedules.updateSchedule(
                .with {
                    $0.schedule = schedule.id; $0.enabled = true; $0.cron = "0 4 * * *"
                })
            #expect(on.enabled && on.hasNextAt && on.cron == "0 4 * * *" && on.timeZone == "America/New_York")
            let wrong = try await InProcess.fault {
                try await schedules.updateSchedule(
                    .with {
                        $0.schedule = schedule.id; $0.cron = "x"
                    })
            }
            #expect(wrong.code == "schedules.invalid_cron")
            _ = try await schedules.deleteSchedule(.with { $0.schedule = schedule.id })
            #expect(try await InProcess.fault { try await schedules.getSchedule(.with { $0.schedule = schedule.id }) }.kind == .notFound)
        }
    }

    @Test("a schedule is changed and deleted in the version that was read; a firing makes no other one (T105)")
    func versions() async throws {
        let schedule = try await make()
        #expect(schedule.version == 1)
        try await due(schedule)
        _ = try await firings.fireDue(enqueueing: jobs)
        try await serve { client in
            let schedules = PBSchedules.Client(wrapping: client)
            let codes = await withTaskGroup(of: String.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        do {
                            return
                                "\(try await schedules.updateSchedule(.with { $0.schedule = schedule.id; $0.name = "n\(index)"; $0.version = 1 }).version)"
                        } catch {
                            return (error as? RPCError).map { Fault($0).code } ?? "\(error)"
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.filter { $0 == "2" }.count == 1 && codes.filter { $0 == "precondition_failed" }.count == 19, "\(codes)")
            let stale = try await InProcess.fault {
                try await schedules.deleteSchedule(
                    .with {
                        $0.schedule = schedule.id; $0.version = 1
                    })
            }
            #expect(stale.code == "precondition_failed")
            _ = try await schedules.deleteSchedule(
                .with {
                    $0.schedule = schedule.id; $0.version = 2
                })
        }
    }

    @Test("a change that is repeated under its idempotency key is carried out once")
    func repeatedChange() async throws {
        let schedule = try await make()
        let keyed = Caller(identity: Caller.service("gateway", tenant: tenant).identity, idempotencyKey: "k")
        try await serve(as: keyed) { client in
            let schedules = PBSchedules.Client(wrapping: client)
            let change = PBUpdateScheduleRequest.with {
                $0.schedule = schedule.id; $0.name = "Once"; $0.version = 1
            }
            let first = try await schedules.updateSchedule(change)
            #expect(try await schedules.updateSchedule(change) == first && first.version == 2)
        }
    }

    @Test("another organization's schedules do not exist, and tables hold tenants apart")
    func isolation() async throws {
        let schedule = try await make()
        try await serve(as: .service("gateway", tenant: .new())) { client in
            let fault = try await InProcess.fault { try await PBSchedules.Client(wrapping: client).getSchedule(.with { $0.schedule = schedule.id }) }
            #expect(fault.kind == .notFound)
        }
        try await assertRowLevelSecurity(adminURL: TestDatabase.current.adminURL, schema: "scheduling")
    }
}
