create table suites (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    name text not null,
    description text not null default '',
    variables jsonb not null default '{}',
    idempotency_key text,
    created_at timestamptz not null default now(),
    constraint suites_pkey primary key (tenant_id, id),
    constraint suites_project_id_fkey foreign key (tenant_id, project_id) references projects (tenant_id, id),
    constraint suites_project_id_name_unique unique (tenant_id, project_id, name),
    constraint suites_tenant_id_idempotency_key_unique unique (tenant_id, idempotency_key)
);

alter table suites enable row level security;
alter table suites force row level security;
create policy suites_tenant on suites using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- ListSuites, newest first: ids are UUIDv7.
create index suites_project_id_id_index on suites (tenant_id, project_id, id desc);

create table cases (
    tenant_id uuid not null,
    id uuid not null,
    suite_id uuid not null,
    name text not null,
    -- The HTTP case as JSON: read and written whole, never searched.
    definition jsonb not null,
    idempotency_key text,
    created_at timestamptz not null default now(),
    constraint cases_pkey primary key (tenant_id, id),
    constraint cases_suite_id_fkey foreign key (tenant_id, suite_id) references suites (tenant_id, id),
    constraint cases_suite_id_name_unique unique (tenant_id, suite_id, name),
    constraint cases_tenant_id_idempotency_key_unique unique (tenant_id, idempotency_key)
);

alter table cases enable row level security;
alter table cases force row level security;
create policy cases_tenant on cases using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- ListCases and GetPlan, in the order of their making.
create index cases_suite_id_id_index on cases (tenant_id, suite_id, id);
