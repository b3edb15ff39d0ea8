-- What a run is, as Execution says when it is finished: a baseline is of a branch and an environment, and Validation asks nobody.
alter table validations
    add column passed bigint not null default 0,
    add column failed bigint not null default 0,
    add column errored bigint not null default 0,
    add column skipped bigint not null default 0,
    -- What says something: runs of a branch are held against each other by it.
    add column tests bigint not null generated always as (passed + failed + errored) stored,
    -- It ended by itself, and nothing of it is missing.
    add column is_whole boolean not null default false;

-- Every baseline that ever was, with who, when and why.
create table baselines (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    branch text not null,
    environment text not null,
    number bigint not null,
    run_id uuid not null,
    commit_sha text not null,
    passed bigint not null,
    failed bigint not null,
    errored bigint not null,
    skipped bigint not null,
    state text not null default 'proposed',
    note text not null,
    proposed_by text not null,
    proposed_at timestamptz not null default now(),
    decided_by text,
    decided_at timestamptz,
    decision_note text not null default '',
    idempotency_key text,
    version bigint not null default 1,
    constraint baselines_pkey primary key (tenant_id, id),
    -- A run is proposed once.
    constraint baselines_run_id_unique unique (tenant_id, run_id),
    -- Two proposals at once do not get one number; the newest approved one of a branch and environment.
    constraint baselines_line_number_unique unique (tenant_id, project_id, branch, environment, number),
    constraint baselines_state_check check (state in ('proposed', 'approved', 'rejected'))
);

alter table baselines enable row level security;
alter table baselines force row level security;
create policy baselines_tenant on baselines using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- ListBaselines.
create index baselines_project_id_index on baselines (tenant_id, project_id, id desc);
-- ListBaselinesInForce, and whether a baseline is in force.
create index baselines_approved_index on baselines (tenant_id, project_id, branch, environment, number desc) where state = 'approved';

-- How baselines of a project come into force. A project without a row has the usual rules, as version 1.
create table baseline_settings (
    tenant_id uuid not null,
    project_id uuid not null,
    two_persons boolean not null,
    version bigint not null default 2,
    constraint baseline_settings_pkey primary key (tenant_id, project_id)
);

alter table baseline_settings enable row level security;
alter table baseline_settings force row level security;
create policy baseline_settings_tenant on baseline_settings using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
