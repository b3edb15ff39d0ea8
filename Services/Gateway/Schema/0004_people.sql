-- People: one row each for the whole installation, whatever organizations they belong to (`users` holds who belongs where).
create table people (
    id                uuid        not null,
    -- In lower case; what they sign in with.
    email             text        not null,
    name              text        not null,
    -- PHC string of Argon2id; null for whoever has never set one.
    password          text,
    -- Null for whoever was made by somebody else and has not opened a mailed link yet: they cannot log in.
    email_verified_at timestamptz,
    -- By a super admin: signs in nowhere.
    disabled_at       timestamptz,
    created_at        timestamptz not null default now(),
    -- Of the second factor, sealed for this row; on from the moment that a code has confirmed it.
    totp_secret       bytea,
    totp_confirmed_at timestamptz,
    -- The latest time step whose code was accepted: no code is good twice.
    totp_step         bigint,
    -- The organization of the last login.
    last_tenant_id    uuid,
    constraint people_pkey primary key (id),
    constraint people_email_unique unique (email),
    constraint people_email_check check (email = lower(email) and char_length(email) between 3 and 254),
    constraint people_name_check check (char_length(name) between 1 and 100),
    constraint people_totp_check check (totp_secret is not null or totp_confirmed_at is null)
);

-- People belong to no tenant: only sign-in, which looks across all, reads and writes them.
alter table people enable row level security;
alter table people force row level security;
create policy people_system on people using (system_scope()) with check (system_scope());

-- Codes on paper that stand in for the second factor, each once.
create table recovery_codes (
    person_id uuid  not null,
    digest    bytea not null,
    constraint recovery_codes_pkey primary key (person_id, digest),
    constraint recovery_codes_person_id_fkey foreign key (person_id) references people (id) on delete cascade,
    constraint recovery_codes_digest_check check (octet_length(digest) = 32)
);
alter table recovery_codes enable row level security;
alter table recovery_codes force row level security;
create policy recovery_codes_system on recovery_codes using (system_scope()) with check (system_scope());

-- Links that were mailed, by the SHA-256 of the secret in them, which carries 256 random bits. A link that was used is deleted.
create table mailed_links (
    digest     bytea       not null,
    purpose    text        not null,
    -- Where it went, and what it proves to be theirs.
    email      text        not null,
    -- Whose account it changes; null for a registration, which makes one.
    person_id  uuid,
    -- Of a registration: becomes the person's when the link is opened. So whoever registers somebody else's address leaves nothing behind.
    name       text,
    password   text,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    constraint mailed_links_pkey primary key (digest),
    constraint mailed_links_person_id_fkey foreign key (person_id) references people (id) on delete cascade,
    constraint mailed_links_purpose_check check (purpose in ('verify', 'reset', 'email')),
    constraint mailed_links_digest_check check (octet_length(digest) = 32),
    constraint mailed_links_person_id_check check ((person_id is null) = (purpose = 'verify'))
);
-- How many an address has got lately, and which are void once one was used.
create index mailed_links_email on mailed_links (email, purpose, created_at);
create index mailed_links_person_id on mailed_links (person_id) where person_id is not null;
-- For the sweep.
create index mailed_links_expires_at on mailed_links (expires_at);
alter table mailed_links enable row level security;
alter table mailed_links force row level security;
create policy mailed_links_system on mailed_links using (system_scope()) with check (system_scope());

-- Failed tries to log in. Keys are digests of what was typed and of where it came from: nobody's address can be read out of this table.
create table sign_in_failures (
    -- `account`, `address`, `pair` of both; `code` of an account's second factor.
    scope    text        not null,
    key      bytea       not null,
    failures integer     not null,
    first_at timestamptz not null,
    last_at  timestamptz not null,
    constraint sign_in_failures_pkey primary key (scope, key),
    constraint sign_in_failures_scope_check check (scope in ('account', 'address', 'pair', 'code'))
);
-- For the sweep.
create index sign_in_failures_last_at on sign_in_failures (last_at);
alter table sign_in_failures enable row level security;
alter table sign_in_failures force row level security;
create policy sign_in_failures_system on sign_in_failures using (system_scope()) with check (system_scope());

-- Where an account has been logged in to from, by the same keys as `pair` above: what strangers do must not shut these out.
create table known_devices (
    key     bytea       not null,
    last_at timestamptz not null,
    constraint known_devices_pkey primary key (key)
);
create index known_devices_last_at on known_devices (last_at);
alter table known_devices enable row level security;
alter table known_devices force row level security;
create policy known_devices_system on known_devices using (system_scope()) with check (system_scope());

-- A session belongs to a key, or to a person in an organization; of a person who belongs to none, `tenant_id` is the person's own id. Whether the
-- person is (still) a member is looked up with every session, so nothing has to be deleted when somebody leaves.
alter table sessions
    alter column key_id drop not null,
    -- Of the cookie of a browser; an API session has none, its refresh tokens stand for it.
    alter column digest drop not null,
    add column person_id uuid,
    add column address text not null default '',
    add column user_agent text not null default '',
    add constraint sessions_person_id_fkey foreign key (person_id) references people (id) on delete cascade,
    add constraint sessions_holder_check check ((key_id is null) <> (person_id is null)),
    add constraint sessions_user_agent_check check (char_length(user_agent) <= 200);
-- A person's own list, and the end of all of them.
create index sessions_person_id on sessions (person_id) where person_id is not null;

-- The refresh tokens of a session, one replacing the other; only digests.
create table refresh_tokens (
    tenant_id    uuid        not null,
    session_id   uuid        not null,
    -- Counts from 1.
    generation   integer     not null,
    digest       bytea       not null,
    -- What its successor is made from, together with the token itself and a key of the gateway's.
    salt         bytea       not null,
    given_at     timestamptz not null default now(),
    replaced_at  timestamptz,
    -- Fingerprint of the client that got the successor.
    replaced_for bytea,
    constraint refresh_tokens_pkey primary key (tenant_id, session_id, generation),
    constraint refresh_tokens_session_id_fkey foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade,
    constraint refresh_tokens_replaced_check check ((replaced_at is null) = (replaced_for is null)),
    constraint refresh_tokens_digest_check check (octet_length(digest) = 32)
);
-- For a token that is shown, before its session is known.
create index refresh_tokens_digest on refresh_tokens (digest);
alter table refresh_tokens enable row level security;
alter table refresh_tokens force row level security;
create policy refresh_tokens_tenant on refresh_tokens
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

-- The keys that access tokens are signed with, sealed.
create table signing_keys (
    id         text        not null,
    sealed     bytea       not null,
    created_at timestamptz not null,
    constraint signing_keys_pkey primary key (id)
);
alter table signing_keys enable row level security;
alter table signing_keys force row level security;
create policy signing_keys_system on signing_keys using (system_scope()) with check (system_scope());
