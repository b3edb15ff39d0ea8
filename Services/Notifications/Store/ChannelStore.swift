import Audit
import Foundation
import Postgres
import Primitives
import Sealing

/// All SQL about channels. Signing secrets are sealed on the way in and opened on the way out.
struct ChannelStore: Sendable {
    let database: Database
    let vault: Vault

    private static let columns: SQL = "id, name, kind, url, repository, events, project_id, enabled, disabled_reason, created_at, version"

    /// - Parameter key: the idempotency key; the same one again gives the first channel and its secret.
    func insert(_ draft: Channel.Draft, key: String?, tenant: ID<Tenant>) async throws -> (Channel, Secret<String>) {
        let id = ID<Channel>.new()
        let secret = draft.token ?? WebhookSignature.newSecret()
        // Before the transaction, which another one would have to wait for: the first value of a tenant makes its data key.
        let sealed = try await vault.seal(Data(secret.reveal().utf8), context(id, tenant))
        let (channel, kept) = try await database.transaction(.tenant(tenant)) { tx in
            let inserted = try await tx.first(
                """
                insert into channels (tenant_id, id, name, kind, url, repository, events, project_id, secret, idempotency_key)
                values (
                    \(tenant), \(id), \(draft.name), \(draft.kind.rawValue), \(draft.url), \(draft.repository), \(draft.events), \(draft.project),
                    \(sealed), \(key))
                on conflict on constraint channels_tenant_id_idempotency_key_unique do nothing
                returning \(fragment: Self.columns)
                """
            ) { try Channel(row: $0) }
            if let inserted {
                try await audit(inserted, in: tx)
                return (inserted, nil as Data?)
            }
            AuditedCall.changedNothing()
            return try await tx.one(
                "select \(fragment: Self.columns), secret from channels where tenant_id = \(tenant) and idempotency_key = \(key)"
            ) { (try Channel(row: $0), try $0.value("secret", as: Data.self)) }
        }
        guard let kept else { return (channel, secret) }
        return (channel, try await open(kept, channel.id, tenant))
    }

    /// - Throws: `channel.not_found`.
    func get(_ id: ID<Channel>, tenant: ID<Tenant>) async throws -> Channel {
        let found = try await database.lookUp(
            .tenant(tenant),
            "select \(fragment: Self.columns) from channels where tenant_id = \(tenant) and id = \(id)"
        ) { try Channel(row: $0) }
        guard let found else { throw Fault.notFound("channel", id) }
        return found
    }

    /// What a delivery needs. `nil` when the channel is gone.
    func target(_ id: ID<Channel>, tenant: ID<Tenant>) async throws -> (channel: Channel, secret: Secret<String>)? {
        let found = try await database.first(
            .tenant(tenant),
            "select \(fragment: Self.columns), secret from channels where tenant_id = \(tenant) and id = \(id)"
        ) { (channel: try Channel(row: $0), sealed: try $0.value("secret", as: Data.self)) }
        guard let found else { return nil }
        return (found.channel, try await open(found.sealed, id, tenant))
    }

    /// Newest first.
    /// - Parameter only: the projects whose channels the caller may see; `nil` for all, those of the whole organization among them.
    func list(_ page: PageRequest, only: [UUID]?, tenant: ID<Tenant>) async throws -> Page<Channel> {
        let before = try page.after(ID<Channel>.self)
        let rows = try await database.rows(
            .tenant(tenant),
            """
            select \(fragment: Self.columns) from channels
            where tenant_id = \(tenant) and (\(before)::uuid is null or id < \(before))
              and (\(only)::uuid[] is null or project_id = any(\(only)))
            order by id desc
            limit \(page.limit + 1)
            """
        ) { try Channel(row: $0) }
        return Page(rows: rows, limit: page.limit) { $0.id.description }
    }

