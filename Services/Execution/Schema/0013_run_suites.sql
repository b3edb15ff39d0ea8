-- What reports say of whole suites: properties and output. One row a suite that says anything.
create table run_suites (
    tenant_id uuid not null,
    run_id uuid not null,
    upload_id uuid not null,
    -- Of such suites of the upload, from 0.
    position integer not null,
    name text not null,
    -- Name of the report's file, as the client gave it.
    file text not null,
    -- Array of {name, value}, in the order of the report.
    properties jsonb not null,
    system_out text not null,
    system_err text not null,
    -- ListRunSuites, in this order.
    constraint run_suites_pkey primary key (tenant_id, run_id, upload_id, position),
    constraint run_suites_upload_id_fkey foreign key (tenant_id, upload_id) references uploads (tenant_id, id) deferrable initially deferred
);

alter table run_suites enable row level security;
alter table run_suites force row level security;
create policy run_suites_tenant on run_suites using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
