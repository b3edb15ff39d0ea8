-- What failed of late and where, kept up with the facts, so that what an environment did can be told from what code did. Rows that are put down to
-- nothing leave after a week.
create table environment_runs (
    tenant_id uuid not null,
    project_id uuid not null,
    run_id uuid not null,
    -- The machine and where it stands; empty when nobody said.
    host text not null,
    zone text not null,
    commit_sha text not null,
    started_at timestamptz not null,
    -- Passes and failures.
    results bigint not null,
    constraint environment_runs_pkey primary key (tenant_id, run_id, host, zone)
);

alter table environment_runs enable row level security;
alter table environment_runs force row level security;
create policy environment_runs_tenant on environment_runs
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant());

-- SearchEnvironment: the newest runs of a project.
create index environment_runs_started_at_index on environment_runs (tenant_id, project_id, started_at desc);
-- The sweeper, once an hour.
create index environment_runs_sweep_index on environment_runs (started_at);

create table environment_failures (
    tenant_id uuid not null,
    project_id uuid not null,
    result_id uuid not null,
    test_id uuid not null,
    run_id uuid not null,
    host text not null,
    zone text not null,
    -- StableHash of the class or suite that its test shares with related ones.
    group_hash bigint not null,
    branch text not null,
    environment text not null,
    commit_sha text not null,
    started_at timestamptz not null,
    failed_tries smallint not null,
    -- The incident that it is put down to, dismissed ones included.
    incident_id uuid,
    constraint environment_failures_pkey primary key (tenant_id, result_id)
);

alter table environment_failures enable row level security;
alter table environment_failures force row level security;
create policy environment_failures_tenant on environment_failures
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant());

-- SearchEnvironment: what failed of late.
create index environment_failures_started_at_index on environment_failures (tenant_id, project_id, started_at desc);
-- ListEnvironmentFailures, and taking an incident back.
create index environment_failures_incident_id_index on environment_failures (tenant_id, incident_id, result_id) where incident_id is not null;
-- The sweeper.
create index environment_failures_sweep_index on environment_failures (started_at) where incident_id is null;
create index environment_failures_old_index on environment_failures (started_at) where incident_id is not null;

-- EnvironmentIncident.
create table environment_incidents (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    kind text not null,
    place text not null,
    state text not null,
    tests integer not null,
    groups integer not null,
    compared integer not null,
    there integer not null,
    expected double precision not null,
    chance double precision not null,
    -- Of the runs and failures that were looked at, and the edition of the method.
    input_hash bigint not null,
    edition integer not null,
    failures integer not null,
    from_at timestamptz not null,
    to_at timestamptz not null,
    dismissed_by text not null default '',
    dismissal_reason text not null default '',
    dismissed_at timestamptz,
    constraint environment_incidents_pkey primary key (tenant_id, id),
    constraint environment_incidents_kind_check check (kind in ('host', 'zone', 'hour', 'run')),
    constraint environment_incidents_state_check check (state in ('standing', 'dismissed', 'withdrawn'))
);

alter table environment_incidents enable row level security;
alter table environment_incidents force row level security;
create policy environment_incidents_tenant on environment_incidents
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant());

-- ListEnvironmentIncidents: newest first; SearchEnvironment looks at the newest.
create index environment_incidents_to_at_index on environment_incidents (tenant_id, project_id, to_at desc, id desc);