    /// Switching it on again clears the reason why it was off.
    /// - Parameters:
    ///   - version: that the channel must have; 0 for any.
    ///   - key: the idempotency key; the same one again changes nothing and gives the channel as it is.
    /// - Throws: `channel.not_found`, `precondition_failed`.
    func update(_ id: ID<Channel>, _ change: Channel.Change, version: Int64, key: String?, tenant: ID<Tenant>) async throws -> Channel {
        var sealed: Data?
        if let token = change.token { sealed = try await vault.seal(Data(token.reveal().utf8), context(id, tenant)) }
        return try await database.transaction(.tenant(tenant)) { tx in
            let updated = try await tx.first(
                """
                update channels
                set name = coalesce(\(change.name), name), url = coalesce(\(change.url), url), enabled = coalesce(\(change.enabled), enabled),
                    secret = coalesce(\(sealed), secret),
                    disabled_reason = case when \(change.enabled) then '' else disabled_reason end, version = version + 1, change_key = \(key)
                where tenant_id = \(tenant) and id = \(id) and (\(version) = 0 or version = \(version))
                  and (\(key)::text is null or change_key is distinct from \(key))
                returning \(fragment: Self.columns)
                """
            ) { try Channel(row: $0) }
            if let updated {
                try await audit(updated, in: tx)
                return updated
            }
            let found = try await tx.first(
                "select \(fragment: Self.columns), change_key from channels where tenant_id = \(tenant) and id = \(id)"
            ) { (channel: try Channel(row: $0), key: try $0.value("change_key", as: String?.self)) }
            guard let found else { throw Fault.notFound("channel", id) }
            guard let key, found.key == key else { throw Fault.versionStale }
            AuditedCall.changedNothing()
            return found.channel
        }
    }

    func disable(_ id: ID<Channel>, reason: String, tenant: ID<Tenant>) async throws {
        try await database.execute(
            .tenant(tenant),
            """
            update channels set enabled = false, disabled_reason = \(reason), version = version + 1, change_key = null
            where tenant_id = \(tenant) and id = \(id) and enabled
            """)
    }

    /// Its deliveries go with it.
    /// - Parameter version: that the channel must have; 0 for any.
    /// - Throws: `channel.not_found`, `precondition_failed`.
    func delete(_ id: ID<Channel>, version: Int64, tenant: ID<Tenant>) async throws {
        try await database.transaction(.tenant(tenant)) { tx in
            let deleted = try await tx.first(
                """
                delete from channels where tenant_id = \(tenant) and id = \(id) and (\(version) = 0 or version = \(version))
                returning \(fragment: Self.columns)
                """
            ) { try Channel(row: $0) }
            guard let deleted else {
                let isThere = try await tx.first("select from channels where tenant_id = \(tenant) and id = \(id)") { _ in true } != nil
                throw isThere ? Fault.versionStale : Fault.notFound("channel", id)
            }
            try await audit(deleted, in: tx)
        }
    }

    /// The URL stays out: those of chat systems are secrets.
    private func audit(_ channel: Channel, in tx: Transaction) async throws {
        let events = channel.events.joined(separator: " ")
        try await tx.audit(
            channel.id, project: channel.project, details: ["name": channel.name, "events": events, "enabled": "\(channel.enabled)"])
    }

    /// Seals up to `limit` secrets anew that were sealed before tenants had keys of their own (first byte 1).
    /// - Returns: how many there were.
    func reseal(limit: Int) async throws -> Int {
        let old = try await database.rows(
            .system, "select tenant_id, id, secret from channels where get_byte(secret, 0) = 1 limit \(limit)"
        ) {
            (
                tenant: try $0.value("tenant_id", as: ID<Tenant>.self), id: try $0.value("id", as: ID<Channel>.self),
                sealed: try $0.value("secret", as: Data.self)
            )
        }
        for row in old {
            let secret = try await open(row.sealed, row.id, row.tenant)
            let sealed = try await vault.seal(Data(secret.reveal().utf8), context(row.id, row.tenant))
            // Nobody changes a secret, but somebody else may have resealed it.
            try await database.execute(
                .tenant(row.tenant),
                "update channels set secret = \(sealed) where tenant_id = \(row.tenant) and id = \(row.id) and secret = \(row.sealed)")
        }
        return old.count
    }

    private func context(_ id: ID<Channel>, _ tenant: ID<Tenant>) -> SealContext {
        SealContext(tenant: tenant, table: "channels", column: "secret", row: id.uuid)
    }

    private func open(_ sealed: Data, _ id: ID<Channel>, _ tenant: ID<Tenant>) async throws -> Secret<String> {
        Secret(String(decoding: try await vault.open(sealed, context(id, tenant)), as: UTF8.self))
    }
}

extension Channel {
    fileprivate init(row: Row) throws {
        id = try row.value("id")
        name = try row.value("name")
        let word = try row.value("kind", as: String.self)
        guard let known = Kind(rawValue: word) else {
            throw Fault(.internal, "channels.unknown_kind", "A channel has the unknown kind \(word).")
        }
        kind = known
        repository = try row.value("repository")
        url = try row.value("url")
        events = try row.value("events")
        project = try row.value("project_id")
        enabled = try row.value("enabled")
        disabledReason = try row.value("disabled_reason")
        createdAt = try row.value("created_at")
        version = try row.value("version")
    }
}
