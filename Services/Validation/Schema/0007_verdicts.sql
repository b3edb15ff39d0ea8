-- What people say about failures; the latest holds. Its version is the failure's `verdict_version`.
create table failure_verdicts (
    tenant_id uuid not null,
    result_id uuid not null,
    version bigint not null,
    project_id uuid not null,
    -- Null: the failure was given back to the machine.
    category text,
    severity text,
    note text not null,
    decided_by text not null,
    decided_at timestamptz not null default now(),
    constraint failure_verdicts_pkey primary key (tenant_id, result_id, version),
    constraint failure_verdicts_result_id_fkey foreign key (tenant_id, result_id) references failures (tenant_id, result_id) on delete cascade
);

alter table failure_verdicts enable row level security;
alter table failure_verdicts force row level security;
create policy failure_verdicts_tenant on failure_verdicts using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- Judging a project's failures again. Its progress is written with each page of failures, in one transaction, so whoever goes on knows where.
create table recategorisations (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    state text not null default 'waiting',
    done bigint not null default 0,
    -- Null until it begins.
    total bigint,
    changed bigint not null default 0,
    without_texts bigint not null default 0,
    built_in_edition integer not null,
    project_edition bigint not null,
    -- The last failure that was looked at, and the last that is to be: later ones are judged by these rules or newer ones anyway.
    after_result uuid,
    until_result uuid,
    started_by text not null,
    idempotency_key text,
    created_at timestamptz not null default now(),
    touched_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint recategorisations_pkey primary key (tenant_id, id),
    constraint recategorisations_state_check check (state in ('waiting', 'running', 'done', 'abandoned')),
    constraint recategorisations_tenant_id_idempotency_key_unique unique (tenant_id, idempotency_key)
);

alter table recategorisations enable row level security;
alter table recategorisations force row level security;
create policy recategorisations_tenant on recategorisations using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- One at a time in a project.
create unique index recategorisations_project_id_unique on recategorisations (tenant_id, project_id) where finished_at is null;
-- ListRecategorisations, newest first.
create index recategorisations_project_id_id_index on recategorisations (tenant_id, project_id, id);
