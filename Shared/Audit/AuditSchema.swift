import Postgres

/// The table of a service's audited acts that the gateway has not collected yet, for the `Migrator` to make in that service's schema.
package enum AuditSchema {
    package static let schema = Schema(name: "audit", files: [SchemaFile(name: "0001_audit_outbox.sql", sql: outbox)])

    /// A row is written in the transaction of its act, never changed, and deleted once the gateway has it in the organization's chain.
    private static let outbox = """
        create table audit_outbox (
            tenant_id uuid not null,
            id uuid not null,
            -- Milliseconds, as the chain has it. When it was done, not when its transaction began.
            at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
            action text not null,
            actor text not null,
            subject text not null,
            project text not null,
            details jsonb not null,
            request_id text not null,
            address text not null,
            constraint audit_outbox_pkey primary key (tenant_id, id)
        ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
        -- Collecting: the oldest of all organizations.
        create index audit_outbox_id_idx on audit_outbox (id);

        alter table audit_outbox enable row level security;
        alter table audit_outbox force row level security;
        create policy audit_outbox_read on audit_outbox for select using (tenant_id = current_tenant() or system_scope());
        create policy audit_outbox_write on audit_outbox for insert with check (tenant_id = current_tenant() or system_scope());
        create policy audit_outbox_collect on audit_outbox for delete using (system_scope());
        -- Nobody but the owner changes what was written.
        do $$ declare held record; begin
            for held in
                select grantee from information_schema.role_table_grants
                where table_schema = current_schema() and table_name = 'audit_outbox' and privilege_type = 'UPDATE' and grantee <> current_user
            loop
                execute format('revoke update on audit_outbox from %I', held.grantee);
            end loop;
        end $$;
        """
}
