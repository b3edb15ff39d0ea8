create table projects (
    tenant_id uuid not null,
    id uuid not null,
    slug text not null,
    name text not null,
    description text not null default '',
    default_branch text not null default 'main',
    idempotency_key text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint projects_pkey primary key (tenant_id, id),
    -- ResolveProject reads by it, before every call that has a project in its path.
    constraint projects_tenant_id_slug_unique unique (tenant_id, slug),
    constraint projects_tenant_id_idempotency_key_unique unique (tenant_id, idempotency_key)
);

alter table projects enable row level security;
alter table projects force row level security;
create policy projects_tenant on projects using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
