-- Who may ask: organizations (the tenants), their people, keys and browser sessions.

create table organizations (
    tenant_id  uuid        not null,
    name       text        not null,
    created_at timestamptz not null default now(),
    constraint organizations_pkey primary key (tenant_id),
    constraint organizations_name_check check (char_length(name) between 1 and 200)
);

create table users (
    tenant_id  uuid        not null,
    id         uuid        not null,
    name       text        not null,
    role       text        not null,
    created_at timestamptz not null default now(),
    constraint users_pkey primary key (tenant_id, id),
    constraint users_tenant_id_fkey foreign key (tenant_id) references organizations (tenant_id),
    constraint users_role_check check (role in ('owner'))
);

create table api_keys (
    tenant_id    uuid        not null,
    id           uuid        not null,
    -- Whose it is, for keys of persons; a key made with a key belongs to the same person.
    user_id      uuid,
    name         text        not null,
    kind         text        not null,
    -- SHA-256 of the text, which carries 178 random bits, so nothing slower is needed.
    digest       bytea       not null,
    display      text        not null,
    scopes       text[]      not null,
    -- Empty for all projects.
    projects     uuid[]      not null,
    expires_at   timestamptz,
    last_used_at timestamptz,
    last_used_ip text,
    created_at   timestamptz not null default now(),
    revoked_at   timestamptz,
    idempotency_key text,
    constraint api_keys_pkey primary key (tenant_id, id),
    constraint api_keys_user_id_fkey foreign key (tenant_id, user_id) references users (tenant_id, id),
    constraint api_keys_idempotency_key_unique unique (tenant_id, idempotency_key),
    constraint api_keys_kind_check check (kind in ('ci', 'pat', 'svc')),
    constraint api_keys_digest_check check (octet_length(digest) = 32)
);
-- For checking a key, before its tenant is known. Not unique: uniqueness across tenants would tell one tenant of another's rows, and two equal
-- digests do not happen.
create index api_keys_digest on api_keys (digest);

create table sessions (
    tenant_id  uuid        not null,
    id         uuid        not null,
    digest     bytea       not null,
    key_id     uuid        not null,
    created_at timestamptz not null default now(),
    -- Moved at most once a minute; 12 hours after it the session is over.
    seen_at    timestamptz not null default now(),
    -- 30 days after the beginning it is over in any case.
    expires_at timestamptz not null,
    constraint sessions_pkey primary key (tenant_id, id),
    constraint sessions_key_id_fkey foreign key (tenant_id, key_id) references api_keys (tenant_id, id) on delete cascade,
    constraint sessions_digest_check check (octet_length(digest) = 32)
);
-- For checking a cookie, before its tenant is known.
create index sessions_digest on sessions (digest);
-- For the sweep of what is over.
create index sessions_expires_at on sessions (expires_at);

-- system_scope(): keys and cookies are looked up before anybody knows whose they are, and the first start makes an organization out of nothing.
alter table organizations enable row level security;
alter table organizations force row level security;
create policy organizations_tenant on organizations
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

alter table users enable row level security;
alter table users force row level security;
create policy users_tenant on users
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy api_keys_tenant on api_keys
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

alter table sessions enable row level security;
alter table sessions force row level security;
create policy sessions_tenant on sessions
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());
