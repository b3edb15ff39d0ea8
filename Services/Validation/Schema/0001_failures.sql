-- One row a run that has been heard of. Its existence does not mean that it is finished.
create table validations (
    tenant_id uuid not null,
    run_id uuid not null,
    project_id uuid not null,
    -- Null until Execution has said that nothing more will come.
    judged_at timestamptz,
    constraint validations_pkey primary key (tenant_id, run_id)
);

alter table validations enable row level security;
alter table validations force row level security;
create policy validations_tenant on validations using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- A result that did not pass, filed. The result's id makes a repeated delivery a no-op.
create table failures (
    tenant_id uuid not null,
    result_id uuid not null,
    run_id uuid not null,
    project_id uuid not null,
    test_id uuid not null,
    test_name text not null,
    class_name text not null,
    outcome text not null,
    category text not null,
    severity text not null,
    -- The receipt: which rule decided, in which edition of the rules, and the words it saw.
    rule text not null,
    rules_edition integer not null,
    evidence text not null,
    message text not null,
    judged_at timestamptz not null default now(),
    constraint failures_pkey primary key (tenant_id, result_id),
    constraint failures_run_id_fkey foreign key (tenant_id, run_id) references validations (tenant_id, run_id),
    constraint failures_outcome_check check (outcome in ('failed', 'errored'))
);

alter table failures enable row level security;
alter table failures force row level security;
create policy failures_tenant on failures using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- ListFailures, whole or by category; GetValidation counts by category.
create index failures_run_id_category_result_id_index on failures (tenant_id, run_id, category, result_id);
