-- Custom fields of cases: what a project has said that there are, and what its cases say.
create table case_field_definitions (
    tenant_id uuid not null,
    project_id uuid not null,
    -- A list of `CaseField`, read and written whole.
    fields jsonb not null,
    -- 1 is what a project has that never said anything.
    version bigint not null default 2,
    updated_at timestamptz not null default now(),
    constraint case_field_definitions_pkey primary key (tenant_id, project_id),
    constraint case_field_definitions_project_id_fkey foreign key (tenant_id, project_id) references projects (tenant_id, id)
);

alter table case_field_definitions enable row level security;
alter table case_field_definitions force row level security;
create policy case_field_definitions_tenant on case_field_definitions
    using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

alter table cases
    -- Values by key, as their fields write them; the same as in `case_field_values`.
    add column fields jsonb not null default '{}',
    -- As in 0003.
    add column version bigint not null default 1,
    add column change_key text,
    add column updated_at timestamptz not null default now();

-- By which cases are found. One row a value, so that a list is a walk along the key.
create table case_field_values (
    tenant_id uuid not null,
    project_id uuid not null,
    key text not null,
    value text not null,
    case_id uuid not null,
    -- ListProjectCases walks it in the order of the cases' making, and looks further fields up in it.
    constraint case_field_values_pkey primary key (tenant_id, project_id, key, value, case_id),
    constraint case_field_values_case_id_fkey foreign key (tenant_id, case_id) references cases (tenant_id, id) on delete cascade
);

alter table case_field_values enable row level security;
alter table case_field_values force row level security;
create policy case_field_values_tenant on case_field_values using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- A case that is changed or deleted.
create index case_field_values_case_id_index on case_field_values (tenant_id, case_id);
