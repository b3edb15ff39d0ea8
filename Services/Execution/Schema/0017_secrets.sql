-- Values that tests send and nobody reads again.
create table secrets (
    tenant_id uuid not null,
    -- UUIDv7: the newest is the greatest.
    id uuid not null,
    project_id uuid not null,
    name text not null,
    -- Empty where it holds for runs of any environment.
    environment text not null default '',
    -- Origins that it may be sent to, as `AllowedHost` writes them.
    hosts text[] not null,
    -- Sealed for this row.
    value bytea not null,
    updated_by text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    version bigint not null default 1,
    idempotency_key text,
    -- Of the last change, so that a repeated one changes nothing.
    change_key text,
    constraint secrets_pkey primary key (tenant_id, id),
    -- Also finds all of a project, for whoever executes its cases.
    constraint secrets_tenant_id_project_id_name_environment_unique unique (tenant_id, project_id, name, environment),
    constraint secrets_tenant_id_idempotency_key_unique unique (tenant_id, idempotency_key)
);

-- ListSecrets, newest first.
create index secrets_project_index on secrets (tenant_id, project_id, id desc);

alter table secrets enable row level security;
alter table secrets force row level security;
-- Workers take cases of all tenants at once, and see then whether the project of a case has any.
create policy secrets_tenant on secrets
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant());
