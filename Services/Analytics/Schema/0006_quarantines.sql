-- Every quarantine that ever was. One of a test stands at a time; those that were lifted are its history. Nothing is written when one expires.
create table quarantines (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    test_id uuid not null,
    owner text not null,
    ticket text not null,
    reason text not null,
    expires_at timestamptz not null,
    created_by text not null,
    created_at timestamptz not null,
    lifted_by text,
    lifted_at timestamptz,
    -- The test's own sums when it was quarantined, and when that was lifted. What lies between is what it costs, so that facts need not be looked at,
    -- and nothing is added to their way in.
    executions_before bigint not null,
    failures_before bigint not null,
    duration_us_before bigint not null,
    executions_after bigint,
    failures_after bigint,
    duration_us_after bigint,
    version bigint not null default 1,
    idempotency_key text,
    change_key text,
    constraint quarantines_pkey primary key (tenant_id, id),
    constraint quarantines_tenant_id_idempotency_key_unique unique (tenant_id, idempotency_key)
);

alter table quarantines enable row level security;
alter table quarantines force row level security;
create policy quarantines_tenant on quarantines using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- GetQuarantine, UpdateQuarantine, LiftQuarantine, ListFlakyTests; and no more than one of a test stands.
create unique index quarantines_test_id_standing_unique on quarantines (tenant_id, test_id) where lifted_at is null;
-- ListQuarantines, without those that were lifted; ListQuarantinedTests.
create index quarantines_project_id_standing_index on quarantines (tenant_id, project_id, id desc) where lifted_at is null;
-- ListQuarantines with those that were lifted.
create index quarantines_project_id_index on quarantines (tenant_id, project_id, id desc);
-- ListQuarantines of one test.
create index quarantines_test_id_index on quarantines (tenant_id, test_id, id desc);
