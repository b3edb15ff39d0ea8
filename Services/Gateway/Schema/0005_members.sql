-- Organizations and what people may do in them.

alter table organizations
    -- By a super admin: nobody gets in, and nothing is lost.
    add column suspended_at timestamptz,
    add column suspended_reason text not null default '',
    -- By an owner: the organization is over.
    add column deactivated_at timestamptz,
    -- A request that is repeated after a crash finds what it has made.
    add column idempotency_key text;

-- Roles that an organization has put together itself.
create table roles (
    tenant_id   uuid        not null,
    id          uuid        not null,
    name        text        not null,
    permissions text[]      not null,
    created_at  timestamptz not null default now(),
    constraint roles_pkey primary key (tenant_id, id),
    constraint roles_tenant_id_fkey foreign key (tenant_id) references organizations (tenant_id),
    constraint roles_name_check check (char_length(name) between 1 and 100)
);
-- Names are told apart as people do.
create unique index roles_tenant_id_name_unique on roles (tenant_id, lower(name));

-- `users.id` is `people.id` for everybody but the nameless owner of a first key.
alter table users
    drop constraint users_role_check,
    add column is_owner boolean not null default false,
    -- Of a custom role.
    add column role_id uuid,
    -- Keeps their name in the log, but lets them in no more.
    add column deactivated_at timestamptz,
    -- Belongs no more, and is not shown. The row stays, because keys and the log name it; set together with deactivated_at.
    add column removed_at timestamptz;
update users set role = 'org_admin', is_owner = true where role = 'owner';
alter table users
    add constraint users_role_check check (role in ('org_admin', 'admin', 'qa_lead', 'validator', 'viewer', 'custom')),
    add constraint users_role_id_check check ((role = 'custom') = (role_id is not null)),
    add constraint users_owner_check check (not is_owner or role = 'org_admin'),
    add constraint users_removed_check check (removed_at is null or deactivated_at is not null),
    add constraint users_role_id_fkey foreign key (tenant_id, role_id) references roles (tenant_id, id);
-- Whether a role is in use.
create index users_role_id on users (tenant_id, role_id) where role_id is not null;
-- The organizations of a person, before one of them is chosen.
create index users_id on users (id);

-- A role in one project, on top of the role in the organization.
create table project_grants (
    tenant_id  uuid        not null,
    user_id    uuid        not null,
    project_id uuid        not null,
    role       text        not null,
    role_id    uuid,
    created_at timestamptz not null default now(),
    constraint project_grants_pkey primary key (tenant_id, user_id, project_id),
    constraint project_grants_user_id_fkey foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
    constraint project_grants_role_id_fkey foreign key (tenant_id, role_id) references roles (tenant_id, id),
    constraint project_grants_role_check check (role in ('qa_lead', 'validator', 'viewer', 'admin', 'custom')),
    constraint project_grants_role_id_check check ((role = 'custom') = (role_id is not null))
);
-- Whether a role is in use.
create index project_grants_role_id on project_grants (tenant_id, role_id) where role_id is not null;

create table invitations (
    tenant_id       uuid        not null,
    id              uuid        not null,
    email           text        not null,
    role            text        not null,
    role_id         uuid,
    is_owner        boolean     not null default false,
    -- SHA-256 of the mailed token, which carries 256 random bits.
    digest          bytea       not null,
    invited_by      text        not null,
    created_at      timestamptz not null default now(),
    expires_at      timestamptz not null,
    accepted_at     timestamptz,
    revoked_at      timestamptz,
    idempotency_key text,
    constraint invitations_pkey primary key (tenant_id, id),
    constraint invitations_tenant_id_fkey foreign key (tenant_id) references organizations (tenant_id),
    constraint invitations_role_id_fkey foreign key (tenant_id, role_id) references roles (tenant_id, id),
    constraint invitations_idempotency_key_unique unique (tenant_id, idempotency_key),
    constraint invitations_role_id_check check ((role = 'custom') = (role_id is not null)),
    constraint invitations_digest_check check (octet_length(digest) = 32),
    constraint invitations_email_check check (email = lower(email) and char_length(email) between 3 and 254)
);
-- For checking a token, before its tenant is known.
create index invitations_digest on invitations (digest);
-- One open invitation for an address.
create unique index invitations_open_unique on invitations (tenant_id, email) where accepted_at is null and revoked_at is null;

-- A super admin in somebody's place. Its session ends with it.
create table impersonations (
    tenant_id       uuid        not null,
    id              uuid        not null,
    user_id         uuid        not null,
    impersonator_id uuid        not null,
    reason          text        not null,
    read_only       boolean     not null,
    digest          bytea       not null,
    created_at      timestamptz not null default now(),
    expires_at      timestamptz not null,
    ended_at        timestamptz,
    constraint impersonations_pkey primary key (tenant_id, id),
    constraint impersonations_user_id_fkey foreign key (tenant_id, user_id) references users (tenant_id, id),
    constraint impersonations_digest_check check (octet_length(digest) = 32),
    constraint impersonations_hour_check check (expires_at <= created_at + interval '60 minutes'),
    constraint impersonations_reason_check check (char_length(reason) between 1 and 500)
);
-- For checking its token, before its tenant is known.
create index impersonations_digest on impersonations (digest);
-- For telling of those that have ended by themselves.
create index impersonations_open on impersonations (expires_at) where ended_at is null;

-- system_scope(): who may do what is looked up before the tenant is known; super admins look across all.
alter table roles enable row level security;
alter table roles force row level security;
create policy roles_tenant on roles
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

alter table project_grants enable row level security;
alter table project_grants force row level security;
create policy project_grants_tenant on project_grants
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

alter table invitations enable row level security;
alter table invitations force row level security;
create policy invitations_tenant on invitations
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

alter table impersonations enable row level security;
alter table impersonations force row level security;
create policy impersonations_tenant on impersonations
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

-- An organization reads of its own people, and of nobody else, who they are.
create policy people_members on people for select
    using (exists (select from users u where u.id = people.id and u.tenant_id = current_tenant()));
