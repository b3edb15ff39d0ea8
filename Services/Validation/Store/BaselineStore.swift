import Audit
import Foundation
import Postgres
import Primitives

/// All SQL about baselines.
struct BaselineStore: Sendable {
    let database: Database

    private static let columns: SQL = """
        b.id, b.project_id, b.branch, b.environment, b.number, b.run_id, b.commit_sha, b.passed, b.failed, b.errored, b.skipped, b.note,
        case when b.withdrawn_at is not null then 'withdrawn' else b.state end as state, b.proposed_by, b.proposed_at, b.proposed_persons,
        b.decided_by, b.decided_at, b.decision_note, b.withdrawn_by, b.withdrawn_at, b.withdrawal_note, b.version,
        b.state = 'approved' and not exists (
            select from baselines n
            where n.tenant_id = b.tenant_id and n.project_id = b.project_id and n.branch = b.branch and n.environment = b.environment
              and n.state = 'approved' and n.number > b.number) as in_force
        """

    // MARK: - Proposing and deciding

    /// A run that is proposed or approved already stays what it is. Where all of its baselines were rejected or withdrawn, it becomes one more: a
    /// decision stays, and one that was a mistake is mended by the next.
    /// - Throws: `validation.not_found` for a run that nothing has been heard of, `baselines.run_unsuitable`.
    func insert(run: ID<Run>, note: String, by author: Baseline.Author, project: ID<Project>, tenant: ID<Tenant>) async throws -> Baseline {
        try await database.transaction(.tenant(tenant)) { tx in
            // One proposal at a time in a project, for the numbers.
            try await tx.execute("select pg_advisory_xact_lock(hashtextextended('baselines/' || \(project.description), 0))")
            let standing: SQL = "b.run_id = \(run) and b.project_id = \(project) and b.state in ('proposed', 'approved')"
            if let first = try await find(standing, tenant, in: tx) {
                AuditedCall.changedNothing()
                return first
            }
            let known = try await tx.first(
                """
                select lane = 'trusted' and judged_at is not null and is_whole and passed > 0 as suits from validations
                where tenant_id = \(tenant) and run_id = \(run) and project_id = \(project)
                """
            ) { try $0.value("suits", as: Bool.self) }
            guard let known else { throw Fault.nothingJudged(run) }
            guard known else { throw Fault.baselineUnsuitable(run) }
            let id = ID<Baseline>.new()
            try await tx.execute(
                """
                insert into baselines (
                    tenant_id, id, project_id, branch, environment, number, run_id, commit_sha, passed, failed, errored, skipped, note, proposed_by,
                    proposed_persons)
                select tenant_id, \(id), project_id, branch, environment,
                    1 + (select coalesce(max(number), 0) from baselines b
                        where b.tenant_id = v.tenant_id and b.project_id = v.project_id and b.branch = v.branch and b.environment = v.environment),
                    run_id, commit_sha, passed, failed, errored, skipped, \(note), \(author.actor), \(author.persons.sorted())
                from validations v where tenant_id = \(tenant) and run_id = \(run)
                """)
            guard let made = try await find("b.id = \(id)", tenant, in: tx) else { throw Fault.notFound("baseline", id) }
            try await tx.audit(made.id, project: project, details: details(made, note: note))
            return made
        }
    }

    /// - Parameter allowed: checks the project before anything is done.
    /// - Throws: `baseline.not_found`, `baselines.decided`, `baselines.own_proposal`.
    func decide(
        _ id: ID<Baseline>, _ decision: Baseline.Decision, note: String, by author: Baseline.Author, tenant: ID<Tenant>,
        allowed: @Sendable (Baseline) throws -> Void
    ) async throws -> Baseline {
        try await change(id, tenant: tenant, allowed: allowed) { before, tx in
            let twoPersons = try await settings(of: before.project, tenant, in: tx).twoPersons
            guard try before.mayDecide(decision, by: author, twoPersons: twoPersons) else { return false }
            try await tx.execute(
                """
                update baselines set state = \(decision.state.rawValue), decided_by = \(author.actor), decided_at = now(), decision_note = \(note),
                    version = version + 1
                where tenant_id = \(tenant) and id = \(id)
                """)
            return true
        } details: {
            details($0, note: note)
        }
    }

