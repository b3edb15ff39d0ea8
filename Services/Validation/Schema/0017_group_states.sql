-- What the state of a group was reached from, beside its resolution, so that it can be reached again (`GroupEvidence`); and by which edition of the rules
-- (`LifeCycle`). Null, or of an earlier state, where a replica of an earlier release wrote the row last.
alter table failure_groups
    add column state_edition integer,
    add column is_recurring boolean,
    add column is_contradicted boolean,
    add column open_signatures bigint,
    add column newest_open_at timestamptz;

-- All states so far are of edition 1. The owner's rows are everybody's as long as policies are not forced upon it.
alter table failure_signatures no force row level security;
alter table failure_groups no force row level security;
update failure_groups g
set state_edition = 1, is_recurring = e.is_recurring, is_contradicted = e.is_contradicted, open_signatures = e.open_signatures,
    newest_open_at = e.newest_open_at
from (
    select tenant_id, project_id, group_id, bool_or(is_recurring) or count(distinct first_run) > 1 as is_recurring,
        bool_or(regressed_at is not null) as is_contradicted, count(*) filter (where resolved_at is null) as open_signatures,
        max(first_at) filter (where resolved_at is null) as newest_open_at
    from failure_signatures
    group by tenant_id, project_id, group_id
) e
where g.tenant_id = e.tenant_id and g.project_id = e.project_id and g.group_id = e.group_id;
alter table failure_signatures force row level security;
alter table failure_groups force row level security;
