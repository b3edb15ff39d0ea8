import Foundation
import Jobs
import Postgres
import Primitives

/// All SQL about firings, and the claim of due schedules that makes them.
struct FiringStore: Sendable {
    /// Schedules that one claim takes; a claim that is full is followed by another at once.
    static let claimSize = 50

    let database: Database

    private static let columns: SQL = "id, schedule_id, tick_at, fired_at, state, run_id, reason"

    /// Turns due ticks into firings and jobs, in one transaction: after a crash either all of it is there or none.
    ///
    /// Replicas skip what another has locked, and the unique constraint on (schedule, tick) decides should two ever see the same tick.
    /// - Returns: how many schedules were due.
    func fireDue(enqueueing jobs: JobQueue) async throws -> Int {
        try await database.transaction(.system) { tx in
            let now = try await tx.one("select now() as now") { try $0.value("now", as: Date.self) }
            let due = try await tx.rows(
                """
                select tenant_id, \(fragment: ScheduleStore.columns) from schedules
                where next_at <= now()
                order by next_at
                limit \(Self.claimSize)
                for update skip locked
                """
            ) { (tenant: try $0.value("tenant_id", as: ID<Tenant>.self), schedule: try Schedule(row: $0)) }
            for (tenant, schedule) in due {
                guard let dueAt = schedule.nextAt else { continue }
                let ticks = MissedTicks(of: try schedule.timetable(), due: dueAt, now: now)
                for tick in ticks.skipped { _ = try await insert(tick, .skipped, "missed", schedule, tenant, in: tx) }
                if let firing = try await insert(ticks.fire, .pending, "", schedule, tenant, in: tx) {
                    let payload = StartFiring.Payload(
                        firing: firing, schedule: schedule.id, project: schedule.project, suite: schedule.suite, variables: schedule.variables,
                        environment: schedule.environment)
                    try await jobs.enqueue(payload, tenant: tenant, in: tx)
                }
                try await tx.execute("update schedules set next_at = \(ticks.next) where tenant_id = \(tenant) and id = \(schedule.id)")
            }
            return due.count
        }
    }

    /// - Returns: `nil` when the tick has a firing already.
    private func insert(
        _ tick: Date, _ state: Firing.State, _ reason: String, _ schedule: Schedule, _ tenant: ID<Tenant>, in tx: Transaction
    ) async throws -> ID<Firing>? {
        try await tx.first(
            """
            insert into firings (tenant_id, id, schedule_id, tick_at, state, reason)
            values (\(tenant), \(ID<Firing>.new()), \(schedule.id), \(tick), \(state.rawValue), \(reason))
            on conflict on constraint firings_schedule_id_tick_at_unique do nothing
            returning id
            """
        ) { try $0.value("id") }
    }

    /// Only a pending firing changes, so that a job that is run twice says the same.
    func settle(_ id: ID<Firing>, _ state: Firing.State, run: ID<Run>?, reason: String, tenant: ID<Tenant>) async throws {
        try await database.execute(
            .tenant(tenant),
            """
            update firings set state = \(state.rawValue), run_id = \(run), reason = \(reason)
            where tenant_id = \(tenant) and id = \(id) and state = 'pending'
            """)
    }

    /// Newest first.
    func list(_ page: PageRequest, schedule: ID<Schedule>, tenant: ID<Tenant>) async throws -> Page<Firing> {
        let before = try page.after(ID<Firing>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from firings
            where tenant_id = \(tenant) and schedule_id = \(schedule)
              and (\(before)::uuid is null or tick_at < (select tick_at from firings b where b.tenant_id = \(tenant) and b.id = \(before)))
            order by tick_at desc
            limit \(page.limit + 1)
            """
        ) { try Firing(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }
}

extension Firing {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        schedule = try row.value("schedule_id")
        tickAt = try row.value("tick_at")
        firedAt = try row.value("fired_at")
        let state = try row.value("state", as: String.self)
        guard let known = State(rawValue: state) else { throw Fault(.internal, "firings.unknown_state", "A firing has the unknown state \(state).") }
        self.state = known
        run = try row.value("run_id")
        reason = try row.value("reason")
    }
}
