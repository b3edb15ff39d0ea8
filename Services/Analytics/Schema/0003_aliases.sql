-- Tests that are one with another: facts that come for `alias_id` are those of `test_id`. What Execution said last.
create table test_aliases (
    tenant_id uuid not null,
    project_id uuid not null,
    alias_id uuid not null,
    test_id uuid not null,
    constraint test_aliases_pkey primary key (tenant_id, project_id, alias_id)
);

alter table test_aliases enable row level security;
alter table test_aliases force row level security;
create policy test_aliases_tenant on test_aliases using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
