-- CI without a key: which builds may upload, and the tokens that they got.

create table trust_policies (
    tenant_id       uuid        not null,
    id              uuid        not null,
    name            text        not null,
    provider        text        not null,
    -- Compared exactly with a token's `iss`. No issuer is asked for its keys but those that stand here.
    issuer          text        not null,
    audience        text        not null,
    -- Patterns by the name of the claim.
    claims          jsonb       not null,
    projects        uuid[]      not null,
    forks           text        not null,
    enabled         boolean     not null default true,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    version         bigint      not null default 1,
    idempotency_key text,
    -- Of the last change: whoever repeats it after a crash gets what the first one made.
    change_key      text,
    constraint trust_policies_pkey primary key (tenant_id, id),
    constraint trust_policies_tenant_id_fkey foreign key (tenant_id) references organizations (tenant_id),
    constraint trust_policies_idempotency_key_unique unique (tenant_id, idempotency_key),
    constraint trust_policies_provider_check check (provider in ('github', 'gitlab', 'buildkite')),
    constraint trust_policies_forks_check check (forks in ('untrusted', 'refuse')),
    constraint trust_policies_name_check check (char_length(name) between 1 and 100)
);
-- The policies that a token may fall under.
create index trust_policies_issuer on trust_policies (tenant_id, issuer);

create table upload_tokens (
    tenant_id      uuid        not null,
    id             uuid        not null,
    policy_id      uuid        not null,
    -- Of the policy when the token was given: a change of the policy ends it.
    policy_version bigint      not null,
    -- SHA-256 of the text, which carries 178 random bits.
    digest         bytea       not null,
    lane           text        not null,
    projects       uuid[]      not null,
    created_at     timestamptz not null default now(),
    expires_at     timestamptz not null,
    constraint upload_tokens_pkey primary key (tenant_id, id),
    constraint upload_tokens_policy_id_fkey foreign key (tenant_id, policy_id) references trust_policies (tenant_id, id) on delete cascade,
    constraint upload_tokens_lane_check check (lane in ('trusted', 'untrusted')),
    constraint upload_tokens_digest_check check (octet_length(digest) = 32),
    constraint upload_tokens_quarter_check check (expires_at <= created_at + interval '15 minutes')
);
-- For checking a token, before its tenant is known; not unique, as api_keys_digest is not.
create index upload_tokens_digest on upload_tokens (digest);
-- For deleting a policy.
create index upload_tokens_policy_id on upload_tokens (tenant_id, policy_id);
-- For the sweep of what is over.
create index upload_tokens_expires_at on upload_tokens (expires_at);

-- ID tokens that were exchanged, until they are over: how often one comes again is counted.
create table exchanged_tokens (
    tenant_id  uuid        not null,
    -- IDToken.fingerprint
    digest     bytea       not null,
    uses       integer     not null,
    expires_at timestamptz not null,
    constraint exchanged_tokens_pkey primary key (tenant_id, digest),
    constraint exchanged_tokens_digest_check check (octet_length(digest) = 32)
);
-- For the sweep of what is over.
create index exchanged_tokens_expires_at on exchanged_tokens (expires_at);

-- system_scope(): a token is looked up before anybody knows whose it is, and sweeps go through all of them.
alter table trust_policies enable row level security;
alter table trust_policies force row level security;
create policy trust_policies_tenant on trust_policies
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

alter table upload_tokens enable row level security;
alter table upload_tokens force row level security;
create policy upload_tokens_tenant on upload_tokens
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

alter table exchanged_tokens enable row level security;
alter table exchanged_tokens force row level security;
create policy exchanged_tokens_tenant on exchanged_tokens
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());