    /// Takes an approval back: what was approved before it is in force again.
    /// - Throws: `baseline.not_found`, `baselines.not_approved`.
    func withdraw(
        _ id: ID<Baseline>, note: String, by actor: String, tenant: ID<Tenant>, allowed: @Sendable (Baseline) throws -> Void
    ) async throws -> Baseline {
        try await change(id, tenant: tenant, allowed: allowed) { before, tx in
            guard try before.mayWithdraw() else { return false }
            try await tx.execute(
                """
                update baselines set state = 'rejected', withdrawn_by = \(actor), withdrawn_at = now(), withdrawal_note = \(note),
                    version = version + 1
                where tenant_id = \(tenant) and id = \(id)
                """)
            return true
        } details: {
            details($0, note: note)
        }
    }

    /// - Parameter body: answers `false` where there is nothing to change.
    private func change(
        _ id: ID<Baseline>, tenant: ID<Tenant>, allowed: @Sendable (Baseline) throws -> Void,
        _ body: @Sendable (Baseline, Transaction) async throws -> Bool, details: @Sendable (Baseline) -> [String: String]
    ) async throws -> Baseline {
        try await database.transaction(.tenant(tenant)) { tx in
            try await tx.execute("select from baselines where tenant_id = \(tenant) and id = \(id) for update")
            guard let before = try await find("b.id = \(id)", tenant, in: tx) else { throw Fault.notFound("baseline", id) }
            try allowed(before)
            guard try await body(before, tx) else {
                AuditedCall.changedNothing()
                return before
            }
            guard let after = try await find("b.id = \(id)", tenant, in: tx) else { throw Fault.notFound("baseline", id) }
            try await tx.audit(after.id, project: after.project, details: details(after))
            return after
        }
    }

    // MARK: - Reading

    /// - Throws: `baseline.not_found`.
    func get(_ id: ID<Baseline>, tenant: ID<Tenant>) async throws -> Baseline {
        let found = try await database.lookUp(
            .tenant(tenant), "select \(fragment: Self.columns) from baselines b where b.tenant_id = \(tenant) and b.id = \(id)"
        ) { try Baseline(row: $0) }
        guard let found else { throw Fault.notFound("baseline", id) }
        return found
    }

    /// Those that there are.
    func find(_ ids: [ID<Baseline>], tenant: ID<Tenant>) async throws -> [Baseline] {
        try await database.rows(
            .tenant(tenant), "select \(fragment: Self.columns) from baselines b where b.tenant_id = \(tenant) and b.id = any(\(ids.map(\.uuid)))"
        ) { try Baseline(row: $0) }
    }

