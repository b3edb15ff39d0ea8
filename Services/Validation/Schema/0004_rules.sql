-- How far the rules of a project have come: every change of a rule makes a new edition. One row a project that ever had a rule; locked by whoever changes one,
-- so that editions follow each other without gaps.
create table rulebooks (
    tenant_id uuid not null,
    project_id uuid not null,
    edition bigint not null,
    constraint rulebooks_pkey primary key (tenant_id, project_id)
);

alter table rulebooks enable row level security;
alter table rulebooks force row level security;
create policy rulebooks_tenant on rulebooks using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- What a rule was from one edition to another: edition e of a project is the rows with since_edition <= e and no until_edition <= e. A change writes one
-- row, however many rules there are.
create table project_rules (
    tenant_id uuid not null,
    project_id uuid not null,
    rule_id uuid not null,
    since_edition bigint not null,
    -- Null while it holds.
    until_edition bigint,
    name text not null,
    category text not null,
    severity text not null,
    position integer not null,
    places text[] not null,
    pattern text not null,
    enabled boolean not null,
    -- Failures on which this version ran out of its budget. No edition: it decides nothing until the rule is switched off for it, and that is one.
    overruns bigint not null default 0,
    last_overrun timestamptz,
    constraint project_rules_pkey primary key (tenant_id, project_id, rule_id, since_edition)
);

alter table project_rules enable row level security;
alter table project_rules force row level security;
create policy project_rules_tenant on project_rules using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- The rules that hold: read for every delivery of failures, and the names that are taken.
create unique index project_rules_project_id_name_unique on project_rules (tenant_id, project_id, name) where until_edition is null;

-- Who changed what in which edition. ListRuleEditions reads it by its key, newest first.
create table rule_editions (
    tenant_id uuid not null,
    project_id uuid not null,
    edition bigint not null,
    change text not null,
    rule_id uuid not null,
    rule_name text not null,
    -- Empty when Assay itself switched the rule off.
    actor text not null,
    changed_at timestamptz not null default now(),
    idempotency_key text,
    constraint rule_editions_pkey primary key (tenant_id, project_id, edition),
    constraint rule_editions_change_check check (change in ('created', 'updated', 'deleted', 'switched_off')),
    constraint rule_editions_tenant_id_idempotency_key_unique unique (tenant_id, idempotency_key)
);

alter table rule_editions enable row level security;
alter table rule_editions force row level security;
create policy rule_editions_tenant on rule_editions using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- What rules saw of a failure, by the SHA-256 of it: the same failure of every night is kept once. Rows of other tables refer to it by hash.
create table symptoms (
    tenant_id uuid not null,
    hash bytea not null,
    message text not null,
    type text not null,
    trace text not null,
    system_err text not null,
    http_status integer not null,
    error_code text not null,
    outcome text not null,
    constraint symptoms_pkey primary key (tenant_id, hash),
    constraint symptoms_hash_check check (octet_length(hash) = 32)
);

alter table symptoms enable row level security;
alter table symptoms force row level security;
create policy symptoms_tenant on symptoms using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

alter table failures
    -- The rest of the receipt. Null for what was judged before symptoms were kept.
    add column symptoms_hash bytea,
    -- 0: no rule of the project was asked.
    add column project_rules_edition bigint not null default 0,
    -- What the machine says where a person says something else: category and severity are the person's then. Null without a person.
    add column judged_category text,
    add column judged_severity text,
    -- Raised by every verdict of a person, and by taking one back.
    add column verdict_version bigint not null default 1;

-- A draft's test on the last thousand; judging a project's history again, in this order.
create index failures_project_id_result_id_index on failures (tenant_id, project_id, result_id);
