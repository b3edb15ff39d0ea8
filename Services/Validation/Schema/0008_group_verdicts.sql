-- What people said of a signature's failures: the latest word that stands. A group shows the latest of its signatures, and beside it what the machine says.
alter table failure_signatures
    add column verdict_category text,
    add column verdict_severity text,
    add column verdict_at timestamptz,
    add column verdict_result uuid;

alter table failure_groups
    -- The machine's, where category and severity are a person's; null without one, as in `failures`.
    add column judged_category text,
    add column judged_severity text;

-- The failures of a signature that people have decided about: few, so each verdict looks at all of them.
create index failures_overruled_index on failures (tenant_id, project_id, signature_id) where judged_category is not null;

-- What has been said so far. The owner's rows are everybody's as long as policies are not forced upon it.
alter table failures no force row level security;
alter table failure_verdicts no force row level security;
alter table failure_signatures no force row level security;
alter table failure_groups no force row level security;
update failure_signatures s
set verdict_category = v.category, verdict_severity = v.severity, verdict_at = v.decided_at, verdict_result = v.result_id
from (
    select distinct on (f.tenant_id, f.project_id, f.signature_id) f.tenant_id, f.project_id, f.signature_id, v.category, v.severity, v.decided_at,
        v.result_id
    from failures f
    join failure_verdicts v on v.tenant_id = f.tenant_id and v.result_id = f.result_id and v.version = f.verdict_version
    where f.judged_category is not null and f.trusted
    order by f.tenant_id, f.project_id, f.signature_id, v.decided_at desc, v.result_id desc
) v
where s.tenant_id = v.tenant_id and s.project_id = v.project_id and s.signature_id = v.signature_id;
update failure_groups g
set judged_category = g.category, judged_severity = g.severity, category = v.verdict_category, severity = v.verdict_severity
from (
    select distinct on (tenant_id, project_id, group_id) tenant_id, project_id, group_id, verdict_category, verdict_severity from failure_signatures
    where verdict_at is not null
    order by tenant_id, project_id, group_id, verdict_at desc, verdict_result desc
) v
where g.tenant_id = v.tenant_id and g.project_id = v.project_id and g.group_id = v.group_id;
alter table failures force row level security;
alter table failure_verdicts force row level security;
alter table failure_signatures force row level security;
alter table failure_groups force row level security;
