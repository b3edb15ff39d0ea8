-- What builds were told of trying failed tests again: each plan that somebody asked for by its uploads, once. Rows are only ever added, and stay as
-- long as their run's results do. A release before this one keeps none.
create table retry_plans (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    run_id uuid not null,
    -- That were asked about, in the order of their ids.
    uploads uuid[] not null,
    -- RetryEdition, RetryPolicy and its version.
    edition integer not null,
    policy jsonb not null,
    policy_version bigint not null,
    -- RetryCounts: lists of plans read no basis.
    counts jsonb not null,
    -- SHA-256 of the basis.
    input_hash bytea not null,
    -- RetryBasis as JSON: of at most 1,500 tests (RetryDecision.mostDecided), mostly of a few. Some 500 bytes each before PostgreSQL compresses them, more
    -- with up to 10 failures and a note of up to 1,000 characters.
    basis bytea not null,
    decided_at timestamptz not null,
    -- GetKeptRetryPlan, ReplayRetryPlan.
    constraint retry_plans_pkey primary key (tenant_id, id),
    -- The same plan asked for again is the first one.
    constraint retry_plans_run_id_input_hash_unique unique (tenant_id, run_id, input_hash)
);

-- ListRetryPlans: newest first.
create index retry_plans_run_id_index on retry_plans (tenant_id, run_id, id);

alter table retry_plans enable row level security;
alter table retry_plans force row level security;
create policy retry_plans_read on retry_plans for select using (tenant_id = (select current_tenant()));
create policy retry_plans_add on retry_plans for insert with check (tenant_id = (select current_tenant()));

-- What people say of trying tests again. Rows are only ever added, taking a word back is one too.
create table retry_words (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    -- As the test was called when it was said; aliases are followed when words are read.
    test_id uuid not null,
    -- From 2, above all of the test's words and of those of its aliases; two words at once do not get one number.
    version bigint not null,
    -- Null: it was taken back.
    kind text,
    note text not null,
    said_by text not null,
    said_at timestamptz not null,
    -- GetRetryPlan: the newest word on each test that fails.
    constraint retry_words_pkey primary key (tenant_id, project_id, test_id, version),
    constraint retry_words_kind_check check (kind in ('always', 'never'))
);

-- ListRetryWords: newest first.
create index retry_words_id_index on retry_words (tenant_id, project_id, id);

alter table retry_words enable row level security;
alter table retry_words force row level security;
create policy retry_words_read on retry_words for select using (tenant_id = (select current_tenant()));
create policy retry_words_add on retry_words for insert with check (tenant_id = (select current_tenant()));
