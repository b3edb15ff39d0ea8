-- What people say of tests; the latest holds. Rows are only ever added, taking a word back is one too. Its version is the test's `verdict_version`.
create table test_verdicts (
    tenant_id uuid not null,
    test_id uuid not null,
    version bigint not null,
    project_id uuid not null,
    -- Null: the test was given back to the machine.
    kind text,
    reason text not null,
    decided_by text not null,
    decided_at timestamptz not null,
    constraint test_verdicts_pkey primary key (tenant_id, test_id, version),
    constraint test_verdicts_kind_check check (kind in ('stable', 'flaky', 'broken', 'regressed', 'environment'))
);

alter table test_verdicts enable row level security;
alter table test_verdicts force row level security;
create policy test_verdicts_read on test_verdicts for select using (tenant_id = (select current_tenant()));
create policy test_verdicts_add on test_verdicts for insert with check (tenant_id = (select current_tenant()));

alter table tests
    -- What the latest of them says; null while nobody does. Beside `stability`, which is the machine's and hears nothing of it.
    add column verdict text,
    add column verdict_version bigint not null default 1,
    -- The receipt of `stability`: StabilityModel.edition, and the hash of what was remembered of the test (StabilityReceipt). Null for what was judged
    -- before there were receipts.
    add column stability_model integer,
    add column stability_input bigint;

-- What the newest failures said (FailureMessages.bytes, at most 250 bytes). Null while that is not known.
alter table test_lines add column messages bytea;

-- ListFlakyTests: what a person calls flaky, and what the machine does where nobody says anything.
drop index tests_flaky_index;
create index tests_known_flaky_index on tests (tenant_id, project_id, flaky_chance desc, id)
    where verdict = 'flaky' or (verdict is null and stability = 'flaky');
-- The quality score counts a project's tests by what they are known for, from the index alone.
drop index tests_project_id_stability_index;
create index tests_project_id_known_index on tests (tenant_id, project_id, stability, verdict);
-- ListFlakyTests of those that a person has overruled.
create index tests_overruled_index on tests (tenant_id, project_id, flaky_chance desc, id) where verdict is not null;
