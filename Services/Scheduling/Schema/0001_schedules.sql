create table schedules (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    suite_id uuid not null,
    name text not null,
    cron text not null,
    time_zone text not null,
    enabled boolean not null default true,
    variables jsonb not null default '{}',
    environment text not null default '',
    -- The next tick that has not been turned into a firing. Null while disabled.
    next_at timestamptz,
    idempotency_key text,
    created_at timestamptz not null default now(),
    constraint schedules_pkey primary key (tenant_id, id),
    constraint schedules_tenant_id_idempotency_key_unique unique (tenant_id, idempotency_key)
);

alter table schedules enable row level security;
alter table schedules force row level security;
-- FireDueSchedules claims what is due in every organization.
create policy schedules_tenant on schedules
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

-- FireDueSchedules, once a second.
create index schedules_next_at_index on schedules (next_at) where next_at is not null;
-- ListSchedules, newest first.
create index schedules_project_id_id_index on schedules (tenant_id, project_id, id desc);

create table firings (
    tenant_id uuid not null,
    id uuid not null,
    schedule_id uuid not null,
    tick_at timestamptz not null,
    fired_at timestamptz not null default now(),
    state text not null,
    run_id uuid,
    reason text not null default '',
    constraint firings_pkey primary key (tenant_id, id),
    constraint firings_schedule_id_fkey foreign key (tenant_id, schedule_id) references schedules (tenant_id, id) on delete cascade,
    -- A tick is a row: whoever inserts it first has fired it, and nobody else can.
    constraint firings_schedule_id_tick_at_unique unique (tenant_id, schedule_id, tick_at),
    constraint firings_state_check check (state in ('pending', 'started', 'failed', 'skipped'))
);

alter table firings enable row level security;
alter table firings force row level security;
create policy firings_tenant on firings
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());