    /// Newest first.
    func list(
        _ page: PageRequest, branch: String?, environment: String?, states: [Baseline.State], project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> Page<Baseline> {
        let before = try page.after(ID<Baseline>.self)
        let words = states.map(\.rawValue)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from baselines b
            where b.tenant_id = \(tenant) and b.project_id = \(project)
              and (\(branch)::text is null or b.branch = \(branch)) and (\(environment)::text is null or b.environment = \(environment))
              and (cardinality(\(words)::text[]) = 0
                or case when b.withdrawn_at is not null then 'withdrawn' else b.state end = any(\(words)::text[]))
              and (\(before)::uuid is null or b.id < \(before))
            order by b.id desc
            limit \(page.limit + 1)
            """
        ) { try Baseline(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// The newest approved ones, one a branch and environment, in the order of these.
    /// - Parameter line: this branch and environment alone.
    func inForce(
        _ page: PageRequest, line: (branch: String, environment: String)?, project: ID<Project>, tenant: ID<Tenant>
    ) async throws -> Page<Baseline> {
        var after: Baseline?
        if let last = try page.after(ID<Baseline>.self) { after = try await get(last, tenant: tenant) }
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from (
                select distinct on (branch, environment) * from baselines
                where tenant_id = \(tenant) and project_id = \(project) and state = 'approved'
                  and (\(line?.branch)::text is null or branch = \(line?.branch) and environment = \(line?.environment))
                  and (\(after?.branch)::text is null or (branch, environment) > (\(after?.branch), \(after?.environment)))
                order by branch, environment, number desc
                limit \(page.limit + 1)
            ) b
            order by b.branch, b.environment
            """
        ) { try Baseline(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    private func find(_ condition: SQL, _ tenant: ID<Tenant>, in tx: Transaction) async throws -> Baseline? {
        try await tx.first(
            "select \(fragment: Self.columns) from baselines b where b.tenant_id = \(tenant) and \(fragment: condition)"
        ) { try Baseline(row: $0) }
    }

    private func details(_ baseline: Baseline, note: String) -> [String: String] {
        [
            "run": baseline.run.description, "branch": baseline.branch, "environment": baseline.environment, "number": "\(baseline.number)",
            "note": note,
        ]
    }

    // MARK: - Settings

    /// How baselines of a project come into force.
    struct Settings: Sendable, Equatable {
        var twoPersons = false
        var version: Int64 = 1
    }

    func settings(of project: ID<Project>, tenant: ID<Tenant>) async throws -> Settings {
        try await database.transaction(.tenant(tenant)) { tx in try await settings(of: project, tenant, in: tx) }
    }

    /// - Throws: `precondition_failed`.
    func put(twoPersons: Bool, version: Int64, of project: ID<Project>, tenant: ID<Tenant>) async throws -> Settings {
        try await database.transaction(.tenant(tenant)) { tx in
            let stored = try await tx.first(
                """
                insert into baseline_settings as s (tenant_id, project_id, two_persons)
                select \(tenant), \(project), \(twoPersons)
                where \(version) in (0, 1) or exists (select from baseline_settings where tenant_id = \(tenant) and project_id = \(project))
                on conflict on constraint baseline_settings_pkey do update
                    set two_persons = excluded.two_persons, version = s.version + 1
                    where \(version) = 0 or s.version = \(version)
                returning two_persons, version
                """
            ) { Settings(twoPersons: try $0.value("two_persons"), version: try $0.value("version")) }
            guard let stored else { throw Fault.versionStale }
            try await tx.audit(project, project: project, details: ["two_persons": "\(twoPersons)", "version": "\(stored.version)"])
            return stored
        }
    }

    private func settings(of project: ID<Project>, _ tenant: ID<Tenant>, in tx: Transaction) async throws -> Settings {
        try await tx.first(
            "select two_persons, version from baseline_settings where tenant_id = \(tenant) and project_id = \(project)"
        ) { Settings(twoPersons: try $0.value("two_persons"), version: try $0.value("version")) } ?? Settings()
    }
}

extension Baseline {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        project = try row.value("project_id")
        branch = try row.value("branch")
        environment = try row.value("environment")
        number = try row.value("number")
        run = try row.value("run_id")
        commit = try row.value("commit_sha")
        tally = Tally(
            passed: try row.value("passed"), failed: try row.value("failed"), errored: try row.value("errored"), skipped: try row.value("skipped"))
        state = try stored(row.value("state"))
        isInForce = try row.value("in_force")
        note = try row.value("note")
        proposedBy = try row.value("proposed_by")
        proposedAt = try row.value("proposed_at")
        decidedBy = try row.value("decided_by")
        decidedAt = try row.value("decided_at")
        decisionNote = try row.value("decision_note")
        withdrawal = try row.value("withdrawn_at", as: Date?.self).map {
            Withdrawal(by: try row.value("withdrawn_by", as: String?.self) ?? "", at: $0, note: try row.value("withdrawal_note"))
        }
        proposedPersons = Set(try row.value("proposed_persons", as: [String].self))
        version = try row.value("version")
    }
}
