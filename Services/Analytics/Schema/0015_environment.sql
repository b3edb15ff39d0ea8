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

-- What people say of incidents; the latest holds. Rows are only ever added, and go with their incident. Its version is that of the incident since.
create table environment_verdicts (
    tenant_id uuid not null,
    incident_id uuid not null,
    version bigint not null,
    project_id uuid not null,
    kind text not null,
    reason text not null,
    decided_by text not null,
    decided_at timestamptz not null,
    constraint environment_verdicts_pkey primary key (tenant_id, incident_id, version),
    constraint environment_verdicts_kind_check check (kind in ('dismissed', 'reinstated'))
);

alter table environment_incidents
    -- A person has reinstated it: its failures stay with it.
    add column upheld boolean not null default false,
    -- Raised by each word of a person.
    add column version bigint not null default 1,
    -- The receipt beside input_hash and edition: places that shared the error, hash of the numbers, when runs and failures were looked at. Null for what
    -- was found by the first edition.
    add column tried bigint,
    add column numbers_hash bigint,
    add column looked_at timestamptz;

-- What was dismissed before words were kept.
alter table environment_incidents no force row level security;
insert into environment_verdicts (tenant_id, incident_id, version, project_id, kind, reason, decided_by, decided_at)
select tenant_id, id, 2, project_id, 'dismissed', dismissal_reason, dismissed_by, coalesce(dismissed_at, to_at)
from environment_incidents where state = 'dismissed';
update environment_incidents set version = 2 where state = 'dismissed';
alter table environment_incidents force row level security;

alter table environment_verdicts enable row level security;
alter table environment_verdicts force row level security;
create policy environment_verdicts_read on environment_verdicts for select using (tenant_id = (select current_tenant()) or system_scope());
create policy environment_verdicts_add on environment_verdicts for insert with check (tenant_id = (select current_tenant()));
-- system_scope(): the sweeper, with the incidents.
create policy environment_verdicts_sweep on environment_verdicts for delete using (system_scope());

-- A further try within the run passed. failed_tries counts those before the last failed one, so whoever does not know of this takes the same from the test.
alter table environment_failures add column passed boolean not null default false;
