create table uploads (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    run_id uuid not null,
    -- SHA-256 of what makes two uploads the same one (UploadDraft.contentKey).
    content_key bytea not null,
    idempotency_key text,
    accepted bigint not null,
    rejected bigint not null,
    warnings jsonb not null,
    files jsonb not null,
    -- Its results have ids from here on, up to ResultIDs.last.
    first_result_id uuid not null,
    last_result_id uuid not null,
    -- Its failures are with Validation, or there are none. A run is complete for Validation when no upload lacks it.
    judged_at timestamptz,
    created_at timestamptz not null default now(),
    constraint uploads_pkey primary key (tenant_id, id),
    constraint uploads_content_key_unique unique (tenant_id, content_key),
    constraint uploads_idempotency_key_unique unique (tenant_id, project_id, idempotency_key),
    -- At commit, because the run is written last: its row is what other shards wait for.
    constraint uploads_run_id_fkey foreign key (tenant_id, run_id) references runs (tenant_id, id) deferrable initially deferred
);

alter table uploads enable row level security;
alter table uploads force row level security;
create policy uploads_tenant on uploads using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- Whether a run has uploads whose failures are still on their way.
create index uploads_unjudged_index on uploads (tenant_id, run_id) where judged_at is null;

-- Reports as they came, gzip, cut into pieces of a MiB: what a parser of tomorrow reads again. Already compressed, hence `external`.
create table raw_reports (
    tenant_id uuid not null,
    upload_id uuid not null,
    -- Place of the file in the upload, and of the piece in the file, from 0.
    file integer not null,
    part integer not null,
    bytes bytea not null,
    constraint raw_reports_pkey primary key (tenant_id, upload_id, file, part),
    constraint raw_reports_upload_id_fkey foreign key (tenant_id, upload_id) references uploads (tenant_id, id) deferrable initially deferred
);
alter table raw_reports alter column bytes set storage external;

alter table raw_reports enable row level security;
alter table raw_reports force row level security;
create policy raw_reports_tenant on raw_reports using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
