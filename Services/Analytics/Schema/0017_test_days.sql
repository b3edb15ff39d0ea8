-- What each test did on each day (UTC) that is over, counted from its facts some time after the day (RollUpTestDays). Nothing at ingest writes here.
create table test_days (
    tenant_id uuid not null,
    test_id uuid not null,
    day date not null,
    passed bigint not null,
    failed bigint not null,
    errored bigint not null,
    skipped bigint not null,
    -- Of what was carried out, as in `durations`.
    duration_us bigint not null,
    -- DurationHistogram.bytes
    durations bytea not null,
    -- The same by branches (TestDay.branchBytes); null when they were too many, so that their part is counted from facts.
    branches bytea,
    -- GetTestTrend: one range of days.
    constraint test_days_pkey primary key (tenant_id, test_id, day)
);

alter table test_days enable row level security;
alter table test_days force row level security;
create policy test_days_tenant on test_days
    using (tenant_id = (select current_tenant()) or system_scope()) with check (tenant_id = (select current_tenant()) or system_scope());

-- The sweeper, once an hour.
create index test_days_day_index on test_days (day);

-- How many results a project's day had when its tests were counted. The day's rollup says how many it has now: while both are the same, nothing has come
-- since and `test_days` holds; when they differ, facts do. So whoever stores facts, of whatever release, need not write that a day has changed.
create table test_day_counts (
    tenant_id uuid not null,
    project_id uuid not null,
    day date not null,
    results bigint not null,
    -- GetTestTrend, RollUpTestDays: the days of a project.
    constraint test_day_counts_pkey primary key (tenant_id, project_id, day)
);

alter table test_day_counts enable row level security;
alter table test_day_counts force row level security;
create policy test_day_counts_tenant on test_day_counts
    using (tenant_id = (select current_tenant()) or system_scope()) with check (tenant_id = (select current_tenant()) or system_scope());

-- The sweeper, once an hour.
create index test_day_counts_day_index on test_day_counts (day);
