-- People: one row each for the whole installation, whatever organizations they belong to (`users` holds who belongs where).
create table people (
    id                uuid        not null,
    -- In lower case; what they sign in with.
    email             text        not null,
    name              text        not null,
    -- PHC string of Argon2id; null for whoever has never set one.
    password          text,
    -- Until then nobody knows that the address is theirs.
    email_verified_at timestamptz,
    -- By a super admin: signs in nowhere.
    disabled_at       timestamptz,
    created_at        timestamptz not null default now(),
    constraint people_pkey primary key (id),
    constraint people_email_unique unique (email),
    constraint people_email_check check (email = lower(email) and char_length(email) between 3 and 254),
    constraint people_name_check check (char_length(name) between 1 and 100)
);

-- A session belongs to a key, or to a person who has chosen an organization.
alter table sessions
    alter column key_id drop not null,
    add column user_id uuid,
    add constraint sessions_user_id_fkey foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
    add constraint sessions_holder_check check ((key_id is null) <> (user_id is null));

-- People belong to no tenant: only sign-in, which looks across all, reads and writes them.
alter table people enable row level security;
alter table people force row level security;
create policy people_system on people using (system_scope()) with check (system_scope());
