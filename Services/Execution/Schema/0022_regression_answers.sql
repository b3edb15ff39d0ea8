-- What was said of a run's regressions to those who asked, where the run was told nothing of that baseline when it was finished: runs of branches
-- without a baseline of their own, held against the one that they are to be merged into, and runs that finished before there was any. Each answer once.
-- Rows are only ever added. A release before this one keeps none.
create table regression_answers (
    tenant_id uuid not null,
    run_id uuid not null,
    -- The run's when it was asked about.
    run_version bigint not null,
    project_id uuid not null,
    baseline_id uuid not null,
    baseline_number bigint not null,
    -- The baseline's own.
    branch text not null,
    environment text not null,
    base_run_id uuid not null,
    commit_sha text not null,
    -- RegressionCounts and AssessmentCounts.
    counts jsonb not null,
    assessed jsonb not null,
    -- AssessmentEdition, and the SHA-256 of the basis.
    edition integer not null,
    input_hash bytea not null,
    -- RegressionReceipt.Basis as JSON, as in regression_receipts. A run has up to 100 rows (RegressionAnswerStore.most).
    basis bytea not null,
    judged_at timestamptz not null,
    -- ListRegressions: the same answer is the first one. ReplayRegressions: all of a run.
    constraint regression_answers_pkey primary key (tenant_id, run_id, baseline_id, input_hash)
);

alter table regression_answers enable row level security;
alter table regression_answers force row level security;
create policy regression_answers_read on regression_answers for select using (tenant_id = (select current_tenant()));
create policy regression_answers_add on regression_answers for insert with check (tenant_id = (select current_tenant()));

-- Which commit it was, as a person says; empty where nobody does. A release before this one names none.
alter table regression_verdicts add column commit_sha text not null default '';
