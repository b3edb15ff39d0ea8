-- What each test did in each run: narrow rows, because there are many. No foreign key to `runs`: it would cost more than everything else about a
-- row, and the rows are written in the transaction that writes the run.
create table results (
    tenant_id uuid not null,
    id uuid not null,
    run_id uuid not null,
    test_id uuid not null,
    case_id uuid,
    recorded_at timestamptz not null default now(),
    started_at timestamptz,
    duration_us bigint,
    line integer,
    outcome smallint not null,
    attempt smallint not null default 1,
    suite_name text not null default '',
    class_name text not null default '',
    name text not null,
    file text,
    -- GetResult, and the results of one upload, which are one range of ids. The partition key has to be in it.
    constraint results_pkey primary key (tenant_id, id, recorded_at)
) partition by range (recorded_at);

-- ListResults: the results of one run in the order of their recording. The history of a test is Analytics' to tell, so there is no third index.
create index results_run_id_index on results (tenant_id, run_id, id);

-- The texts of those results that have any, apart, so that lists and counts do not read them.
create table result_details (
    tenant_id uuid not null,
    result_id uuid not null,
    recorded_at timestamptz not null default now(),
    message text not null default '',
    type text not null default '',
    trace text not null default '',
    system_out text not null default '',
    system_err text not null default '',
    -- `Exchange` as JSON, of HTTP cases.
    http jsonb,
    -- Texts are looked up beside their result.
    constraint result_details_pkey primary key (tenant_id, result_id, recorded_at)
) partition by range (recorded_at);

alter table results enable row level security;
alter table results force row level security;
create policy results_tenant on results using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

alter table result_details enable row level security;
alter table result_details force row level security;
create policy result_details_tenant on result_details using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- Makes the partition of one month. Row-level security of the parent does not hold for a partition that is named directly, so it has its own.
create function make_result_partition(parent text, month date) returns void language plpgsql as $$
declare
    part text := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
begin
    if to_regclass(format('%I.%I', current_schema(), part)) is not null then
        return;
    end if;
    execute format(
        'create table %I partition of %I for values from (%L) to (%L)', part, parent, month::timestamp at time zone 'UTC',
        (month + interval '1 month')::timestamp at time zone 'UTC');
    execute format('alter table %I enable row level security', part);
    execute format('alter table %I force row level security', part);
    execute format(
        'create policy %I on %I using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())', part || '_tenant', part);
end
$$;

-- The partitions of this month and the next two. Called when a process starts and once a day: the service's role owns nothing and may not make
-- tables itself. Waits for a lock at most three seconds, since everybody who writes results would queue behind it; the next call comes.
create function ensure_result_partitions() returns void language plpgsql security definer
    set search_path from current
    set lock_timeout = '3s'
as $$
declare
    ahead integer;
    month date;
begin
    perform pg_advisory_xact_lock(hashtext('ensure_result_partitions'), hashtext(current_schema()));
    for ahead in 0..2 loop
        month := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead))::date;
        perform make_result_partition('results', month);
        perform make_result_partition('result_details', month);
    end loop;
end
$$;

-- Catches what no month takes, should the calls above have failed for months: late is better than lost.
create table results_default partition of results default;
alter table results_default enable row level security;
alter table results_default force row level security;
create policy results_default_tenant on results_default using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

create table result_details_default partition of result_details default;
alter table result_details_default enable row level security;
alter table result_details_default force row level security;
create policy result_details_default_tenant on result_details_default
    using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

select ensure_result_partitions();
