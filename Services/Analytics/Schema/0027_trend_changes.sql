-- Changes of level that were found in days that are over, with what they were found in. A search that finds one again renews it; one that finds it no
-- more says since when. What people say of them is kept beside.
create table trend_changes (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    -- As in rollups.
    dimension text not null,
    value text not null,
    figure text not null,
    -- The first day of the new level, and both levels, as they were found last.
    day date not null,
    level_before double precision not null,
    level_after double precision not null,
    found_at timestamptz not null,
    -- Since when it is not found any more.
    gone_at timestamptz,
    -- The receipt: by which edition it was found, in which days (`TrendSeries.text`, some 3 KB), their hash, and when they were read.
    edition integer not null,
    input_hash bigint not null,
    input text not null,
    looked_at timestamptz not null,
    -- What the latest word of a person says; null while nobody does. The search hears nothing of it.
    verdict text,
    verdict_version bigint not null default 1,
    constraint trend_changes_pkey primary key (tenant_id, id),
    constraint trend_changes_dimension_check check (dimension in ('all', 'suite', 'branch', 'environment', 'tag')),
    constraint trend_changes_figure_check check (figure in ('pass_rate', 'duration')),
    constraint trend_changes_verdict_check check (verdict in ('dismissed', 'confirmed'))
);

alter table trend_changes enable row level security;
alter table trend_changes force row level security;
-- system_scope(): the sweeper.
create policy trend_changes_tenant on trend_changes
    using (tenant_id = (select current_tenant()) or system_scope()) with check (tenant_id = (select current_tenant()));

-- ListLevelChanges: the newest first.
create index trend_changes_day_index on trend_changes (tenant_id, project_id, day desc, id desc);
-- FindTrendChanges, GetTrendChanges: those of a part; ListLevelChanges of one.
create index trend_changes_part_index on trend_changes (tenant_id, project_id, dimension, value, day desc, id desc);
-- The sweeper, once an hour.
create index trend_changes_sweep_index on trend_changes (day);

-- What people say of them; the latest holds. Rows are only ever added, taking a word back is one too, and go with their change. Its version is the
-- change's `verdict_version`.
create table trend_change_verdicts (
    tenant_id uuid not null,
    change_id uuid not null,
    version bigint not null,
    project_id uuid not null,
    -- Null: it was taken back.
    kind text,
    note text not null,
    decided_by text not null,
    decided_at timestamptz not null,
    constraint trend_change_verdicts_pkey primary key (tenant_id, change_id, version),
    constraint trend_change_verdicts_kind_check check (kind in ('dismissed', 'confirmed'))
);

alter table trend_change_verdicts enable row level security;
alter table trend_change_verdicts force row level security;
create policy trend_change_verdicts_read on trend_change_verdicts for select using (tenant_id = (select current_tenant()) or system_scope());
create policy trend_change_verdicts_add on trend_change_verdicts for insert with check (tenant_id = (select current_tenant()));
-- system_scope(): the sweeper, with the changes.
create policy trend_change_verdicts_sweep on trend_change_verdicts for delete using (system_scope());
