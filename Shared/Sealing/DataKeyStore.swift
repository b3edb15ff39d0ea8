import Foundation
import Postgres
import Primitives

/// All SQL about data keys. They are wrapped on the way in and unwrapped on the way out.
struct DataKeyStore: Sendable {
    let database: Database
    let sealer: Sealer

    /// Takes `block` seals out of the newest key that is young enough and has them left, or out of a new key.
    ///
    /// Two processes may both make one; then the tenant has two, both good.
    func reserve(_ block: Int, limits: DataKeyLimits, tenant: ID<Tenant>) async throws -> DataKey {
        let known = try await database.first(
            .tenant(tenant),
            """
            update data_keys set uses = uses + \(block)
            where tenant_id = \(tenant) and uses + \(block) <= \(limits.uses) and id = (
                select id from data_keys
                where tenant_id = \(tenant) and uses + \(block) <= \(limits.uses)
                    and created_at > now() - make_interval(secs => \(Double(limits.age.components.seconds)))
                order by created_at desc, id desc
                limit 1)
            returning id, wrapped
            """
        ) { try unwrap($0, tenant) }
        if let known { return known }
        let key = DataKey.make()
        try await database.execute(
            .tenant(tenant),
            """
            insert into data_keys (tenant_id, id, kek, wrapped, uses)
            values (\(tenant), \(key.id), \(sealer.currentID), \(wrap(key, tenant)), \(block))
            """)
        return key
    }

    /// - Throws: `sealing.unknown_key` when the tenant has no such key (any more).
    func get(_ id: ID<DataKey>, tenant: ID<Tenant>) async throws -> DataKey {
        let found = try await database.lookUp(
            .tenant(tenant), "select id, wrapped from data_keys where tenant_id = \(tenant) and id = \(id)"
        ) { try unwrap($0, tenant) }
        guard let found else { throw Fault.sealKeyUnknown }
        return found
    }

    /// One key under each of the wrapping keys in use, the newest: who can open these can open all.
    func samples() async throws -> [(kek: String, opens: Bool)] {
        try await database.rows(
            .system, "select distinct on (kek) kek, tenant_id, id, wrapped from data_keys order by kek, created_at desc"
        ) { row in
            let tenant: ID<Tenant> = try row.value("tenant_id")
            return (try row.value("kek"), (try? unwrap(row, tenant)) != nil)
        }
    }

    /// Wraps up to `limit` keys anew that are under another than the current wrapping key. Rows that another process is at are left to it.
    /// - Returns: how many were done.
    func rewrap(limit: Int) async throws -> Int {
        try await database.transaction(.system) { tx in
            let stale = try await tx.rows(
                """
                select tenant_id, id, wrapped from data_keys where kek <> \(sealer.currentID)
                order by tenant_id, id limit \(limit) for update skip locked
                """
            ) { row in
                let tenant: ID<Tenant> = try row.value("tenant_id")
                return (tenant: tenant, key: try unwrap(row, tenant))
            }
            guard !stale.isEmpty else { return 0 }
            return try await tx.execute(
                """
                update data_keys k set kek = \(sealer.currentID), wrapped = n.wrapped
                from unnest(\(stale.map(\.tenant.uuid)), \(stale.map(\.key.id.uuid)), \(stale.map { wrap($0.key, $0.tenant) })) as n (tenant_id, id, wrapped)
                where k.tenant_id = n.tenant_id and k.id = n.id
                """)
        }
    }

    /// Keys that are still under another than the current wrapping key.
    func staleCount() async throws -> Int {
        try await database.one(.system, "select count(*) as stale from data_keys where kek <> \(sealer.currentID)") { try $0.value("stale") }
    }

    private func context(_ id: ID<DataKey>, _ tenant: ID<Tenant>) -> SealContext {
        SealContext(tenant: tenant, table: "data_keys", column: "wrapped", row: id.uuid)
    }

    private func wrap(_ key: DataKey, _ tenant: ID<Tenant>) -> Data {
        sealer.seal(key.bytes.reveal(), context: context(key.id, tenant))
    }

    private func unwrap(_ row: Row, _ tenant: ID<Tenant>) throws -> DataKey {
        let id: ID<DataKey> = try row.value("id")
        return try DataKey(id: id, bytes: sealer.open(try row.value("wrapped"), context: context(id, tenant)))
    }
}

/// When a data key is replaced by a new one (R46). Values that it has sealed stay readable.
struct DataKeyLimits: Sendable {
    /// Random nonces of 96 bits: up to here the odds that two are alike stay below 2⁻³² (NIST SP 800-38D, section 8.3).
    var uses = 1 << 32
    var age = Duration.seconds(90 * 86_400)
    /// Seals that a process takes out at once, so that not every seal is a write.
    var block = 256
}
