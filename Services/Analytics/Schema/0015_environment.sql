-- Of the failed and errored: put down to incidents that stand. They say nothing of the tests either way, so scores and change points leave them out.
alter table days add column environmental bigint not null default 0;
-- The same of the whole, of suites, branches and environments; tags of runs are not kept with failures.
alter table rollups add column environmental bigint not null default 0;

-- What stands already. The owner is bound by policies as long as these are forced.
alter table days no force row level security;
alter table rollups no force row level security;
alter table tests no force row level security;
alter table environment_failures no force row level security;
alter table environment_incidents no force row level security;
update days d set environmental = s.failures
from (
    select f.tenant_id, f.project_id, (f.started_at at time zone 'UTC')::date as day, count(*) as failures
    from environment_failures f
    join environment_incidents i on i.tenant_id = f.tenant_id and i.id = f.incident_id and i.state = 'standing'
    group by 1, 2, 3
) s
where d.tenant_id = s.tenant_id and d.project_id = s.project_id and d.day = s.day;
update rollups r set environmental = s.failures
from (
    select f.tenant_id, f.project_id, (f.started_at at time zone 'UTC')::date as day, k.dimension, left(k.value, 200) as value, count(*) as failures
    from environment_failures f
    join environment_incidents i on i.tenant_id = f.tenant_id and i.id = f.incident_id and i.state = 'standing'
    left join tests t on t.tenant_id = f.tenant_id and t.id = f.test_id
    cross join lateral (
        values ('all', ''), ('suite', coalesce(t.suite_name, '')), ('branch', f.branch), ('environment', f.environment)
    ) as k (dimension, value)
    group by 1, 2, 3, 4, 5
) s
where r.tenant_id = s.tenant_id and r.project_id = s.project_id and r.day = s.day and r.dimension = s.dimension and r.value = s.value;
alter table days force row level security;
alter table rollups force row level security;
alter table tests force row level security;
alter table environment_failures force row level security;
alter table environment_incidents force row level security;
