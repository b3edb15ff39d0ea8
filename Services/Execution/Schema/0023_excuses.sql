-- Whether the failures of runs were a reason to stop a build, as it was told: each answer once, up to 1,000 of a run. Rows are only ever added. A release
-- before this one keeps none.
create table excuses (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    run_id uuid not null,
    -- ExcuseEdition.
    edition integer not null,
    -- What it came to: lists read no basis.
    failing bigint not null,
    passed_again bigint not null,
    quarantined bigint not null,
    excused boolean not null,
    -- SHA-256 of the basis.
    input_hash bytea not null,
    -- ExcuseBasis as JSON: of at most 1,100 tests (ExcuseQuestion), mostly of a few. Some 500 bytes each before PostgreSQL compresses them, more with what a
    -- quarantine says.
    basis bytea not null,
    decided_at timestamptz not null,
    -- GetExcuse, ReplayExcuse.
    constraint excuses_pkey primary key (tenant_id, id),
    -- The same told again is the first one.
    constraint excuses_run_id_input_hash_unique unique (tenant_id, run_id, input_hash)
);

-- ListExcuses: newest first.
create index excuses_run_id_index on excuses (tenant_id, run_id, id);

alter table excuses enable row level security;
alter table excuses force row level security;
create policy excuses_read on excuses for select using (tenant_id = (select current_tenant()));
create policy excuses_add on excuses for insert with check (tenant_id = (select current_tenant()));
