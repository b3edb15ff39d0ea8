-- Runs of other branches in which a group was not seen, where nothing runs on its own any more.
create index validations_environment_index on validations (tenant_id, project_id, environment, started_at)
    where lane = 'trusted' and judged_at is not null;

-- Whether the runs that a resolution by absence was reached from were on other branches (`Absence.Proof`). Null where there is none, and for what was
-- resolved before it was kept.
alter table failure_signatures add column absent_elsewhere boolean;
