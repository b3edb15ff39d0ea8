-- Texts by which people take failures of one signature apart, where everything that would tell them apart has been masked. A table of its own: a release
-- that does not know them reads none of it. Rows are only ever added, as those of splits and merges are.
create table signature_cuts (
    tenant_id uuid not null,
    project_id uuid not null,
    -- A grouping decision's.
    id uuid not null,
    signature_id uuid not null,
    -- What a failure of it that contains the text counts for (`Cut.target`).
    target_id uuid not null,
    -- Of the signature, which the target is made of: its row may be forgotten, what a person decided is not.
    origin text not null,
    text text not null,
    containing text not null,
    decided_at timestamptz not null,
    decided_by text not null,
    note text not null,
    idempotency_key text,
    constraint signature_cuts_pkey primary key (tenant_id, project_id, id),
    constraint signature_cuts_idempotency_key_unique unique (tenant_id, project_id, idempotency_key),
    -- The same text again is the same cut.
    constraint signature_cuts_signature_id_containing_unique unique (tenant_id, project_id, signature_id, containing)
);

alter table signature_cuts enable row level security;
alter table signature_cuts force row level security;
create policy signature_cuts_read on signature_cuts for select using (tenant_id = current_tenant());
create policy signature_cuts_add on signature_cuts for insert with check (tenant_id = current_tenant());

-- What was taken out is forgotten no more than what it was taken from.
create index signature_cuts_target_id_index on signature_cuts (tenant_id, project_id, target_id);

-- How far the failures that were there before a cut have been gone through. Written with each page of them, in one transaction.
create table signature_cut_progress (
    tenant_id uuid not null,
    project_id uuid not null,
    cut_id uuid not null,
    state text not null default 'waiting',
    -- Failures that the signature counted when it was cut; those that have been looked at, that were moved, and whose texts are not kept (any more).
    total bigint not null,
    done bigint not null default 0,
    moved bigint not null default 0,
    without_texts bigint not null default 0,
    -- When the signature was seen first: what failed before was forgotten, and counts nowhere.
    counted_since timestamptz not null,
    -- The last failure that was looked at, in which pass through all of them (`CuttingStore.maxPasses`).
    after_result uuid,
    passes integer not null default 1,
    finished_at timestamptz,
    constraint signature_cut_progress_pkey primary key (tenant_id, project_id, cut_id),
    constraint signature_cut_progress_cut_id_fkey foreign key (tenant_id, project_id, cut_id) references signature_cuts (tenant_id, project_id, id),
    constraint signature_cut_progress_state_check check (state in ('waiting', 'running', 'done'))
);

alter table signature_cut_progress enable row level security;
alter table signature_cut_progress force row level security;
create policy signature_cut_progress_tenant on signature_cut_progress using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
