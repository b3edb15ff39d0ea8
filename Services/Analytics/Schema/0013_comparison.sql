-- What each test did in a week (from Monday, UTC) on a branch, in an environment, and on a branch in an environment, kept at ingest, in the transaction that
-- stores the facts, so that no comparison ever reads facts. The sums of many tests lie in one value: they are only ever read together.
create table test_sheets (
    tenant_id uuid not null,
    project_id uuid not null,
    kind text not null,
    -- Cut at 200 characters, as in rollups; empty where it is no part of the set.
    branch text not null,
    environment text not null,
    week date not null,
    -- Parts of one sheet, the largest first; those behind are merged as more come (SheetParts).
    part integer not null,
    tests integer not null,
    -- TestSheet.bytes
    sums bytea not null,
    -- CompareSets, GetQualityScore: all parts of a set and week.
    constraint test_sheets_pkey primary key (tenant_id, project_id, kind, branch, environment, week, part),
    constraint test_sheets_kind_check check (kind in ('branch', 'environment', 'line'))
);

-- Ids are random bytes, which no compression makes shorter.
alter table test_sheets alter column sums set storage external;
alter table test_sheets enable row level security;
alter table test_sheets force row level security;
create policy test_sheets_tenant on test_sheets
    using (tenant_id = (select current_tenant()) or system_scope()) with check (tenant_id = (select current_tenant()) or system_scope());

-- The sweeper, once an hour.
create index test_sheets_week_index on test_sheets (week);

-- How long tests had failed on a branch when they passed again on that day: DurationHistogram.bytes, of branches alone.
alter table rollups add column recoveries bytea;
