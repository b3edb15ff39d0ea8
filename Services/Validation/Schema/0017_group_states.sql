-- What the state of a group was reached from, beside its resolution, so that it can be reached again (`GroupEvidence`); and by which edition of the rules
-- (`LifeCycle`). Null, or of an earlier state, where a replica of an earlier release wrote the row last: `KeepGroups` makes such rows again, so that nothing
-- waits here for a table.
alter table failure_groups
    add column state_edition integer,
    add column is_recurring boolean,
    add column is_contradicted boolean,
    add column open_signatures bigint,
    add column newest_open_at timestamptz,
    -- Whose most tests of the group are (0018): counted when its tests are.
    add column proposed_owners text[] not null default '{}',
    -- Failures have said since whose their tests are: `KeepGroups` counts again.
    add column has_stale_owners boolean not null default false;
