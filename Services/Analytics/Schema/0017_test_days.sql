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

-- A release that knows nothing of counted days joins two tests: results move from one to the other, and the day has as many as before. Facts are asked until
-- the project's days are counted again. TestDayStore.joining: whoever joins tests now counts their days itself.
create function forget_test_day_counts() returns trigger language plpgsql set search_path from current as $$
begin
    if current_setting('assay.test_days', true) is distinct from 'joining' then
        -- TestDayStore.locking: what is being counted has the results of both as they were, or as they will be.
        perform pg_advisory_xact_lock(hashtextextended('test_days/' || new.project_id::text, 0));
        delete from test_day_counts where tenant_id = new.tenant_id and project_id = new.project_id;
        delete from test_days where tenant_id = new.tenant_id and test_id = new.alias_id;
    end if;
    return null;
end $$;
create trigger test_aliases_forget after insert or update on test_aliases for each row execute function forget_test_day_counts();
