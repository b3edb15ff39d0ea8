-- Tests that are one with another: failures that come for `alias_id` are those of `test_id`. What Execution said last.
create table test_aliases (
    tenant_id uuid not null,
    project_id uuid not null,
    alias_id uuid not null,
    test_id uuid not null,
    -- Of the time for which it has been one without a break: what was begun in an earlier one ends (JoinTests).
    episode_id uuid not null default gen_random_uuid(),
    constraint test_aliases_pkey primary key (tenant_id, project_id, alias_id)
);

alter table test_aliases enable row level security;
alter table test_aliases force row level security;
create policy test_aliases_tenant on test_aliases using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- JoinTests: the signatures that count failures of an alias; KeepGroups: the aliases that any still counts.
create index signature_tests_test_index on signature_tests (tenant_id, project_id, test_id);
