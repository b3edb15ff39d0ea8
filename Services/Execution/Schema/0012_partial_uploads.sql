-- Bodies of uploads that come in pieces, until their last byte is here.
create table partial_uploads (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    lane text not null,
    -- What the first request said of the body (PartialUpload.Head).
    head jsonb not null,
    idempotency_key text not null,
    -- Bytes that are here. Only ever grows, under the row's lock: of two that append at one offset, the second finds it moved.
    received bigint not null default 0,
    -- null until the client has said it.
    length bigint,
    completed_at timestamptz,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    constraint partial_uploads_pkey primary key (tenant_id, id),
    constraint partial_uploads_lane_check check (lane in ('trusted', 'untrusted')),
    constraint partial_uploads_length_check check (received <= length)
);
-- One key, one upload: a client that has lost an answer finds it again. Also for counting the open ones of a project.
create unique index partial_uploads_key_index on partial_uploads (tenant_id, project_id, lane, coalesce(nullif(idempotency_key, ''), id::text));
-- The sweep.
create index partial_uploads_expires_at_index on partial_uploads (expires_at);

alter table partial_uploads enable row level security;
alter table partial_uploads force row level security;
-- system_scope(): the sweep runs across tenants.
create policy partial_uploads_tenant on partial_uploads
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

-- The bytes, cut at every MiB of the body. A piece that is not full yet is rewritten when more of it comes.
create table partial_upload_pieces (
    tenant_id uuid not null,
    partial_upload_id uuid not null,
    piece integer not null,
    bytes bytea not null,
    constraint partial_upload_pieces_pkey primary key (tenant_id, partial_upload_id, piece),
    constraint partial_upload_pieces_partial_upload_id_fkey
        foreign key (tenant_id, partial_upload_id) references partial_uploads (tenant_id, id) on delete cascade
);
-- Reports are sent folded.
alter table partial_upload_pieces alter column bytes set storage external;

alter table partial_upload_pieces enable row level security;
alter table partial_upload_pieces force row level security;
create policy partial_upload_pieces_tenant on partial_upload_pieces
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());
