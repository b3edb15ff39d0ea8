import Postgres

/// The table of a service's data keys, for the `Migrator` to make in the schema of each service that seals.
package enum DataKeySchema {
    package static let schema = Schema(name: "sealing", files: [SchemaFile(name: "0001_data_keys.sql", sql: dataKeys)])

    /// Deleting a tenant's rows here makes everything unreadable that was sealed for it (R45).
    private static let dataKeys = """
        create table data_keys (
            tenant_id uuid not null,
            id uuid not null,
            -- The key from a file that wraps it.
            kek text not null,
            wrapped bytea not null,
            -- Seals that processes have taken out for themselves; a key is replaced before random nonces could meet.
            uses bigint not null,
            created_at timestamptz not null default now(),
            constraint data_keys_pkey primary key (tenant_id, id)
        );
        -- The newest key of a tenant seals.
        create index data_keys_newest_idx on data_keys (tenant_id, created_at desc, id desc);
        -- Rotation looks for keys under another than the current one.
        create index data_keys_kek_idx on data_keys (kek);

        alter table data_keys enable row level security;
        alter table data_keys force row level security;
        create policy data_keys_tenant on data_keys
            using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());
        """
}
