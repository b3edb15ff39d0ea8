import Postgres

/// The table of a service's jobs, for the `Migrator` to make in that service's schema.
package enum JobSchema {
    package static let schema = Schema(name: "jobs", files: [SchemaFile(name: "0001_jobs.sql", sql: jobs)])

    /// States: `waiting` for `run_at`, `running` under a lease, `dead` (failed for good) and `quarantined` (took its process down too often).
    /// A job that is done is deleted, so the table holds what is to be done and what somebody must look at.
    private static let jobs = """
        create table jobs (
            tenant_id uuid not null,
            id uuid not null,
            kind text not null,
            key text,
            payload jsonb not null,
            state text not null default 'waiting',
            run_at timestamptz not null default now(),
            lease_until timestamptz,
            lease_epoch bigint not null default 0,
            attempt integer not null default 0,
            lease_losses integer not null default 0,
            last_error text,
            enqueued_at timestamptz not null default now(),
            constraint jobs_pkey primary key (tenant_id, id),
            constraint jobs_state_check check (state in ('waiting', 'running', 'dead', 'quarantined')),
            constraint jobs_lease_until_check check ((lease_until is not null) = (state = 'running')),
            constraint jobs_key_check check (octet_length(key) <= 512)
        ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, autovacuum_analyze_scale_factor = 0.05);

        -- A second job for the same key is refused as long as the first one lives; enqueuing relies on it. Without jobs that have no key: with
        -- them the planner would take this index for claiming and read all jobs of a tenant.
        create unique index jobs_tenant_id_kind_key_unique on jobs (tenant_id, kind, key)
            where key is not null and state in ('waiting', 'running');
        -- Claiming: steps from tenant to tenant within a kind, then takes the oldest of each.
        create index jobs_waiting_idx on jobs (kind, tenant_id, run_at, id) where state = 'waiting';
        -- Reaping, and counting what each tenant has running.
        create index jobs_running_idx on jobs (lease_until, tenant_id) where state = 'running';

        alter table jobs enable row level security;
        alter table jobs force row level security;
        create policy jobs_tenant on jobs
            using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());
        """
}
