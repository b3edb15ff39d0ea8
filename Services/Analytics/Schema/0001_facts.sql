-- What was delivered already: a batch that comes again changes nothing. Kept for as long as a sender may repeat itself.
create table inbox (
    tenant_id uuid not null,
    -- `<batch>/<sequence>`, `<run>`: the sender's name for what it delivers.
    event text not null,
    received_at timestamptz not null default now(),
    constraint inbox_pkey primary key (tenant_id, event)
);

alter table inbox enable row level security;
alter table inbox force row level security;
create policy inbox_tenant on inbox
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

-- The sweeper, once an hour.
create index inbox_received_at_index on inbox (received_at);

-- One row a test that ever ran, with sums that are kept at ingest, so that no page scans history.
create table tests (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    suite_name text not null,
    class_name text not null,
    name text not null,
    passed bigint not null default 0,
    failed bigint not null default 0,
    errored bigint not null default 0,
    skipped bigint not null default 0,
    flips bigint not null default 0,
    -- Skipped executions say nothing about the test, so they change neither of the two.
    last_passed boolean,
    last_outcome text not null,
    last_started_at timestamptz not null,
    timed bigint not null default 0,
    duration_us bigint not null default 0,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    constraint tests_pkey primary key (tenant_id, id)
);

alter table tests enable row level security;
alter table tests force row level security;
create policy tests_tenant on tests using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- ListTests: most flips first.
create index tests_project_id_flips_id_index on tests (tenant_id, project_id, flips desc, id);

-- One row an execution of a test. Partitioned by time: retention drops partitions, it never deletes rows.
create table facts (
    tenant_id uuid not null,
    test_id uuid not null,
    result_id uuid not null,
    run_id uuid not null,
    started_at timestamptz not null,
    outcome text not null,
    duration_us bigint,
    branch text not null default '',
    commit_sha text not null default '',
    constraint facts_pkey primary key (tenant_id, test_id, started_at, result_id),
    constraint facts_outcome_check check (outcome in ('passed', 'failed', 'errored', 'skipped'))
) partition by range (started_at);

alter table facts enable row level security;
alter table facts force row level security;
create policy facts_tenant on facts using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

create table facts_default partition of facts default;
alter table facts_default enable row level security;
alter table facts_default force row level security;
create policy facts_default_tenant on facts_default using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- Makes this month's partition and the next two. The service's role owns nothing, so the owner's rights are lent for just this.
create function ensure_fact_partitions() returns void
    language plpgsql security definer set search_path from current as $$
declare
    month date;
    part text;
begin
    perform pg_advisory_xact_lock(hashtext('analytics.ensure_fact_partitions'));
    for offset_months in 0..2 loop
        month := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => offset_months))::date;
        part := 'facts_' || to_char(month, 'YYYY_MM');
        if to_regclass(part) is null then
            execute format('create table %I partition of facts for values from (%L) to (%L)', part,
                month::timestamp at time zone 'UTC', (month + interval '1 month')::timestamp at time zone 'UTC');
            execute format('alter table %I enable row level security', part);
            execute format('alter table %I force row level security', part);
            execute format('create policy %I on %I using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())',
                part || '_tenant', part);
        end if;
    end loop;
end $$;
select ensure_fact_partitions();
