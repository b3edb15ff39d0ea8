import Audit
import Foundation
import Postgres
import Primitives

// What people say of places and incidents, carried into what is remembered of the tests in the transaction that writes it down.

extension EnvironmentStore {
    /// Who says something, when and why.
    struct Word: Sendable {
        let kind: EnvironmentVerdict.Kind
        let actor: String
        let reason: String
        let at: Date
    }

    /// A person says that it was the environment: what failed in a place is taken from its tests. What is put down to it already, and is to stay so, is
    /// found as it is.
    /// - Returns: `changed` is `false` when nothing was.
    /// - Throws: `environment_incident.nothing_failed`, `environment_incident.accounted_for`, `environment_incident.too_many_failures`.
    func declare(
        _ declaration: EnvironmentDeclaration, of project: ID<Project>, by actor: String, reason: String, at now: Date, tenant: ID<Tenant>
    ) async throws -> (incident: ID<EnvironmentIncident>, changed: Bool) {
        let meant = try await results(declaration, of: project, tenant: tenant)
        return try await database.transaction(.tenant(tenant)) { tx in
            try await tx.pipeline([FactStore.planning, "select pg_advisory_xact_lock(\(fragment: AliasStore.lock(project)))"])
            let taking = try await self.taking(declaration, meaning: meant, tenant: tenant, in: tx)
            if taking.isEmpty, let known = taking.incident, known.isUpheld { return (incident: known.id, changed: false) }
            let incident = taking.incident ?? EnvironmentIncident(declaring: declaration, in: project)
            if taking.incident == nil { try await Self.write([incident], tenant: tenant, in: tx) }
            try await uphold(incident, taking, Word(kind: .declared, actor: actor, reason: reason, at: now), tenant: tenant, in: tx)
            return (incident: incident.id, changed: true)
        }
    }

    /// A person gives the failures of an incident back to their tests, or takes those of one that does not stand from them again; of one that has none any
    /// more, whatever failed in its place from its first failure to its last.
    /// - Returns: `false` when that is so already, and nothing was changed.
    /// - Throws: as `declare`, for one that has no failures to be taken.
    func decide(
        _ decision: EnvironmentVerdict.Decision, on incident: EnvironmentIncident, by actor: String, reason: String, at now: Date,
        tenant: ID<Tenant>
    ) async throws -> Bool {
        let meant =
            try await decision == .reinstated
            ? results(EnvironmentDeclaration(again: incident, at: now), of: incident.project, tenant: tenant) : []
        return try await database.transaction(.tenant(tenant)) { tx in
            try await tx.pipeline([FactStore.planning, "select pg_advisory_xact_lock(\(fragment: AliasStore.lock(incident.project)))"])
            let known = try await tx.one(
                "select \(fragment: Self.columns) from environment_incidents where tenant_id = \(tenant) and id = \(incident.id)"
            ) { try EnvironmentIncident(row: $0) }
            switch decision {
            case .dismissed:
                guard known.state != .dismissed else { return false }
                try await dismiss(known, Word(kind: .dismissed, actor: actor, reason: reason, at: now), tenant: tenant, in: tx)
            case .reinstated:
                guard known.state != .standing else { return false }
                let taken = try await again(known, at: now, meaning: meant, tenant: tenant, in: tx)
                try await uphold(known, taken, Word(kind: .reinstated, actor: actor, reason: reason, at: now), tenant: tenant, in: tx)
            }
            return true
        }
    }

    private func again(
        _ incident: EnvironmentIncident, at now: Date, meaning meant: [ID<Result>], tenant: ID<Tenant>, in tx: Transaction
    ) async throws -> EnvironmentTaking {
        if incident.state == .dismissed, incident.failures > 0 {
            return EnvironmentTaking(failures: try await failures(of: incident.id, tenant: tenant, in: tx), incident: incident)
        }
        let declaration = try EnvironmentDeclaration(again: incident, at: now)
        return try await taking(declaration, meaning: meant, into: incident, tenant: tenant, in: tx)
    }

    /// What is kept of a place by now, and one more than can be taken. It is looked up by what failed of late in the project, which may be much: before
    /// facts have to wait.
    private func results(_ declaration: EnvironmentDeclaration, of project: ID<Project>, tenant: ID<Tenant>) async throws -> [ID<Result>] {
        try await database.rows(
            .tenant(tenant), after: FactStore.planning,
            """
            select result_id from environment_failures
            where tenant_id = \(tenant) and project_id = \(project) and started_at >= \(declaration.from) and started_at <= \(declaration.to)
              and \(fragment: Self.happened(in: declaration.place))
            order by started_at, result_id
            limit \(EnvironmentDeclaration.failureLimit + 1)
            """
        ) { try $0.value("result_id", as: ID<Result>.self) }
    }

