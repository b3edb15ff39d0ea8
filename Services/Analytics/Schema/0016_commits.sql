-- When each commit first ran on a branch, kept with the deliveries of facts: what of it is new on the day of a change may be the reason for it.
create table project_commits (
    tenant_id uuid not null,
    project_id uuid not null,
    -- Cut at 200 characters, as in rollups; empty when the run named none.
    branch text not null,
    commit_sha text not null,
    -- Start of its earliest run.
    first_at timestamptz not null,
    constraint project_commits_pkey primary key (tenant_id, project_id, branch, commit_sha)
);

alter table project_commits enable row level security;
alter table project_commits force row level security;
create policy project_commits_tenant on project_commits
    using (tenant_id = (select current_tenant()) or system_scope()) with check (tenant_id = (select current_tenant()) or system_scope());

-- GetTrendChanges: the first of a day.
create index project_commits_first_at_index on project_commits (tenant_id, project_id, branch, first_at);
-- The sweeper, once an hour.
create index project_commits_sweep_index on project_commits (first_at);
