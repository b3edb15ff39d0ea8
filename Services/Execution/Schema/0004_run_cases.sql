-- Runs of suites that are not finished. A row lives from StartRun until the run's last case is recorded; the run itself stays in `runs`.
create table active_runs (
    tenant_id uuid not null,
    run_id uuid not null,
    project_id uuid not null,
    suite_name text not null,
    -- Cases of this run that run at once.
    concurrency integer not null,
    -- Set by the first claim: tells the claimer that the run has begun.
    started_at timestamptz,
    -- Nothing waits any more; the run ends as CANCELLED when the last running case is recorded.
    cancelled boolean not null default false,
    constraint active_runs_pkey primary key (tenant_id, run_id),
    constraint active_runs_concurrency_check check (concurrency between 1 and 64)
);

alter table active_runs enable row level security;
alter table active_runs force row level security;
create policy active_runs_tenant on active_runs
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

-- Cases that wait or run. A row is deleted in the transaction that records its result, so the table stays as small as the work ahead.
create table run_cases (
    tenant_id uuid not null,
    run_id uuid not null,
    case_id uuid not null,
    -- Order within the suite.
    position integer not null,
    name text not null,
    -- The case as it was when the run started, with the variables it uses: read whole, never searched.
    definition jsonb not null,
    state text not null default 'queued',
    -- Raised by every claim, because a crash must count; taken back when a worker that stops gives the case back.
    attempt integer not null default 0,
    -- Raised by every claim and never taken back: a write that names an older one is refused.
    epoch bigint not null default 0,
    worker_id uuid,
    lease_until timestamptz,
    constraint run_cases_pkey primary key (tenant_id, run_id, case_id),
    constraint run_cases_run_id_fkey foreign key (tenant_id, run_id) references active_runs (tenant_id, run_id),
    constraint run_cases_state_check check (state in ('queued', 'running'))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

alter table run_cases enable row level security;
alter table run_cases force row level security;
create policy run_cases_tenant on run_cases
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

-- The claim walks each run's waiting cases in the suite's order.
create index run_cases_queued_index on run_cases (tenant_id, run_id, position) where state = 'queued';
-- The claim counts what runs, the heartbeat and the reaper go through it: never more rows than all workers have slots. `lease_until` is
-- not in it so that a heartbeat touches no index.
create index run_cases_running_index on run_cases (tenant_id, run_id) where state = 'running';

-- Leases up to `slots` cases to `worker` until `lease` from now. A function, so that lock, look and lease are one round trip and no client
-- can stop between them while it holds the lock.
--
-- One claim at a time in the whole service: caps are exact because nobody else raises the counts that are looked at. Tenants take turns, those
-- with less under way first, and ties are drawn by lot, so that nobody starves; within a tenant older runs come first.
--
-- Plans are cached, and one made while the table was empty would read all of it when it is full: hence the settings.
create function claim_cases(slots integer, tenant_cap integer, worker uuid, lease interval)
    returns table (
        tenant_id uuid, run_id uuid, case_id uuid, project_id uuid, suite_name text, name text, definition jsonb, attempt integer, epoch bigint,
        is_first boolean
    )
    language plpgsql
    set enable_seqscan = off
    set enable_hashjoin = off
    set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
    perform pg_advisory_xact_lock(hashtext('claim_cases'), hashtext(current_schema()));
    return query
    with busy as materialized (
        select tenant_id, run_id, count(*) as running from run_cases where state = 'running' group by tenant_id, run_id
    ),
    tenants as materialized (
        select t.tenant_id, coalesce(b.running, 0) as running, random() as lot
        from (select distinct tenant_id from active_runs) t
        left join (select tenant_id, sum(running) as running from busy group by tenant_id) b using (tenant_id)
        where coalesce(b.running, 0) < tenant_cap
        -- Some may have nothing that waits: four times as many as can be served make that harmless.
        order by running, lot limit 4 * slots
    ),
    turns as materialized (
        select t.running + row_number() over (partition by c.tenant_id order by c.run_id, c.position) as turn, t.lot, c.*
        from tenants t
        cross join lateral (
            select q.* from (
                select a.*, coalesce(b.running, 0) as running
                from active_runs a left join busy b using (tenant_id, run_id)
                where a.tenant_id = t.tenant_id and a.concurrency > coalesce(b.running, 0)
                -- At most `tenant_cap` of these have nothing but running cases, so the rest is enough to fill the cap.
                order by a.run_id limit 2 * tenant_cap
            ) r
            cross join lateral (
                select r.tenant_id, r.run_id, r.project_id, r.suite_name, r.started_at, w.case_id, w.position
                from run_cases w
                where w.tenant_id = r.tenant_id and w.run_id = r.run_id and w.state = 'queued'
                order by w.position
                limit r.concurrency - r.running
            ) q
            limit least(tenant_cap - t.running, slots)
        ) c
        order by turn, t.lot
        limit slots
    ),
    -- What somebody else holds is being dropped by a cancellation.
    free as materialized (
        select t.* from turns t join run_cases c using (tenant_id, run_id, case_id) where c.state = 'queued' for update of c skip locked
    ),
    leased as (
        update run_cases c
        set state = 'running', attempt = c.attempt + 1, epoch = c.epoch + 1, worker_id = worker, lease_until = now() + lease
        from free f
        where c.tenant_id = f.tenant_id and c.run_id = f.run_id and c.case_id = f.case_id
        returning c.tenant_id, c.run_id, c.case_id, f.project_id, f.suite_name, c.name, c.definition, c.attempt, c.epoch, f.started_at, f.turn
    ),
    begun as (
        update active_runs a set started_at = now()
        from (select distinct tenant_id, run_id from leased where started_at is null) l
        where a.tenant_id = l.tenant_id and a.run_id = l.run_id
    )
    select tenant_id, run_id, case_id, project_id, suite_name, name, definition, attempt, epoch, started_at is null
    from leased order by turn;
end
$$;
