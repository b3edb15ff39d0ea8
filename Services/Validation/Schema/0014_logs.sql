-- What the logs of a project look like. Everything about a pattern is a sum over its signatures, so that patterns can be put together without
-- counting anything again, as with groups of failures.

-- Pieces of artifacts that are counted: each counts once.
create table log_pieces (
    tenant_id uuid not null,
    artifact_id uuid not null,
    piece integer not null,
    run_id uuid not null,
    constraint log_pieces_pkey primary key (tenant_id, artifact_id, piece)
);
-- A run's logs are forgotten together.
create index log_pieces_run_id_index on log_pieces (tenant_id, run_id);

-- Runs that have logs, with what is said of all of them.
create table log_runs (
    tenant_id uuid not null,
    run_id uuid not null,
    project_id uuid not null,
    trusted boolean not null,
    branch text not null,
    started_at timestamptz not null,
    logs bigint not null,
    lines bigint not null,
    other_lines bigint not null,
    cut_logs bigint not null,
    unreadable_logs bigint not null,
    constraint log_runs_pkey primary key (tenant_id, run_id)
);
-- The last runs of a project, and what is old enough to be forgotten.
create index log_runs_started_at_index on log_runs (tenant_id, project_id, started_at desc, run_id);
-- ListRunLogPatterns: the passed runs of a branch, also of one that hardly ever runs.
create index log_runs_branch_index on log_runs (tenant_id, project_id, branch, started_at desc, run_id) where trusted;

-- What a run's lines look like. The pattern is that of the signature today (`log_signatures`), or this one where the project has not learnt it.
create table log_run_signatures (
    tenant_id uuid not null,
    run_id uuid not null,
    signature_id uuid not null,
    pattern_id uuid not null,
    text text not null,
    level text not null,
    category text,
    lines bigint not null,
    sample text not null,
    constraint log_run_signatures_pkey primary key (tenant_id, run_id, signature_id)
);

-- At most `LogBounds.signatures` of a project, so that they are read whole.
create table log_signatures (
    tenant_id uuid not null,
    project_id uuid not null,
    signature_id uuid not null,
    pattern_id uuid not null,
    text text not null,
    level text not null,
    category text,
    lines bigint not null,
    runs bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    last_run uuid not null,
    sample text not null,
    constraint log_signatures_pkey primary key (tenant_id, project_id, signature_id)
);

create table log_days (
    tenant_id uuid not null,
    project_id uuid not null,
    signature_id uuid not null,
    day date not null,
    lines bigint not null,
    constraint log_days_pkey primary key (tenant_id, project_id, signature_id, day)
);
-- What is old enough to be forgotten.
create index log_days_day_index on log_days (tenant_id, project_id, day);

alter table log_pieces enable row level security;
alter table log_pieces force row level security;
create policy log_pieces_tenant on log_pieces
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
alter table log_runs enable row level security;
alter table log_runs force row level security;
create policy log_runs_tenant on log_runs
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
alter table log_run_signatures enable row level security;
alter table log_run_signatures force row level security;
create policy log_run_signatures_tenant on log_run_signatures
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
alter table log_signatures enable row level security;
alter table log_signatures force row level security;
create policy log_signatures_tenant on log_signatures
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
alter table log_days enable row level security;
alter table log_days force row level security;
create policy log_days_tenant on log_days
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
