-- How far a run's results can be relied on (Primitives.Lane). Filtered by ListRuns, which looks at the rows.
alter table runs
    add column lane text not null default 'trusted',
    add constraint runs_lane_check check (lane in ('trusted', 'untrusted'));
