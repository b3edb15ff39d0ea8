-- What was answered to a request with an Idempotency-Key, for 24 hours.

create table idempotency_keys (
    tenant_id    uuid        not null,
    -- The API key that asked: the same text from another key is another request.
    principal    text        not null,
    -- Verb and path template.
    route        text        not null,
    key          text        not null,
    -- SHA-256 of the request.
    fingerprint  bytea       not null,
    -- Sent to the service in place of the user's key: stays the same when the request is carried out again after a crash, so that the service
    -- finds what it has already made, and is new when the user's key is used again a day later.
    forwarded    uuid        not null,
    state        text        not null,
    -- Raised by every claim; the answer is stored only by the latest claimant.
    epoch        bigint      not null default 1,
    -- Until then the claimant is believed to be alive.
    lease_until  timestamptz not null,
    status       smallint,
    body         bytea,
    expires_at   timestamptz not null,
    constraint idempotency_keys_pkey primary key (tenant_id, principal, route, key),
    constraint idempotency_keys_state_check check (state in ('running', 'done')),
    constraint idempotency_keys_key_check check (char_length(key) between 1 and 255)
);
-- For the sweep.
create index idempotency_keys_expires_at on idempotency_keys (expires_at);

-- system_scope(): the sweep runs across tenants.
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy idempotency_keys_tenant on idempotency_keys
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());
