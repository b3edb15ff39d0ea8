-- Tags that a result has by itself, one a line; null for most.
alter table results add column tags text;

-- What did not pass in a run: ListResults by outcome, and the tag index below, find the few among the many. The others are found in `results_run_id_index`.
create index results_trouble_index on results (tenant_id, run_id, outcome, id) where outcome <> 1;

-- The tag index. A row says: in this run, results from `first_id` to `last_id` with this outcome have this tag. What a run says of all its results is
-- one row an upload and outcome, however many results there are; what a result says of itself is a row with `first_id` = `last_id`. Rows of one tag and
-- outcome never overlap. ListProjectResults walks them, newest first.
create table result_tags (
    tenant_id uuid not null,
    run_id uuid not null,
    -- `Tag.id`: computed from project and text.
    tag_id uuid not null,
    first_id uuid not null,
    last_id uuid not null,
    -- The same as that of the results, which are written in the same transaction.
    recorded_at timestamptz not null default now(),
    outcome smallint not null,
    constraint result_tags_pkey primary key (tenant_id, tag_id, outcome, first_id, recorded_at)
) partition by range (recorded_at);

alter table result_tags enable row level security;
alter table result_tags force row level security;
create policy result_tags_tenant on result_tags using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

create table result_tags_default partition of result_tags default;
alter table result_tags_default enable row level security;
alter table result_tags_default force row level security;
create policy result_tags_default_tenant on result_tags_default using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- As in 0002, with one table more.
create or replace function ensure_result_partitions() returns void language plpgsql security definer
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
        perform make_result_partition('result_tags', month);
    end loop;
end
$$;

select ensure_result_partitions();

-- The tags that a project knows, for those who look for one (ListTagKeys, ListTags): at most 10,000 values of a key. What is not here is found all the same.
create table tags (
    tenant_id uuid not null,
    project_id uuid not null,
    -- By bytes, so that a beginning is a range. The value of a key alone is empty.
    key text collate "C" not null,
    value text collate "C" not null,
    last_seen_on date not null default current_date,
    constraint tags_pkey primary key (tenant_id, project_id, key, value)
);

alter table tags enable row level security;
alter table tags force row level security;
create policy tags_tenant on tags using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
