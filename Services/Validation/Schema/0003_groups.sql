-- What a run says about the failures in it. Empty, and no start, for runs from before.
alter table validations
    add column branch text not null default '',
    add column commit_sha text not null default '',
    add column environment text not null default '',
    add column started_at timestamptz;

-- Since when a commit runs: whether a failure contradicts a resolution.
create index validations_commit_index on validations (tenant_id, project_id, commit_sha, started_at) where lane = 'trusted' and commit_sha <> '';
-- Runs of a branch in which a group was not seen.
create index validations_branch_index on validations (tenant_id, project_id, branch, environment, started_at)
    where lane = 'trusted' and judged_at is not null;

alter table failures
    -- What it looks like when everything volatile is masked (Domain/Grouping); of a failure that nothing is learnt from, what it fits in. Null before.
    add column signature_id uuid,
    add column trusted boolean not null default true;
-- ListGroupFailures: the newest of a signature.
create index failures_signature_index on failures (tenant_id, project_id, signature_id, result_id desc) where trusted;

-- What a project's failures have looked like, with what is counted of each. Everything about a group is a sum over its signatures, so that groups can be
-- put together and taken apart without counting anything again.
create table failure_signatures (
    tenant_id uuid not null,
    project_id uuid not null,
    signature_id uuid not null,
    origin text not null,
    text text not null,
    -- Signatures that the machine may put together (BucketKey).
    bucket_id uuid not null,
    -- False: too many in its bucket or project; stands for all that came after, and takes no part in mining.
    is_mined boolean not null,
    group_id uuid not null,
    failures bigint not null,
    -- Seen in more than one run.
    is_recurring boolean not null,
    -- By the start of the run, then the result: earliest and latest are the same in whatever order results come.
    first_at timestamptz not null,
    first_result uuid not null,
    first_run uuid not null,
    first_branch text not null,
    first_commit text not null,
    first_environment text not null,
    last_at timestamptz not null,
    last_result uuid not null,
    last_run uuid not null,
    last_branch text not null,
    last_commit text not null,
    last_environment text not null,
    category text not null,
    severity text not null,
    sample text not null,
    -- The latest resolution; what contradicted it first.
    resolved_at timestamptz,
    resolved_by text,
    resolved_branch text,
    resolved_commit text,
    regressed_at timestamptz,
    regressed_result uuid,
    regressed_run uuid,
    regressed_branch text,
    regressed_commit text,
    regressed_environment text,
    owner text not null default '',
    owned_at timestamptz,
    constraint failure_signatures_pkey primary key (tenant_id, project_id, signature_id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

alter table failure_signatures enable row level security;
alter table failure_signatures force row level security;
create policy failure_signatures_tenant on failure_signatures using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- The members of a group.
create index failure_signatures_group_index on failure_signatures (tenant_id, project_id, group_id);
-- Mining: the others in a bucket.
create index failure_signatures_bucket_index on failure_signatures (tenant_id, project_id, bucket_id) where is_mined;

-- What is shown of a group: the sum over its signatures, made again with each batch that touches it.
create table failure_groups (
    tenant_id uuid not null,
    project_id uuid not null,
    group_id uuid not null,
    state text not null,
    template text not null,
    error_type text not null,
    location text not null,
    category text not null,
    severity text not null,
    failures bigint not null,
    tests bigint not null,
    signatures bigint not null,
    first_at timestamptz not null,
    first_result uuid not null,
    first_run uuid not null,
    first_branch text not null,
    first_commit text not null,
    first_environment text not null,
    last_at timestamptz not null,
    last_result uuid not null,
    last_run uuid not null,
    last_branch text not null,
    last_commit text not null,
    last_environment text not null,
    sample text not null,
    resolved_at timestamptz,
    resolved_by text,
    resolved_branch text,
    resolved_commit text,
    regressed_at timestamptz,
    regressed_result uuid,
    regressed_run uuid,
    regressed_branch text,
    regressed_commit text,
    regressed_environment text,
    owner text not null,
    -- What a text is looked for in.
    search text generated always as (lower(template || ' ' || error_type || ' ' || location)) stored,
    constraint failure_groups_pkey primary key (tenant_id, project_id, group_id),
    constraint failure_groups_state_check check (state in ('new', 'ongoing', 'regressed', 'resolved'))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

alter table failure_groups enable row level security;
alter table failure_groups force row level security;
create policy failure_groups_tenant on failure_groups using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- ListFailureGroups: seen last first; most failures first. A project has 16,384 groups at most, so other filters are looked at on the way.
create index failure_groups_last_index on failure_groups (tenant_id, project_id, last_at desc, group_id desc);
create index failure_groups_failures_index on failure_groups (tenant_id, project_id, failures desc, group_id desc);
create index failure_groups_state_index on failure_groups (tenant_id, project_id, state, last_at desc, group_id desc);

-- Tests that a signature made fail.
create table signature_tests (
    tenant_id uuid not null,
    project_id uuid not null,
    signature_id uuid not null,
    test_id uuid not null,
    class_name text not null,
    test_name text not null,
    failures bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    constraint signature_tests_pkey primary key (tenant_id, project_id, signature_id, test_id)
) with (fillfactor = 80);

alter table signature_tests enable row level security;
alter table signature_tests force row level security;
create policy signature_tests_tenant on signature_tests using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- Branches that a signature was seen on.
create table signature_branches (
    tenant_id uuid not null,
    project_id uuid not null,
    signature_id uuid not null,
    branch text not null,
    failures bigint not null,
    last_at timestamptz not null,
    constraint signature_branches_pkey primary key (tenant_id, project_id, branch, signature_id)
) with (fillfactor = 80);

alter table signature_branches enable row level security;
alter table signature_branches force row level security;
create policy signature_branches_tenant on signature_branches using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- Failures of a signature by the hour in which their runs started, for 90 days.
create table signature_hours (
    tenant_id uuid not null,
    project_id uuid not null,
    signature_id uuid not null,
    hour timestamptz not null,
    failures bigint not null,
    constraint signature_hours_pkey primary key (tenant_id, project_id, signature_id, hour)
) with (fillfactor = 80);

alter table signature_hours enable row level security;
alter table signature_hours force row level security;
create policy signature_hours_tenant on signature_hours using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- Splits and merges by persons. Rows are only ever added: a later decision overrules an earlier one, and both stay readable.
create table grouping_decisions (
    tenant_id uuid not null,
    project_id uuid not null,
    id uuid not null,
    kind text not null,
    decided_at timestamptz not null,
    decided_by text not null,
    note text not null,
    -- How many it names.
    signatures bigint not null,
    idempotency_key text,
    constraint grouping_decisions_pkey primary key (tenant_id, project_id, id),
    constraint grouping_decisions_idempotency_key_unique unique (tenant_id, project_id, idempotency_key),
    constraint grouping_decisions_kind_check check (kind in ('merge', 'split'))
);

alter table grouping_decisions enable row level security;
alter table grouping_decisions force row level security;
create policy grouping_decisions_read on grouping_decisions for select using (tenant_id = current_tenant());
create policy grouping_decisions_add on grouping_decisions for insert with check (tenant_id = current_tenant());

-- The signatures that a decision names. `is_taken_out`: the side of a split that leaves.
create table grouping_decision_signatures (
    tenant_id uuid not null,
    project_id uuid not null,
    signature_id uuid not null,
    decision_id uuid not null,
    is_taken_out boolean not null,
    constraint grouping_decision_signatures_pkey primary key (tenant_id, project_id, signature_id, decision_id),
    constraint grouping_decision_signatures_decision_id_fkey foreign key (tenant_id, project_id, decision_id)
        references grouping_decisions (tenant_id, project_id, id)
);

alter table grouping_decision_signatures enable row level security;
alter table grouping_decision_signatures force row level security;
create policy grouping_decision_signatures_read on grouping_decision_signatures for select using (tenant_id = current_tenant());
create policy grouping_decision_signatures_add on grouping_decision_signatures for insert with check (tenant_id = current_tenant());

-- All signatures of a decision that names one of those in question.
create index grouping_decision_signatures_decision_index on grouping_decision_signatures (tenant_id, project_id, decision_id);
