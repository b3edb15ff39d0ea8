-- One row a project and day (UTC), kept at ingest.
create table days (
    tenant_id uuid not null,
    project_id uuid not null,
    day date not null,
    runs bigint not null default 0,
    runs_passed bigint not null default 0,
    passed bigint not null default 0,
    failed bigint not null default 0,
    errored bigint not null default 0,
    skipped bigint not null default 0,
    flips bigint not null default 0,
    duration_us bigint not null default 0,
    constraint days_pkey primary key (tenant_id, project_id, day)
);

alter table days enable row level security;
alter table days force row level security;
create policy days_tenant on days using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- What each run last counted as. A run that is finished again, because a late shard opened it, replaces what it counted before.
create table runs (
    tenant_id uuid not null,
    run_id uuid not null,
    project_id uuid not null,
    day date not null,
    passed boolean not null,
    finished_at timestamptz not null,
    constraint runs_pkey primary key (tenant_id, run_id)
);

alter table runs enable row level security;
alter table runs force row level security;
create policy runs_tenant on runs using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
