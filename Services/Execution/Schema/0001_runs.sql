create table runs (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    kind text not null,
    state text not null,
    passed bigint not null default 0,
    failed bigint not null default 0,
    errored bigint not null default 0,
    skipped bigint not null default 0,
    -- Cases of a suite that wait or run.
    pending bigint not null default 0,
    incomplete boolean not null default false,
    suite_id uuid,
    name text not null default '',
    branch text not null default '',
    commit_sha text not null default '',
    environment text not null default '',
    ci jsonb not null default '{}',
    tags jsonb not null default '{}',
    triggered_by text not null,
    -- Of StartRun; uploads keep theirs.
    idempotency_key text,
    -- Sum of the tests' own durations.
    test_us bigint not null default 0,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    -- Not earlier than any result of the run: with created_at it bounds the partitions that are read.
    updated_at timestamptz not null default clock_timestamp(),
    constraint runs_pkey primary key (tenant_id, id),
    constraint runs_idempotency_key_unique unique (tenant_id, project_id, idempotency_key),
    constraint runs_kind_check check (kind in ('upload', 'suite')),
    constraint runs_state_check check (state in ('queued', 'running', 'passed', 'failed', 'error', 'cancelled', 'timed_out'))
) with (fillfactor = 80);

alter table runs enable row level security;
alter table runs force row level security;
create policy runs_tenant on runs using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- ListRuns, newest first. Its other filters look at the rows.
create index runs_project_id_created_at_index on runs (tenant_id, project_id, created_at, id);

-- Everybody who waits for a run or watches it, in every replica, is woken by this. A hint: who misses it looks again within a second.
create function notify_run() returns trigger language plpgsql as $$
begin
    perform pg_notify('execution_runs', new.id::text);
    return null;
end
$$;

create trigger runs_notify after insert or update on runs for each row execute function notify_run();
