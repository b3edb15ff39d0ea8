-- What is remembered of one test on one line (branch and environment), from which its stability is judged (StabilityState). Kept up with every batch of
-- facts; results from before this migration are not in it.
create table test_lines (
    tenant_id uuid not null,
    test_id uuid not null,
    branch text not null,
    environment text not null,
    -- StabilityState.bytes, at most 4 KiB and mostly 150 bytes.
    state bytea not null,
    -- Passes and failures, tries among them.
    results bigint not null,
    -- Start of the newest run. Of a test up to 4 lines are kept in any case, further ones once they have failed, 16 in all (TestLines).
    last_at timestamptz not null,
    constraint test_lines_pkey primary key (tenant_id, test_id, branch, environment)
);

alter table test_lines enable row level security;
alter table test_lines force row level security;
create policy test_lines_tenant on test_lines using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- The verdict over a test's lines; null until it has run since.
alter table tests
    add column stability text,
    add column confidence double precision,
    add column flaky_chance double precision,
    add constraint tests_stability_check check (stability in ('stable', 'flaky', 'broken', 'regressed', 'environment', 'unknown'));

-- ListFlakyTests: likeliest first.
create index tests_flaky_index on tests (tenant_id, project_id, flaky_chance desc, id) where stability = 'flaky';

-- What states are made from, so that those of tests that are joined can be made again.
alter table facts
    add column environment text not null default '',
    add column failed_tries smallint not null default 0;
