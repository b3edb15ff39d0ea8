import Audit
import Foundation
import Postgres
import Primitives
import Sealing

/// All SQL about secrets of tests. Values are sealed on the way in and opened on the way to a case that is carried out, nowhere else.
struct SecretStore: Sendable {
    let database: Database
    let vault: Vault

    private static let columns: SQL = "id, project_id, name, environment, hosts, updated_by, created_at, updated_at, version"

    /// - Parameter key: the idempotency key; the same one again gives the first secret.
    /// - Throws: `secrets.name_taken`, `secrets.full`.
    func insert(_ draft: TestSecret.Draft, by actor: String, key: String?, tenant: ID<Tenant>) async throws -> TestSecret {
        let id = ID<TestSecret>.new()
        // Before the transaction, which another one would have to wait for: the first value of a tenant makes its data key.
        let sealed = try await seal(draft.value, id, tenant)
        return try await database.transaction(.tenant(tenant)) { tx in
            if let key, let first = try await find(key: key, tenant, in: tx) { return first }
            // Two at once must not both be the last that has room.
            try await tx.execute("select pg_advisory_xact_lock(hashtextextended(\("secrets \(draft.project)"), 0))")
            let count = try await tx.one(
                "select count(*) as n from secrets where tenant_id = \(tenant) and project_id = \(draft.project)"
            ) { try $0.value("n", as: Int.self) }
            guard count < TestSecret.maxCount else { throw Fault.secretsFull }
            let inserted = try await tx.first(
                """
                insert into secrets (tenant_id, id, project_id, name, environment, hosts, value, updated_by, idempotency_key)
                values (
                    \(tenant), \(id), \(draft.project), \(draft.name), \(draft.environment), \(draft.hosts.map(\.text)), \(sealed), \(actor), \(key))
                on conflict do nothing
                returning \(fragment: Self.columns)
                """
            ) { try TestSecret(row: $0) }
            if let inserted {
                try await audit(inserted, ["value": "set"], in: tx)
                return inserted
            }
            if let key, let first = try await find(key: key, tenant, in: tx) { return first }
            throw Fault.secretNameTaken(draft.name, environment: draft.environment)
        }
    }

    private func find(key: String, _ tenant: ID<Tenant>, in tx: Transaction) async throws -> TestSecret? {
        let found = try await tx.first(
            "select \(fragment: Self.columns) from secrets where tenant_id = \(tenant) and idempotency_key = \(key)"
        ) { try TestSecret(row: $0) }
        if found != nil { AuditedCall.changedNothing() }
        return found
    }

    /// - Throws: `secret.not_found`.
    func get(_ id: ID<TestSecret>, tenant: ID<Tenant>) async throws -> TestSecret {
        let found = try await database.lookUp(
            .tenant(tenant), "select \(fragment: Self.columns) from secrets where tenant_id = \(tenant) and id = \(id)"
        ) { try TestSecret(row: $0) }
        guard let found else { throw Fault.notFound("secret", id) }
        return found
    }

    /// Newest first.
    func list(of project: ID<Project>, _ page: PageRequest, tenant: ID<Tenant>) async throws -> Page<TestSecret> {
        let before = try page.after(ID<TestSecret>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from secrets
            where tenant_id = \(tenant) and project_id = \(project) and (\(before)::uuid is null or id < \(before))
            order by id desc
            limit \(page.limit + 1)
            """
        ) { try TestSecret(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// What a case of a run may use and must not show.
    func known(project: ID<Project>, run: ID<Run>, tenant: ID<Tenant>) async throws -> ProjectSecrets {
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select s.id, s.name, s.environment, s.hosts, s.value,
                coalesce((select environment from runs r where r.tenant_id = \(tenant) and r.id = \(run)), '') as run_environment
            from secrets s
            where s.tenant_id = \(tenant) and s.project_id = \(project)
            order by s.id
            """
        ) {
            (
                id: try $0.value("id", as: ID<TestSecret>.self), name: try $0.value("name", as: String.self),
                environment: try $0.value("environment", as: String.self), hosts: try $0.value("hosts", as: [String].self),
                sealed: try $0.value("value", as: Data.self), wanted: try $0.value("run_environment", as: String.self)
            )
        }
        var known: [ProjectSecrets.Known] = []
        for row in rows {
            let value = try await vault.open(row.sealed, context(row.id, tenant))
            known.append(
                .init(
                    name: row.name, environment: row.environment, hosts: row.hosts.map(AllowedHost.init(stored:)),
                    value: Secret(String(decoding: value, as: UTF8.self))))
        }
        return ProjectSecrets(known, environment: rows.first?.wanted ?? "")
    }

