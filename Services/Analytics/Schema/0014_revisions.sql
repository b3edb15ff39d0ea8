-- How often what is known of a project has changed: while it stays, so does every answer about it (AnswerRevision).
create table project_revisions (
    tenant_id uuid not null,
    project_id uuid not null,
    revision bigint not null default 1,
    -- GetTrend, ListTrendValues, GetTrendChanges, GetQualityScore, CompareSets
    constraint project_revisions_pkey primary key (tenant_id, project_id)
);

-- Every delivery rewrites it.
alter table project_revisions set (fillfactor = 50);
alter table project_revisions enable row level security;
alter table project_revisions force row level security;
create policy project_revisions_tenant on project_revisions
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
