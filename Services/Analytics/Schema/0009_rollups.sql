-- One row a project, day (UTC) and part of the project: the whole of it, a suite, a branch, an environment, a tag of runs. Kept at ingest, in the
-- transaction that stores the facts, so that no trend ever reads facts.
create table rollups (
    tenant_id uuid not null,
    project_id uuid not null,
    -- 'all' has one value, the empty one.
    dimension text not null,
    -- Cut at 200 characters; '…' adds up what was too much for one delivery.
    value text not null,
    day date not null,
    passed bigint not null default 0,
    failed bigint not null default 0,
    errored bigint not null default 0,
    skipped bigint not null default 0,
    duration_us bigint not null default 0,
    -- Of all durations that are known: `DurationHistogram.bytes`.
    durations bytea not null,
    -- GetTrend, ListTrendValues, GetTrendChanges: one range of days, or one of values and days.
    constraint rollups_pkey primary key (tenant_id, project_id, dimension, value, day),
    constraint rollups_dimension_check check (dimension in ('all', 'suite', 'branch', 'environment', 'tag'))
);

alter table rollups set (fillfactor = 50);
alter table rollups enable row level security;
alter table rollups force row level security;
create policy rollups_tenant on rollups
    using (tenant_id = (select current_tenant()) or system_scope()) with check (tenant_id = (select current_tenant()) or system_scope());

-- The sweeper, once an hour.
create index rollups_day_index on rollups (day);

-- The quality score counts a project's tests by what they are known for, from the index alone.
create index tests_project_id_stability_index on tests (tenant_id, project_id, stability);
