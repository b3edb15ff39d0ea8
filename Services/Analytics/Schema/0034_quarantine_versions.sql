-- What quarantines said from one change to the next. Rows are only ever added, ending one is one too. A release before this one adds none: what it changes
-- is added with the next change, without who said it and when. What it lifts is not added: the quarantine itself says when that was.
create table quarantine_versions (
    tenant_id uuid not null,
    quarantine_id uuid not null,
    -- As the quarantine's.
    version bigint not null,
    project_id uuid not null,
    kind text not null,
    owner text not null,
    ticket text not null,
    reason text not null,
    expires_at timestamptz not null,
    -- Null where it is not known.
    said_by text,
    said_at timestamptz,
    -- ListQuarantineVersions, by way of quarantines_test_id_index; ListQuarantinedTests: who said what is in force.
    constraint quarantine_versions_pkey primary key (tenant_id, quarantine_id, version),
    constraint quarantine_versions_kind_check check (kind in ('created', 'changed', 'lifted'))
);

-- What is known of those from before: what each said last.
alter table quarantines no force row level security;
insert into quarantine_versions (
    tenant_id, quarantine_id, version, project_id, kind, owner, ticket, reason, expires_at, said_by, said_at)
select tenant_id, id, version, project_id,
    case when lifted_at is not null then 'lifted' when version = 1 then 'created' else 'changed' end,
    owner, ticket, reason, expires_at,
    case when lifted_at is not null then lifted_by when version = 1 then created_by end,
    case when lifted_at is not null then lifted_at when version = 1 then created_at end
from quarantines;
alter table quarantines force row level security;

alter table quarantine_versions enable row level security;
alter table quarantine_versions force row level security;
create policy quarantine_versions_read on quarantine_versions for select using (tenant_id = (select current_tenant()));
create policy quarantine_versions_add on quarantine_versions for insert with check (tenant_id = (select current_tenant()));
