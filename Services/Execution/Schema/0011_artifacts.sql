-- Contents of files, by organization and SHA-256: the same bytes of two organizations are two contents, so nobody learns what others have. The bytes
-- are in the storage under a key made of the row (Artifacts/README.md): nothing is there without one.
create table artifact_blobs (
    tenant_id uuid not null,
    id uuid not null,
    sha256 bytea not null,
    bytes bigint not null,
    -- Artifacts that have this content; exact, because it changes in the transaction that makes or deletes one.
    refs bigint not null default 0,
    state text not null default 'arriving',
    -- Since when no artifact has it; `null` while one has.
    unreferenced_at timestamptz default now(),
    -- When somebody last set out to delete its bytes.
    dying_at timestamptz,
    constraint artifact_blobs_pkey primary key (tenant_id, id),
    constraint artifact_blobs_refs_check check (refs >= 0 and (refs = 0) = (unreferenced_at is not null)),
    -- `arriving`: somebody writes the bytes. `stored`: they are there. `dying`: they are being deleted, and nobody may refer to them any more.
    constraint artifact_blobs_state_check check (state in ('arriving', 'stored', 'dying'))
) with (fillfactor = 80);

-- One living content for the same bytes. One that dies is in nobody's way: the same bytes coming again are another row with another key.
create unique index artifact_blobs_sha256_unique on artifact_blobs (tenant_id, sha256) where state <> 'dying';
-- What the sweeper looks for.
create index artifact_blobs_unreferenced_index on artifact_blobs (unreferenced_at) where refs = 0;

alter table artifact_blobs enable row level security;
alter table artifact_blobs force row level security;
create policy artifact_blobs_tenant on artifact_blobs
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

create table artifacts (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    run_id uuid not null,
    result_id uuid,
    blob_id uuid not null,
    name text not null,
    media_type text not null,
    width integer,
    height integer,
    created_at timestamptz not null default now(),
    constraint artifacts_pkey primary key (tenant_id, id),
    constraint artifacts_run_id_fkey foreign key (tenant_id, run_id) references runs (tenant_id, id),
    constraint artifacts_blob_id_fkey foreign key (tenant_id, blob_id) references artifact_blobs (tenant_id, id)
);

-- A repeated upload finds the first one. Names can be longer than an entry of an index, hence their hash.
create unique index artifacts_content_unique on artifacts (tenant_id, run_id, result_id, blob_id, md5(name)) nulls not distinct;
-- ListArtifacts.
create index artifacts_run_id_index on artifacts (tenant_id, run_id, id);
-- For the foreign key, when a content is deleted.
create index artifacts_blob_id_index on artifacts (tenant_id, blob_id);
-- What is too old to be kept, of all organizations.
create index artifacts_created_at_index on artifacts (created_at);

alter table artifacts enable row level security;
alter table artifacts force row level security;
create policy artifacts_tenant on artifacts
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

-- What an organization's artifacts take: bytes of contents that an artifact has, once each, and the number of artifacts. The row is also the lock under
-- which the quota is held.
create table artifact_usage (
    tenant_id uuid not null,
    bytes bigint not null,
    files bigint not null,
    constraint artifact_usage_pkey primary key (tenant_id),
    constraint artifact_usage_check check (bytes >= 0 and files >= 0)
) with (fillfactor = 50);

alter table artifact_usage enable row level security;
alter table artifact_usage force row level security;
create policy artifact_usage_tenant on artifact_usage
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

-- What was sent for a run and not kept for want of quota.
create table artifact_drops (
    tenant_id uuid not null,
    run_id uuid not null,
    files bigint not null,
    bytes bigint not null,
    last_at timestamptz not null default now(),
    constraint artifact_drops_pkey primary key (tenant_id, run_id),
    constraint artifact_drops_run_id_fkey foreign key (tenant_id, run_id) references runs (tenant_id, id)
);

alter table artifact_drops enable row level security;
alter table artifact_drops force row level security;
create policy artifact_drops_tenant on artifact_drops using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- The result that names an attachment: uploads of the run, and of each the results (a range of ids) that have attachments.
create index uploads_run_id_index on uploads (tenant_id, run_id);
create index result_details_attachments_index on result_details (tenant_id, result_id) where attachments is not null;
