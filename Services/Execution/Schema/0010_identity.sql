-- What a project says about how its results are read: one document a kind, read at the beginning of every upload.
create table reading_rules (
    tenant_id uuid not null,
    project_id uuid not null,
    kind text not null,
    -- JSON, or the text of a CODEOWNERS file.
    body text not null,
    commit_sha text not null default '',
    -- 1 is what a project has that never said anything.
    version bigint not null default 2,
    updated_at timestamptz not null default now(),
    constraint reading_rules_pkey primary key (tenant_id, project_id, kind),
    constraint reading_rules_kind_check check (kind in ('identity', 'fields', 'owners'))
);

alter table reading_rules enable row level security;
alter table reading_rules force row level security;
create policy reading_rules_tenant on reading_rules using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- Tests that were renamed: results that come as `alias_id` are stored as `test_id`. No chains: `test_id` is nobody's alias.
create table test_aliases (
    tenant_id uuid not null,
    project_id uuid not null,
    alias_id uuid not null,
    test_id uuid not null,
    note text not null default '',
    created_by text not null,
    created_at timestamptz not null default now(),
    -- The project is in it: whoever may write in one project must not join tests of another.
    constraint test_aliases_pkey primary key (tenant_id, project_id, alias_id)
);

alter table test_aliases enable row level security;
alter table test_aliases force row level security;
create policy test_aliases_tenant on test_aliases using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- The aliases of a test that becomes an alias itself, and ListResults by test.
create index test_aliases_test_id_index on test_aliases (tenant_id, project_id, test_id);
