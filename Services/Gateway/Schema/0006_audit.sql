-- The audit log: one hash-chained list of acts for each organization, written by whatever service did them and collected from all.

-- Where each chain stands. Appending takes its row's lock, so numbers have no gaps and each link follows the one before.
create table audit_heads (
    tenant_id         uuid        not null,
    number            bigint      not null default 0,
    hash              bytea       not null default decode(repeat('00', 32), 'hex'),
    -- Of the last signed checkpoint, and the public key it was signed with.
    checkpoint_number bigint      not null default 0,
    checkpoint_at     timestamptz not null default now(),
    checkpoint_key    bytea,
    -- Of the last verification; `finding` is what was wrong, null when nothing was.
    verified_at       timestamptz,
    verified_number   bigint      not null default 0,
    finding           text,
    constraint audit_heads_pkey primary key (tenant_id),
    constraint audit_heads_hash_check check (octet_length(hash) = 32)
);

create table audit_entries (
    tenant_id  uuid        not null,
    -- From 1, without gaps.
    number     bigint      not null,
    -- Given where the act was done: an entry that is collected again is known by it.
    id         uuid        not null,
    -- In whole milliseconds, as it is hashed.
    at         timestamptz not null,
    service    text        not null,
    action     text        not null,
    actor      text        not null,
    subject    text        not null,
    project    text        not null,
    details    jsonb       not null,
    request_id text        not null,
    address    text        not null,
    -- SHA-256 of the hash before and what stands here.
    hash       bytea       not null,
    constraint audit_entries_pkey primary key (tenant_id, number),
    constraint audit_entries_id_unique unique (tenant_id, id),
    constraint audit_entries_hash_check check (octet_length(hash) = 32)
);
-- Lists by what was done, by whom, and to what; newest first.
create index audit_entries_action_idx on audit_entries (tenant_id, action, number);
create index audit_entries_actor_idx on audit_entries (tenant_id, actor, number);
create index audit_entries_subject_idx on audit_entries (tenant_id, subject, number);

create table audit_checkpoints (
    tenant_id  uuid        not null,
    number     bigint      not null,
    hash       bytea       not null,
    at         timestamptz not null,
    public_key bytea       not null,
    signature  bytea       not null,
    -- The same number is signed again when the key has changed.
    constraint audit_checkpoints_pkey primary key (tenant_id, number, public_key)
);

alter table audit_heads enable row level security;
alter table audit_heads force row level security;
-- system_scope(): the nightly verification looks for chains that are due.
create policy audit_heads_tenant on audit_heads
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant());

-- Insert only: no policy lets anybody change or delete a row, and no right either (below).
alter table audit_entries enable row level security;
alter table audit_entries force row level security;
create policy audit_entries_read on audit_entries for select using (tenant_id = current_tenant());
create policy audit_entries_append on audit_entries for insert with check (tenant_id = current_tenant());

alter table audit_checkpoints enable row level security;
alter table audit_checkpoints force row level security;
create policy audit_checkpoints_read on audit_checkpoints for select using (tenant_id = current_tenant());
create policy audit_checkpoints_append on audit_checkpoints for insert with check (tenant_id = current_tenant());

do $$ declare held record; begin
    for held in
        select distinct table_name, grantee from information_schema.role_table_grants
        where table_schema = current_schema() and table_name in ('audit_entries', 'audit_checkpoints') and grantee <> current_user
    loop
        execute format('revoke update, delete, truncate, references, trigger on %I from %I', held.table_name, held.grantee);
    end loop;
end $$;
