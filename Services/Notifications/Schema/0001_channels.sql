create table channels (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    kind text not null,
    url text not null,
    -- Types of events that it wants; empty for all.
    events text[] not null default '{}',
    -- Only events of this project; null for all.
    project_id uuid,
    enabled boolean not null default true,
    disabled_reason text not null default '',
    -- The signing secret, sealed for this row.
    secret bytea not null,
    idempotency_key text,
    created_at timestamptz not null default now(),
    constraint channels_pkey primary key (tenant_id, id),
    constraint channels_kind_check check (kind in ('webhook')),
    constraint channels_tenant_id_idempotency_key_unique unique (tenant_id, idempotency_key)
);

alter table channels enable row level security;
alter table channels force row level security;
create policy channels_tenant on channels using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
