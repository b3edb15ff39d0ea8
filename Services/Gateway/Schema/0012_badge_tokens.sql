-- How often a project's badge token was rotated; a project without a row has its first one. The token itself is computed (BadgeToken.swift).
create table badge_tokens (
    tenant_id uuid not null,
    project_id uuid not null,
    generation integer not null,
    -- Of the last rotation: a repetition after a crash rotates nothing.
    change_key text,
    constraint badge_tokens_pkey primary key (tenant_id, project_id)
);

alter table badge_tokens enable row level security;
alter table badge_tokens force row level security;
create policy badge_tokens_tenant on badge_tokens using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
