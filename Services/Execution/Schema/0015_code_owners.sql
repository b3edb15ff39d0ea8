-- CODEOWNERS files by their content: once, however many commits have the same.
create table code_owners_files (
    tenant_id uuid not null,
    project_id uuid not null,
    sha256 bytea not null,
    content text not null,
    constraint code_owners_files_pkey primary key (tenant_id, project_id, sha256)
);

-- Which commits and branches had which file. At most `CodeOwnersVersion.most` a project.
create table code_owners_versions (
    tenant_id uuid not null,
    -- UUIDv7: the newest is the greatest.
    id uuid not null,
    project_id uuid not null,
    sha256 bytea not null,
    -- Empty where it was not said.
    commit_sha text not null default '',
    -- Empty for a file that holds where no other does.
    branch text not null default '',
    created_at timestamptz not null default now(),
    constraint code_owners_versions_pkey primary key (tenant_id, id),
    constraint code_owners_versions_sha256_fkey foreign key (tenant_id, project_id, sha256)
        references code_owners_files (tenant_id, project_id, sha256)
);

-- Files that were put before there were versions hold where no other does, as they did. Their owner is bound by policies as long as these are forced.
alter table reading_rules no force row level security;
insert into code_owners_files (tenant_id, project_id, sha256, content)
select tenant_id, project_id, sha256(convert_to(body, 'UTF8')), body from reading_rules where kind = 'owners';
insert into code_owners_versions (tenant_id, id, project_id, sha256, commit_sha, created_at)
select
    tenant_id,
    (lpad(to_hex((extract(epoch from updated_at) * 1000)::bigint), 12, '0') || '7' || substr(noise, 1, 3) || '8' || substr(noise, 4, 15))::uuid,
    project_id, sha256(convert_to(body, 'UTF8')), commit_sha, updated_at
from (select *, md5(random()::text || project_id::text) as noise from reading_rules where kind = 'owners') as known;
alter table reading_rules force row level security;
-- From here on the row of the kind 'owners' is only the version that changes are held against; its text is for the release before this one.

alter table code_owners_files enable row level security;
alter table code_owners_files force row level security;
create policy code_owners_files_tenant on code_owners_files using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
alter table code_owners_versions enable row level security;
alter table code_owners_versions force row level security;
create policy code_owners_versions_tenant on code_owners_versions
    using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- The file of exactly a commit, read by every upload. The same commit can be built for two branches, and its file be put again.
create index code_owners_versions_commit_index on code_owners_versions (tenant_id, project_id, commit_sha, id desc) where commit_sha <> '';
-- The newest of a branch, and of none, read by every upload.
create index code_owners_versions_branch_index on code_owners_versions (tenant_id, project_id, branch, id desc);
-- ListCodeOwnersVersions, newest first.
create index code_owners_versions_id_index on code_owners_versions (tenant_id, project_id, id desc);
-- For the foreign key, when a file is deleted that no version has any more.
create index code_owners_versions_sha256_index on code_owners_versions (tenant_id, project_id, sha256);

-- The version by which the owners of an upload's results were found. It may be gone by now.
alter table uploads add column code_owners_id uuid;
