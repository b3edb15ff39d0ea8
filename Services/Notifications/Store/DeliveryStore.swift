import Audit
import Foundation
import Jobs
import Postgres
import Primitives

/// All SQL about deliveries and their attempts.
struct DeliveryStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        id, channel_id, event_id, event_type, project_id, body, state, attempts, last_status, last_error, next_attempt_at, created_at, delivered_at
        """

    /// Makes a delivery and its job for each channel that wants the event, in one transaction. An event that comes again makes none.
    /// - Parameter channel: only to this one, whatever it wants (a test); `nil` for all that want it.
    @discardableResult
    func insert(_ event: Event, only channel: ID<Channel>? = nil, enqueueing jobs: JobQueue, tenant: ID<Tenant>) async throws -> [Delivery] {
        try await database.transaction(.tenant(tenant)) { tx in
            let wanting = try await tx.rows(
                """
                select id, kind = 'github' as is_github from channels
                where tenant_id = \(tenant) and enabled and (\(channel)::uuid is null or id = \(channel))
                  and (\(channel)::uuid is not null or (
                    (cardinality(events) = 0 or \(event.type) = any(events)) and (project_id is null or project_id = \(event.project))))
                """
            ) { (id: try $0.value("id", as: ID<Channel>.self), isGitHub: try $0.value("is_github", as: Bool.self)) }
            // Of nothing but finished runs GitHub has anything to show, and of these only with a commit.
            .filter { !$0.isGitHub || channel != nil || event.isForChecks }
            guard !wanting.isEmpty else { return [] }
            let made = try await tx.rows(
                """
                insert into deliveries (tenant_id, id, channel_id, event_id, event_type, project_id, body, next_attempt_at)
                select \(tenant), d.id, d.channel_id, \(event.id), \(event.type), \(event.project), \(event.body), now()
                from unnest(\(wanting.map { _ in ID<Delivery>.new() })::uuid[], \(wanting.map(\.id))::uuid[]) as d (id, channel_id)
                on conflict on constraint deliveries_channel_id_event_id_unique do nothing
                returning \(fragment: Self.columns)
                """
            ) { try Delivery(row: $0) }
            let checked = Set(wanting.filter(\.isGitHub).map(\.id))
            let checks = made.filter { checked.contains($0.channel) }.map(\.id)
            if !checks.isEmpty, !event.failures.isEmpty {
                try await tx.execute(
                    """
                    update deliveries set failures = \(try JSONText(encoding: event.failures))
                    where tenant_id = \(tenant) and id = any(\(checks)::uuid[])
                    """)
            }
            for delivery in made { try await jobs.enqueue(DeliverWebhook.Payload(delivery: delivery.id), tenant: tenant, in: tx) }
            return made
        }
    }

    /// - Throws: `delivery.not_found`.
    func get(_ id: ID<Delivery>, tenant: ID<Tenant>) async throws -> Delivery {
        let found = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from deliveries where tenant_id = \(tenant) and id = \(id)"
        ) { try Delivery(row: $0) }
        guard let found else { throw Fault.notFound("delivery", id) }
        return found
    }

    /// The delivery of an event to a channel.
    func find(_ event: String, to channel: ID<Channel>, tenant: ID<Tenant>) async throws -> Delivery? {
        try await database.first(
            .tenant(tenant),
            "select \(fragment: Self.columns) from deliveries where tenant_id = \(tenant) and channel_id = \(channel) and event_id = \(event)"
        ) { try Delivery(row: $0) }
    }

    /// What a check run is made of beside the event, and GitHub's id of it once it is made.
    func checkContext(of id: ID<Delivery>, tenant: ID<Tenant>) async throws -> (checkRun: Int64?, failures: [EventFailure]) {
        try await database.one(
            .tenant(tenant), "select check_run_id, failures from deliveries where tenant_id = \(tenant) and id = \(id)"
        ) {
            (
                checkRun: try $0.value("check_run_id", as: Int64?.self),
                failures: try $0.value("failures", as: JSONText?.self)?.decode([EventFailure].self) ?? []
            )
        }
    }

    func recordCheckRun(_ checkRun: Int64, of id: ID<Delivery>, tenant: ID<Tenant>) async throws {
        try await database.execute(
            .tenant(tenant), "update deliveries set check_run_id = \(checkRun) where tenant_id = \(tenant) and id = \(id)")
    }

    /// Oldest first; at most 100.
    func attempts(of id: ID<Delivery>, tenant: ID<Tenant>) async throws -> [Attempt] {
        try await database.rows(
            .tenant(tenant),
            """
            select number, at, status, error, duration_ms, response_excerpt from attempts
            where tenant_id = \(tenant) and delivery_id = \(id)
            order by number
            limit 100
            """
        ) { try Attempt(row: $0) }
    }

    /// Newest first.
    /// - Parameter only: the projects of which the caller may know; `nil` for all, and for what belongs to no project.
    func list(
        _ page: PageRequest, channel: ID<Channel>?, state: Delivery.State?, eventType: String?, only: [UUID]?, tenant: ID<Tenant>
    ) async throws -> Page<Delivery> {
        let before = try page.after(ID<Delivery>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from deliveries
            where tenant_id = \(tenant) and (\(before)::uuid is null or id < \(before))
              and (\(channel)::uuid is null or channel_id = \(channel)) and (\(state?.rawValue)::text is null or state = \(state?.rawValue))
              and (\(eventType)::text is null or event_type = \(eventType)) and (\(only)::uuid[] is null or project_id = any(\(only)))
            order by id desc
            limit \(page.limit + 1)
            """
        ) { try Delivery(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// Records an attempt and where it leaves the delivery. An attempt that is recorded already, because a worker died in between, changes nothing.
    func record(
        _ attempt: Attempt, of id: ID<Delivery>, state: Delivery.State, retryIn delay: Duration?, tenant: ID<Tenant>
    ) async throws {
        let seconds = delay.map { Double($0.components.seconds) }
        try await database.transaction(.tenant(tenant)) { tx in
            let isNew = try await tx.execute(
                """
                insert into attempts (tenant_id, delivery_id, number, status, error, duration_ms, response_excerpt)
                values (\(tenant), \(id), \(attempt.number), \(attempt.status), \(attempt.error), \(attempt.milliseconds), \(attempt.excerpt))
                on conflict on constraint attempts_pkey do nothing
                """)
            guard isNew > 0 else { return }
            try await tx.execute(
                """
                update deliveries
                set state = \(state.rawValue), attempts = \(attempt.number), last_status = \(attempt.status), last_error = \(attempt.error),
                    next_attempt_at = now() + make_interval(secs => \(seconds)),
                    delivered_at = case when \(state == .delivered) then now() end,
                    failures = case when \(state == .delivered) then null else failures end
                where tenant_id = \(tenant) and id = \(id)
                """)
        }
    }

    /// Puts it back at the start of its schedule, with the same event id.
    /// - Parameter key: the idempotency key; the same one again sends nothing and gives the delivery as it is.
    /// - Throws: `delivery.not_found`.
    func replay(_ id: ID<Delivery>, key: String?, enqueueing jobs: JobQueue, tenant: ID<Tenant>) async throws -> Delivery {
        try await database.transaction(.tenant(tenant)) { tx in
            let replayed = try await tx.first(
                """
                update deliveries set state = 'pending', next_attempt_at = now(), delivered_at = null, replay_key = \(key)
                where tenant_id = \(tenant) and id = \(id) and (\(key)::text is null or replay_key is distinct from \(key))
                returning \(fragment: Self.columns)
                """
            ) { try Delivery(row: $0) }
            guard let replayed else {
                let found = try await tx.first(
                    "select \(fragment: Self.columns) from deliveries where tenant_id = \(tenant) and id = \(id)"
                ) { try Delivery(row: $0) }
                guard let found else { throw Fault.notFound("delivery", id) }
                AuditedCall.changedNothing()
                return found
            }
            try await jobs.enqueue(DeliverWebhook.Payload(delivery: id, firstAttempt: replayed.attempts + 1), tenant: tenant, in: tx)
            try await tx.audit(
                id, project: replayed.project, details: ["channel": replayed.channel.description, "event": replayed.event])
            return replayed
        }
    }
}

extension Delivery {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        channel = try row.value("channel_id")
        event = try row.value("event_id")
        eventType = try row.value("event_type")
        project = try row.value("project_id")
        body = try row.value("body")
        let word = try row.value("state", as: String.self)
        guard let known = State(rawValue: word) else {
            throw Fault(.internal, "deliveries.unknown_state", "A delivery has the unknown state \(word).")
        }
        state = known
        attempts = try row.value("attempts")
        lastStatus = try row.value("last_status")
        lastError = try row.value("last_error")
        nextAttemptAt = try row.value("next_attempt_at")
        createdAt = try row.value("created_at")
        deliveredAt = try row.value("delivered_at")
    }
}

extension Attempt {
    fileprivate init(row: Row) throws {
        number = try row.value("number")
        at = try row.value("at")
        status = try row.value("status")
        error = try row.value("error")
        milliseconds = try row.value("duration_ms")
        excerpt = try row.value("response_excerpt")
    }
}
