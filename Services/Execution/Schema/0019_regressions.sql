-- What a run was told when it was finished: what it was held against and what was made of it. A run that is opened and finished again has one more
-- row, against the same baseline. Rows are only ever added. Nothing is here for runs that finished before a baseline was in force.
create table regression_receipts (
    tenant_id uuid not null,
    run_id uuid not null,
    -- The run's when it was finished.
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
    -- RegressionAssessment.edition, and the SHA-256 of the basis.
    edition integer not null,
    input_hash bytea not null,
    -- RegressionReceipt.Basis as JSON: of at most 1,000 tests, some 400 bytes each before PostgreSQL compresses them. Mostly of none or a few.
    basis bytea not null,
    judged_at timestamptz not null,
    -- ListRegressions: the newest of a run.
    constraint regression_receipts_pkey primary key (tenant_id, run_id, run_version)
);

alter table regression_receipts enable row level security;
alter table regression_receipts force row level security;
create policy regression_receipts_read on regression_receipts for select using (tenant_id = (select current_tenant()));
create policy regression_receipts_add on regression_receipts for insert with check (tenant_id = (select current_tenant()));

-- What people say of tests that fail and did not in the baseline. Rows are only ever added, taking a word back is one too.
create table regression_verdicts (
    tenant_id uuid not null,
    project_id uuid not null,
    baseline_id uuid not null,
    -- Of the run.
    branch text not null,
    environment text not null,
    test_id uuid not null,
    -- From 2 for each test of a line; two words at once do not get one number.
    version bigint not null,
    -- On which it was said, and when that run began: it holds from there.
    run_id uuid not null,
    from_at timestamptz not null,
    -- Null: it was taken back.
    kind text,
    reason text not null,
    decided_by text not null,
    decided_at timestamptz not null,
    -- ListRegressions: all that was said of the tests of a page. ListRegressionVerdicts.
    constraint regression_verdicts_pkey primary key (tenant_id, project_id, baseline_id, branch, environment, test_id, version),
    constraint regression_verdicts_kind_check check (kind in ('regression', 'no_regression'))
);

alter table regression_verdicts enable row level security;
alter table regression_verdicts force row level security;
create policy regression_verdicts_read on regression_verdicts for select using (tenant_id = (select current_tenant()));
create policy regression_verdicts_add on regression_verdicts for insert with check (tenant_id = (select current_tenant()));