    /// - Parameter meant: what failed in the place; it is read again by its keys.
    private func taking(
        _ declaration: EnvironmentDeclaration, meaning meant: [ID<Result>], into incident: EnvironmentIncident? = nil, tenant: ID<Tenant>,
        in tx: Transaction
    ) async throws -> EnvironmentTaking {
        guard meant.count <= EnvironmentDeclaration.failureLimit else { throw Fault.tooManyEnvironmentFailures }
        let kept = try await tx.rows(
            """
            select \(fragment: Self.failureColumns) from environment_failures
            where tenant_id = \(tenant) and result_id = any(\(meant))
            order by started_at, result_id
            """
        ) { try PlacedFailure(row: $0) }
        let incidents = Set(kept.compactMap(\.incident)).sorted()
        let known = try await tx.rows(
            "select \(fragment: Self.columns) from environment_incidents where tenant_id = \(tenant) and id = any(\(incidents))"
        ) { try EnvironmentIncident(row: $0) }
        return try EnvironmentTaking(declaration.place, kept: kept, known: known, into: incident)
    }

    private static func happened(in place: EnvironmentPlace) -> SQL {
        switch place {
        case .host(let name): "host = \(name)"
        case .zone(let name): "zone = \(name)"
        case .hour(let hour): "started_at >= \(hour) and started_at < \(hour + 3_600)"
        case .run(let run): "run_id = \(run)"
        }
    }

    private func failures(of incident: ID<EnvironmentIncident>, tenant: ID<Tenant>, in tx: Transaction) async throws -> [PlacedFailure] {
        try await tx.rows(
            "select \(fragment: Self.failureColumns) from environment_failures where tenant_id = \(tenant) and incident_id = \(incident)"
        ) { try PlacedFailure(row: $0) }
    }

    /// The incident stands with what is taken, whatever is found later.
    private func uphold(
        _ incident: EnvironmentIncident, _ taking: EnvironmentTaking, _ word: Word, tenant: ID<Tenant>, in tx: Transaction
    ) async throws {
        let isDeclared = word.kind == .declared
        try await tx.execute(
            """
            update environment_incidents set
                state = \(EnvironmentIncident.State.standing.rawValue), dismissed_by = '', dismissal_reason = '', dismissed_at = null, upheld = true,
                declared_by = \(isDeclared ? word.actor : incident.declaredBy), declared_at = \(isDeclared ? word.at : incident.declaredAt),
                version = version + 1
            where tenant_id = \(tenant) and id = \(incident.id)
            """)
        let moved = taking.moved.map(\.result)
        if !moved.isEmpty {
            let changed = [incident.id] + taking.losing
            try await tx.pipeline([
                """
                update environment_failures set incident_id = \(incident.id)
                where tenant_id = \(tenant) and result_id = any(\(moved))
                """,
                Self.recounting(changed, tenant: tenant),
            ])
        }
        // What a person said of the failure itself holds beside every incident.
        let excused = taking.failures.filter { !$0.isSaid }
        try await stabilities.change(excusing: excused, readmitting: [], project: incident.project, tenant: tenant, in: tx)
        try await note(word, on: incident, tenant: tenant, in: tx)
    }

    private func dismiss(_ incident: EnvironmentIncident, _ word: Word, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let placed = try await failures(of: incident.id, tenant: tenant, in: tx)
        try await tx.execute(
            """
            update environment_incidents set
                state = \(EnvironmentIncident.State.dismissed.rawValue), dismissed_by = \(word.actor), dismissal_reason = \(word.reason),
                dismissed_at = \(word.at), upheld = false, version = version + 1
            where tenant_id = \(tenant) and id = \(incident.id)
            """)
        let readmitted = placed.filter { !$0.isSaid }
        try await stabilities.change(excusing: [], readmitting: readmitted, project: incident.project, tenant: tenant, in: tx)
        try await note(word, on: incident, tenant: tenant, in: tx)
    }

    /// Keeps the words themselves. What is told of an incident changes with them although its failures may not.
    private func note(_ word: Word, on incident: EnvironmentIncident, tenant: ID<Tenant>, in tx: Transaction) async throws {
        let isDeclared = word.kind == .declared
        let kind = isDeclared ? EnvironmentVerdict.Kind.reinstated : word.kind
        try await tx.pipeline([
            """
            insert into environment_verdicts (tenant_id, incident_id, version, project_id, kind, declared, reason, decided_by, decided_at)
            values (
                \(tenant), \(incident.id), \(incident.version + 1), \(incident.project), \(kind.rawValue), \(isDeclared), \(word.reason),
                \(word.actor), \(word.at))
            """,
            RevisionStore.raising(incident.project, tenant: tenant),
        ])
        try await tx.audit(incident.id, project: incident.project, details: ["place": incident.place, "reason": word.reason])
    }
}