    /// - Parameters:
    ///   - hosts: nil leaves them as they are, as does a value.
    ///   - version: that the secret must have; 0 for any.
    ///   - key: the idempotency key; the same one again changes nothing and gives the secret as it is.
    /// - Throws: `secret.not_found`, `precondition_failed`.
    func update(
        _ id: ID<TestSecret>, value: Secret<String>?, hosts: [AllowedHost]?, version: Int64, by actor: String, key: String?, tenant: ID<Tenant>
    ) async throws -> TestSecret {
        var sealed: Data?
        if let value { sealed = try await seal(value, id, tenant) }
        return try await database.transaction(.tenant(tenant)) { tx in
            let updated = try await tx.first(
                """
                update secrets
                set value = coalesce(\(sealed), value), hosts = coalesce(\(hosts.map { $0.map(\.text) }), hosts), updated_at = now(),
                    updated_by = \(actor), version = version + 1, change_key = \(key)
                where tenant_id = \(tenant) and id = \(id) and (\(version) = 0 or version = \(version))
                  and (\(key)::text is null or change_key is distinct from \(key))
                returning \(fragment: Self.columns)
                """
            ) { try TestSecret(row: $0) }
            if let updated {
                try await audit(updated, ["value": sealed == nil ? "kept" : "set"], in: tx)
                return updated
            }
            let found = try await tx.first(
                "select \(fragment: Self.columns), change_key from secrets where tenant_id = \(tenant) and id = \(id)"
            ) { (secret: try TestSecret(row: $0), key: try $0.value("change_key", as: String?.self)) }
            guard let found else { throw Fault.notFound("secret", id) }
            guard let key, found.key == key else { throw Fault.versionStale }
            AuditedCall.changedNothing()
            return found.secret
        }
    }

    /// - Parameter version: that the secret must have; 0 for any.
    /// - Throws: `secret.not_found`, `precondition_failed`.
    func delete(_ id: ID<TestSecret>, version: Int64, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let deleted = try await tx.first(
                """
                delete from secrets where tenant_id = \(tenant) and id = \(id) and (\(version) = 0 or version = \(version))
                returning \(fragment: Self.columns)
                """
            ) { try TestSecret(row: $0) }
            guard let deleted else {
                let isThere = try await tx.first("select from secrets where tenant_id = \(tenant) and id = \(id)") { _ in true } != nil
                throw isThere ? Fault.versionStale : Fault.notFound("secret", id)
            }
            try await audit(deleted, [:], in: tx)
        }
    }

    private func audit(_ secret: TestSecret, _ more: [String: String], in tx: Transaction) async throws {
        let hosts = secret.hosts.map(\.text).joined(separator: " ")
        let details = ["name": secret.name, "environment": secret.environment, "hosts": hosts].merging(more) { $1 }
        try await tx.audit(secret.id, project: secret.project, details: details)
    }

    private func seal(_ value: Secret<String>, _ id: ID<TestSecret>, _ tenant: ID<Tenant>) async throws -> Data {
        try await vault.seal(Data(value.reveal().utf8), context(id, tenant))
    }

    private func context(_ id: ID<TestSecret>, _ tenant: ID<Tenant>) -> SealContext {
        SealContext(tenant: tenant, table: "secrets", column: "value", row: id.uuid)
    }
}

extension TestSecret {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        project = try row.value("project_id")
        name = try row.value("name")
        environment = try row.value("environment")
        hosts = try row.value("hosts", as: [String].self).map(AllowedHost.init(stored:))
        updatedBy = try row.value("updated_by")
        createdAt = try row.value("created_at")
        updatedAt = try row.value("updated_at")
        version = try row.value("version")
    }
}
