-- What gave a signature of logs its category, so that it can be reached again. Null in all of them: learnt before that was kept, or by a release that
-- keeps none. Without a rule: its lines say that all is well, so none was asked.
alter table log_signatures
    add column rule text,
    add column severity text,
    add column evidence text,
    -- Editions of the rules that everybody has, and of the project's.
    add column rules_edition integer,
    add column project_rules_edition bigint,
    -- SHA-256 of what the rules saw, which is `sample` (`LogRules`).
    add column input_hash bytea,
    add column judged_at timestamptz;

-- What people say of patterns; the latest holds. Rows are only ever added, taking a word back is one too. A pattern that is forgotten and comes back is
-- what they said.
create table log_pattern_verdicts (
    tenant_id uuid not null,
    project_id uuid not null,
    -- What the pattern was called by. A word holds for the pattern that has this signature today.
    signature_id uuid not null,
    -- From 2 for each signature.
    version bigint not null,
    -- Null: the pattern was given back to the machine.
    category text,
    reason text not null,
    decided_by text not null,
    decided_at timestamptz not null,
    -- ListLogPatterns, ListRunLogPatterns: what was said in a project. ListLogPatternVerdicts: what was said of a pattern.
    constraint log_pattern_verdicts_pkey primary key (tenant_id, project_id, signature_id, version)
);

alter table log_pattern_verdicts enable row level security;
alter table log_pattern_verdicts force row level security;
create policy log_pattern_verdicts_read on log_pattern_verdicts for select using (tenant_id = (select current_tenant()));
create policy log_pattern_verdicts_add on log_pattern_verdicts for insert with check (tenant_id = (select current_tenant()));

-- Patterns of logs of which the machine says something else since.
alter table recategorisations add column changed_log_patterns bigint not null default 0;
